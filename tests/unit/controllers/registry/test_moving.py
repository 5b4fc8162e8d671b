"""Images are not left behind."""

from dataclasses import replace
from typing import Any

import pytest

from controllers.registry.deployment import desired
from controllers.registry.inputs import Children, CosiObjects, Referent, RegistryInputs
from controllers.registry.moving import ANNOTATION, refusal
from controllers.registry.moving import CLAIM as BUCKET_OF
from registry_operator.testing.builders import (
    CLAIM,
    CLAIMED,
    COSI,
    EMPTY_DIR,
    NAMED_CLAIM,
    S3,
    a_deployment,
    a_registry,
    an_object,
)
from registry_operator.testing.claims import (
    a_bucket_access,
    a_bucket_claim,
    a_bucket_info,
    a_users_claim,
    a_volume_claim,
)
from tests.unit.controllers.registry.snapshots import (
    a_snapshot,
    body_of,
    having,
    holding,
    serving,
)


def over(before: str | None, storage: Any) -> RegistryInputs:
    """A Registry whose pods were made for another storage than is wanted now."""
    registry = a_registry(storage=storage)
    body = a_deployment(registry)
    if before is not None:
        body["metadata"].setdefault("annotations", {})[ANNOTATION] = before
    return a_snapshot(registry, children=Children(deployment=an_object(body)))


def on_bucket(claim_class: str = "fast", access_class: str = "fast-keys") -> RegistryInputs:
    registry = a_registry(storage=COSI)
    claim, access = a_bucket_claim(registry), a_bucket_access(registry)
    claim["spec"]["bucketClassName"] = claim_class
    access["spec"]["bucketAccessClassName"] = access_class
    cosi = CosiObjects(served=True, claim=an_object(claim), access=an_object(access))
    return a_snapshot(registry, cosi=cosi)


@pytest.mark.parametrize(
    ("before", "storage"),
    [
        (None, S3),
        ("s3", S3),
        ("bucket", COSI),
        ("emptyDir", EMPTY_DIR),
        ("emptyDir", S3),
        ("emptyDir", COSI),
        ("s3", None),
        ("ephemeral", CLAIM),
        ("emptyDir", CLAIM),
        ("persistentVolumeClaim/images-data", CLAIM),
        # The claim that was made is named from now on: the images stay where they are.
        (
            "persistentVolumeClaim/images-data",
            {"persistentVolumeClaim": {"claimName": "images-data"}},
        ),
        ("hostPath:/srv/images", {"hostPath": {"path": "/srv/images"}}),
    ],
)
def test_what_leaves_nothing_behind_is_taken_up(before: str | None, storage: Any) -> None:
    assert refusal(over(before, storage)) is None


@pytest.mark.parametrize(
    ("before", "storage", "wanted"),
    [
        ("s3", EMPTY_DIR, "emptyDir"),
        ("s3", COSI, "bucket"),
        ("bucket", S3, "s3"),
        ("s3", CLAIM, "persistentVolumeClaim/images-data"),
        ("persistentVolumeClaim/images-data", S3, "s3"),
        ("persistentVolumeClaim/images-data", NAMED_CLAIM, "persistentVolumeClaim/theirs"),
        ("hostPath:/srv/a", {"hostPath": {"path": "/srv/b"}}, "hostPath:/srv/b"),
    ],
)
def test_another_kind_is_refused_with_the_ways_to_go(
    before: str, storage: Any, wanted: str
) -> None:
    inputs = over(before, storage)
    told = refusal(inputs)

    assert told is not None
    assert told.reason == "MigrationRequired"
    assert f"asks for {wanted}, but the images are in {before}" in told.message
    assert "copy the images" in told.message
    assert inputs.storage == inputs.configuration == told


def test_nobody_who_never_ran_is_refused() -> None:
    assert refusal(a_snapshot(a_registry(storage=S3))) is None


def test_the_classes_that_bucket_and_access_were_made_by_are_good() -> None:
    assert refusal(on_bucket()) is None


def test_a_bucket_keeps_its_class() -> None:
    told = refusal(on_bucket(claim_class="slow"))

    assert told is not None
    assert told.reason == "MigrationRequired"
    assert "bucketClassName is fast, but the bucket was made by slow" in told.message


def test_an_access_keeps_its_class_and_may_be_made_anew() -> None:
    told = refusal(on_bucket(access_class="slow"))

    assert told is not None
    assert told.reason == "AccessClassChanged"
    assert "delete BucketAccess images" in told.message


def claimed(
    storage: Any, *, pods_on: str | None = None, access_to: str | None = None
) -> RegistryInputs:
    """A Registry that asks for a bucket; its pods and its access were made for these claims."""
    registry = a_registry(storage=storage)
    deployment = a_deployment(registry)
    deployment["metadata"]["annotations"] = {ANNOTATION: "bucket"}
    if pods_on != "images":
        deployment["metadata"]["annotations"][BUCKET_OF] = pods_on
    access = a_bucket_access(registry)
    access["spec"]["bucketClaimName"] = access_to
    return a_snapshot(
        registry,
        children=Children(deployment=an_object(deployment) if pods_on else None),
        cosi=CosiObjects(served=True, access=an_object(access) if access_to else None),
    )


def naming(claim: str) -> dict[str, Any]:
    return {**CLAIMED, "bucketClaimName": claim}


@pytest.mark.parametrize(
    ("storage", "pods_on", "access_to"),
    [
        (naming("theirs"), "theirs", "theirs"),
        (naming("theirs"), None, "theirs"),
        (naming("theirs"), "theirs", None),
        (naming("theirs"), None, None),
        # A Registry's own claim has its name, whichever field says so.
        (naming("images"), "images", "images"),
        (COSI, "images", "images"),
        (COSI, "images", None),
    ],
)
def test_the_same_claim_may_be_asked_for_in_either_way(
    storage: Any, pods_on: str | None, access_to: str | None
) -> None:
    assert refusal(claimed(storage, pods_on=pods_on, access_to=access_to)) is None


@pytest.mark.parametrize(
    ("storage", "wanted", "used"),
    [
        (naming("theirs"), "theirs", "images"),
        (naming("theirs"), "theirs", "others"),
        (COSI, "images", "theirs"),
    ],
)
def test_another_claim_is_refused_whether_pods_or_the_access_tell_of_the_old_one(
    storage: Any, wanted: str, used: str
) -> None:
    by_pods = refusal(claimed(storage, pods_on=used))
    by_access = refusal(claimed(storage, access_to=used))

    assert by_pods is not None
    assert by_access is not None
    assert by_pods.reason == by_access.reason == "MigrationRequired"
    asked = f"asks for the bucket of BucketClaim {wanted}, but"
    assert asked in by_pods.message
    assert f"of BucketClaim {used}, where they would stay" in by_pods.message
    assert asked in by_access.message
    assert f"for BucketClaim {used}, where the images are" in by_access.message
    assert "delete BucketAccess images" in by_access.message


def test_the_class_that_a_users_claim_was_made_by_is_the_users_to_choose() -> None:
    inputs = claimed(naming("theirs"), pods_on="theirs", access_to="theirs")
    cosi = replace(inputs.cosi, claim=an_object(a_users_claim()))

    assert refusal(replace(inputs, cosi=cosi)) is None


def kept_where(deployment: dict[str, Any]) -> dict[str, str]:
    """What a Deployment says of where its pods keep images."""
    told = deployment["metadata"]["annotations"]
    return {name: told[name] for name in (ANNOTATION, BUCKET_OF) if name in told}


def test_the_deployment_says_which_claim_its_pods_use_where_one_is_named() -> None:
    info = having({"images-bucket": {"BucketInfo": a_bucket_info()}})
    registry = a_registry(storage=CLAIMED)
    claim, access = an_object(a_users_claim()), an_object(a_bucket_access(registry))
    cosi = CosiObjects(served=True, claim=claim, access=access)
    body = body_of(desired(serving(registry, credentials=info, cosi=cosi)))
    assert kept_where(body) == {ANNOTATION: "bucket", BUCKET_OF: "theirs"}

    registry = a_registry(storage=COSI)
    cosi = replace(cosi, claim=an_object(a_bucket_claim(registry)))
    body = body_of(desired(serving(registry, credentials=info, cosi=cosi)))
    assert kept_where(body) == {ANNOTATION: "bucket"}


def test_a_bucket_that_was_kept_is_not_in_the_way_of_another_storage() -> None:
    cosi = on_bucket(claim_class="slow").cosi

    assert refusal(replace(a_snapshot(a_registry(storage=S3)), cosi=cosi)) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"storageClassName": "slow"}, "storageClassName is slow, but"),
        ({"accessModes": ["ReadWriteMany"]}, "accessModes is ['ReadWriteMany'], but"),
        ({"volumeName": "other"}, "volumeName is other, but"),
        ({"dataSource": {"kind": "VolumeSnapshot", "name": "x"}}, "a claim keeps it"),
    ],
)
def test_a_claim_keeps_what_it_was_made_by(change: dict[str, Any], words: str) -> None:
    told = refusal(on_claim(**change))

    assert told is not None
    assert told.reason == "MigrationRequired"
    assert words in told.message
    assert "delete PersistentVolumeClaim images-data with all its images" in told.message


@pytest.mark.parametrize(
    "change", [{}, {"accessModes": ["ReadWriteOnce"]}, {"storageClassName": None}]
)
def test_a_claim_made_by_the_same_words_is_good(change: dict[str, Any]) -> None:
    assert refusal(on_claim(**change)) is None


def on_claim(**change: Any) -> RegistryInputs:
    """A Registry whose claim was made before its template was changed."""
    template = {**CLAIM["persistentVolumeClaimTemplate"], **change}
    registry = a_registry(storage={"persistentVolumeClaimTemplate": template})
    claim = Referent(known=True, found=an_object(a_volume_claim(registry)))
    return a_snapshot(registry, volume_claim=claim)


@pytest.mark.parametrize(("storage", "kind"), [(EMPTY_DIR, "emptyDir"), (S3, "s3")])
def test_the_deployment_says_which_kind_its_pods_use(storage: Any, kind: str) -> None:
    keys = holding(accessKey="A", secretKey="B")
    body = body_of(desired(serving(a_registry(storage=storage), credentials=keys)))

    assert kept_where(body) == {ANNOTATION: kind}
    assert ANNOTATION not in body["spec"]["template"]["metadata"]["annotations"]
