"""The finalizer: which step comes next, for every state a deletion can be in."""

from typing import Any

import pytest

from controllers.registry.finalizer import (
    FINALIZER,
    Await,
    DeleteData,
    Keep,
    SetFinalizer,
    decide,
    is_protected,
)
from controllers.registry.inputs import CosiObjects, Referent, RegistryInputs
from registry_operator.testing.builders import CLAIM as VOLUME
from registry_operator.testing.builders import (
    CLAIMED,
    NAMED_CLAIM,
    S3,
    a_registry,
    an_object,
    deleting,
)
from registry_operator.testing.claims import (
    a_bucket_access,
    a_bucket_claim,
    a_users_claim,
    a_volume_claim,
)
from tests.unit.controllers.registry.snapshots import a_cosi_registry, a_snapshot

TAKES_ALONG = a_cosi_registry(deletionPolicy="Delete")
CLAIM, ACCESS = a_bucket_claim(TAKES_ALONG), a_bucket_access(TAKES_ALONG)
GOING = ("example.org/hold",)


def guarded(registry: dict[str, Any]) -> dict[str, Any]:
    return {**registry, "metadata": registry["metadata"] | {"finalizers": ["other", FINALIZER]}}


def leaving(
    registry: dict[str, Any],
    *,
    claim: dict[str, Any] | None = None,
    access: dict[str, Any] | None = None,
) -> RegistryInputs:
    cosi = CosiObjects(
        served=True,
        claim=an_object(claim) if claim else None,
        access=an_object(access) if access else None,
    )
    return a_snapshot(deleting(registry, finalizers=[FINALIZER]), cosi=cosi)


@pytest.mark.parametrize(
    ("registry", "step"),
    [
        (TAKES_ALONG, SetFinalizer(present=True)),
        (guarded(TAKES_ALONG), Keep()),
        (a_cosi_registry(), Keep()),
        (guarded(a_cosi_registry()), SetFinalizer(present=False)),
        (a_registry(storage=S3, deletionPolicy="Delete"), Keep()),
        (guarded(a_registry(storage=S3, deletionPolicy="Delete")), SetFinalizer(present=False)),
        (a_registry(storage=None, deletionPolicy="Delete"), Keep()),
        (a_registry(storage=VOLUME, deletionPolicy="Delete"), SetFinalizer(present=True)),
        (a_registry(storage=VOLUME), Keep()),
        (a_registry(storage=NAMED_CLAIM, deletionPolicy="Delete"), Keep()),
        (a_cosi_registry(deletionPolicy="Delete", paused=True), Keep()),
        (guarded(a_cosi_registry(paused=True)), Keep()),
    ],
)
def test_a_living_registry_carries_it_when_its_bucket_goes_along(
    registry: dict[str, Any], step: object
) -> None:
    assert decide(a_snapshot(registry)) == step


def test_the_access_goes_first() -> None:
    step = decide(leaving(TAKES_ALONG, claim=CLAIM, access=ACCESS))

    assert isinstance(step, DeleteData)
    assert step.target.kind == "BucketAccess"


def test_the_access_is_waited_for() -> None:
    going = deleting(ACCESS, finalizers=GOING)

    step = decide(leaving(TAKES_ALONG, claim=CLAIM, access=going))

    assert isinstance(step, Await)
    assert step.target.kind == "BucketAccess"


def test_then_the_claim_goes_and_is_waited_for() -> None:
    step = decide(leaving(TAKES_ALONG, claim=CLAIM))
    assert isinstance(step, DeleteData)
    assert step.target.kind == "BucketClaim"

    step = decide(leaving(TAKES_ALONG, claim=deleting(CLAIM, finalizers=GOING)))
    assert isinstance(step, Await)
    assert step.target.kind == "BucketClaim"


def test_at_last_the_registry_goes() -> None:
    assert decide(leaving(TAKES_ALONG)) == SetFinalizer(present=False)


@pytest.mark.parametrize("registry", [a_cosi_registry(), a_registry(storage=S3)])
def test_a_policy_that_changed_to_retain_lets_the_bucket_be(registry: dict[str, Any]) -> None:
    step = decide(leaving(registry, claim=CLAIM, access=ACCESS))

    assert step == SetFinalizer(present=False)


def test_what_is_not_ours_is_not_deleted() -> None:
    foreign = [{**body, "metadata": body["metadata"] | {"labels": {}}} for body in (CLAIM, ACCESS)]
    step = decide(leaving(TAKES_ALONG, claim=foreign[0], access=foreign[1]))

    assert step == SetFinalizer(present=False)


@pytest.mark.parametrize(
    ("named", "claim"),
    [
        ("theirs", a_users_claim()),
        # Even where it was an own one, and bears our labels.
        ("images", CLAIM),
    ],
)
def test_of_a_claim_that_is_named_only_the_access_goes(named: str, claim: dict[str, Any]) -> None:
    storage = {**CLAIMED, "bucketClaimName": named}
    registry = a_registry(storage=storage, deletionPolicy="Delete")
    assert decide(a_snapshot(registry)) == SetFinalizer(present=True)
    step = decide(leaving(registry, claim=claim, access=ACCESS))
    assert isinstance(step, DeleteData)
    assert step.target.kind == "BucketAccess"

    for rest in (claim, deleting(claim, finalizers=GOING), None):
        assert decide(leaving(registry, claim=rest)) == SetFinalizer(present=False)


def test_finalizers_of_others_are_theirs() -> None:
    registry = deleting(TAKES_ALONG, finalizers=GOING)

    assert decide(a_snapshot(registry)) == Keep()


def test_a_bucket_is_claimed_when_its_end_is_guarded_or_not_ours() -> None:
    assert is_protected(a_snapshot(a_cosi_registry()))
    assert not is_protected(a_snapshot(TAKES_ALONG))
    assert is_protected(a_snapshot(guarded(TAKES_ALONG)))


ON_VOLUME = a_registry(storage=VOLUME, deletionPolicy="Delete")


def leaving_volume(registry: dict[str, Any], claim: dict[str, Any]) -> RegistryInputs:
    state = Referent(known=True, found=an_object(claim))
    return a_snapshot(deleting(registry, finalizers=[FINALIZER]), volume_claim=state)


def test_the_claim_of_a_volume_goes_and_is_not_waited_for_as_its_pods_go_later() -> None:
    claim = a_volume_claim(ON_VOLUME)
    step = decide(leaving_volume(ON_VOLUME, claim))
    assert isinstance(step, DeleteData)
    assert step.target.kind == "PersistentVolumeClaim"

    going = deleting(claim, finalizers=["kubernetes.io/pvc-protection"])
    assert decide(leaving_volume(ON_VOLUME, going)) == SetFinalizer(present=False)


@pytest.mark.parametrize(
    "registry",
    [a_registry(storage=VOLUME), a_registry(storage=NAMED_CLAIM, deletionPolicy="Delete")],
)
def test_a_volume_that_is_kept_or_is_the_users_own_stays(registry: dict[str, Any]) -> None:
    step = decide(leaving_volume(registry, a_volume_claim(registry)))

    assert step == SetFinalizer(present=False)


def test_a_claim_of_its_name_that_is_not_ours_stays() -> None:
    claim = a_volume_claim(ON_VOLUME)
    claim["metadata"]["labels"] = {}

    assert decide(leaving_volume(ON_VOLUME, claim)) == SetFinalizer(present=False)
