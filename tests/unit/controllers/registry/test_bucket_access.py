"""The BucketAccess: asks for keys in a Secret that nobody else has."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from controllers.registry.bucket_access import KIND, desired
from controllers.registry.finalizer import FINALIZER
from controllers.registry.inputs import Children, CosiObjects, Credentials, RegistryInputs
from controllers.registry.moving import ANNOTATION
from controllers.registry.sharing import Neighbour
from registry_operator.runtime.outcome import Blocked, Stalled
from registry_operator.testing.builders import (
    CLAIMED,
    EMPTY_DIR,
    S3,
    a_deployment,
    a_registry,
    an_object,
    deleting,
)
from registry_operator.testing.claims import a_bucket_claim, a_users_claim
from tests.unit.controllers.registry.snapshots import (
    ABSENT,
    UNKNOWN,
    a_cosi_registry,
    a_snapshot,
    body_of,
    granted,
    having,
)


def claimed(credentials: Credentials = ABSENT) -> RegistryInputs:
    registry = a_cosi_registry()
    cosi = CosiObjects(served=True, claim=an_object(a_bucket_claim(registry, ready=False)))
    return a_snapshot(registry, cosi=cosi, credentials=credentials)


def test_it_names_claim_class_secret_and_protocol() -> None:
    assert body_of(desired(claimed()))["spec"] == {
        "bucketClaimName": "images",
        "bucketAccessClassName": "fast-keys",
        "credentialsSecretName": "images-bucket",
        "protocol": "S3",
    }


@pytest.mark.parametrize("storage", [None, S3, EMPTY_DIR])
def test_other_storage_asks_for_nothing(storage: Mapping[str, Any] | None) -> None:
    assert desired(a_snapshot(a_registry(storage=storage))) == ()


@pytest.mark.parametrize(
    ("cosi", "reason"),
    [
        (CosiObjects(served=False), "CosiNotInstalled"),
        (CosiObjects(served=True), "BucketNotReady"),
        (
            CosiObjects(served=True, claim=an_object(deleting(a_bucket_claim(a_cosi_registry())))),
            "BucketClaimTerminating",
        ),
    ],
)
def test_the_claim_comes_first_and_is_to_last(cosi: CosiObjects, reason: str) -> None:
    outcome = desired(a_snapshot(a_cosi_registry(), cosi=cosi))

    assert isinstance(outcome, Blocked)
    assert outcome.reason == reason


def test_it_is_for_the_claim_that_is_named() -> None:
    cosi = CosiObjects(served=True, claim=an_object(a_users_claim(ready=False)))
    body = body_of(desired(a_snapshot(a_registry(storage=CLAIMED), cosi=cosi)))

    assert body["metadata"]["name"] == "images"
    assert body["spec"]["bucketClaimName"] == "theirs"
    assert body["spec"]["credentialsSecretName"] == "images-bucket"


def test_it_is_not_asked_for_before_its_end_is_guarded() -> None:
    registry = a_registry(storage=CLAIMED, deletionPolicy="Delete")
    cosi = CosiObjects(served=True, claim=an_object(a_users_claim()))
    outcome = desired(a_snapshot(registry, cosi=cosi))
    assert isinstance(outcome, Blocked)
    assert outcome.reason == "WaitingForFinalizer"

    registry["metadata"]["finalizers"] = [FINALIZER]
    assert body_of(desired(a_snapshot(registry, cosi=cosi)))


def test_it_is_not_asked_for_where_another_registry_writes() -> None:
    other = Neighbour(an_object(a_registry("other", storage=CLAIMED)), is_there=True)
    shared = desired(replace(claimed(), neighbours=(other,)))
    assert isinstance(shared, Stalled)
    assert shared.reason == "BucketShared"

    assert body_of(desired(replace(granted(a_cosi_registry()), neighbours=(other,))))


def test_it_is_not_asked_for_where_the_images_are_elsewhere() -> None:
    elsewhere = a_deployment(a_cosi_registry())
    elsewhere["metadata"]["annotations"] = {ANNOTATION: "s3"}
    children = Children(deployment=an_object(elsewhere))
    outcome = desired(replace(claimed(), children=children))

    assert isinstance(outcome, Stalled)
    assert outcome.reason == "MigrationRequired"


def test_it_waits_until_the_name_of_the_secret_is_known_to_be_free() -> None:
    outcome = desired(claimed(UNKNOWN))

    assert isinstance(outcome, Blocked)
    assert outcome.reason == "SecretNotRead"


def test_a_secret_that_exists_is_never_offered_to_cosi() -> None:
    outcome = desired(claimed(having({"images-bucket": {"a": "b"}})))

    assert isinstance(outcome, Stalled)
    assert outcome.reason == "ForeignObject"
    assert "Secret team-a/images-bucket" in outcome.message
    assert "delete or rename it" in outcome.message


def test_the_secret_of_an_access_that_exists_is_its_own() -> None:
    assert body_of(desired(granted(a_cosi_registry())))
    assert body_of(desired(replace(granted(a_cosi_registry()), credentials=UNKNOWN)))


def test_it_holds_data() -> None:
    assert KIND.outlives_owner
    assert KIND.create_only
