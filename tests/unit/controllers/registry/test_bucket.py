"""What COSI hands out, read without ever repeating it."""

from typing import Any

import orjson
import pytest

from controllers.registry import bucket
from controllers.registry.bucket import BucketInfo, parse_bucket_info, waiting_for
from controllers.registry.inputs import CosiObjects, RegistryInputs
from registry_operator.api.storage import Storage
from registry_operator.runtime.outcome import Blocked, Stalled
from registry_operator.testing.builders import (
    CLAIMED,
    a_registry,
    an_object,
    deleting,
)
from registry_operator.testing.claims import (
    a_bucket_access,
    a_bucket_claim,
    a_bucket_info,
    a_users_claim,
)
from tests.unit.controllers.registry.snapshots import a_cosi_registry, a_snapshot


def test_a_description_of_a_bucket_with_keys_is_read() -> None:
    assert parse_bucket_info(a_bucket_info()) == BucketInfo(
        bucket="bucket-1",
        endpoint="http://s3.example.com:9000",
        region="eu-1",
        access_key="AKIA",
        secret_key="keep-me",
    )


def without(*path: str, value: Any = None) -> str:
    info = orjson.loads(a_bucket_info())
    at = info
    for name in path[:-1]:
        at = at[name]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return orjson.dumps(info).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "keep-me, but no JSON",
        "[]",
        "null",
        "{}",
        without("spec", "secretS3"),
        without("spec", "secretS3", value="keep-me"),
        without("spec", "bucketName"),
        without("spec", "bucketName", value=""),
        without("spec", "secretS3", "accessKeyID", value=""),
        without("spec", "secretS3", "accessSecretKey"),
    ],
)
def test_anything_else_stalls_with_the_cure_and_without_its_content(text: str) -> None:
    found = parse_bucket_info(text)

    assert isinstance(found, Stalled)
    assert found.reason == "BucketInfoInvalid"
    assert "protocol S3 with authentication Key" in found.message
    assert "keep-me" not in found.message


@pytest.mark.parametrize("name", ["endpoint", "region"])
def test_endpoint_and_region_may_be_the_drivers_own(name: str) -> None:
    found = parse_bucket_info(without("spec", "secretS3", name))

    assert isinstance(found, BucketInfo)
    assert getattr(found, name) == ""


def test_its_representation_keeps_the_keys_to_itself() -> None:
    assert "keep-me" not in repr(parse_bucket_info(a_bucket_info()))
    assert "AKIA" not in repr(parse_bucket_info(a_bucket_info()))


def test_names_are_fixed() -> None:
    owner = an_object(a_registry())

    assert str(bucket.claim_key(owner, None)) == str(bucket.access_key(owner)) == "team-a/images"
    assert str(bucket.credentials_key(owner)) == "team-a/images-bucket"


def test_a_claim_that_is_named_is_the_one() -> None:
    storage = Storage.model_validate(CLAIMED)

    assert str(bucket.claim_key(an_object(a_registry()), storage)) == "team-a/theirs"
    assert bucket.is_named(storage)


NAMING = a_registry(storage=CLAIMED)


def before(
    registry: dict[str, Any],
    claim: dict[str, Any] | None,
    access: dict[str, Any] | None = None,
) -> RegistryInputs:
    cosi = CosiObjects(
        served=True,
        claim=an_object(claim) if claim else None,
        access=an_object(access) if access else None,
    )
    return a_snapshot(registry, cosi=cosi)


def test_a_claim_that_is_named_and_not_there_has_a_reason_of_its_own() -> None:
    told = waiting_for(before(NAMING, None))

    assert isinstance(told, Blocked)
    assert told.reason == "BucketClaimNotFound"
    assert "BucketClaim theirs (spec.storage.bucketClaimName) does not exist" in told.message


def test_without_cosi_the_field_that_needs_it_is_named() -> None:
    told = waiting_for(a_snapshot(NAMING))

    assert isinstance(told, Blocked)
    assert told.reason == "CosiNotInstalled"
    assert "spec.storage.bucketClaimName needs COSI" in told.message


def test_a_claim_of_a_user_is_waited_for_like_an_own_one() -> None:
    told = waiting_for(before(NAMING, a_users_claim(ready=False)))

    assert isinstance(told, Blocked)
    assert told.reason == "BucketNotReady"
    assert "BucketClaim theirs waits for its bucket" in told.message
    assert "None" not in told.message


@pytest.mark.parametrize(
    ("spec", "status", "reason"),
    [
        (["S3"], None, "AccessNotGranted"),
        (["Azure", "S3"], None, "AccessNotGranted"),
        ([], None, "AccessNotGranted"),
        (None, None, "AccessNotGranted"),
        (["Azure"], None, "BucketProtocolUnsupported"),
        (["Azure"], ["S3"], "AccessNotGranted"),
        (["S3"], ["GCP", "Azure"], "BucketProtocolUnsupported"),
    ],
)
def test_a_claim_for_other_protocols_is_refused(
    spec: list[str] | None, status: list[str] | None, reason: str
) -> None:
    claim = a_users_claim()
    claim["spec"]["protocols"] = spec
    claim["status"]["protocols"] = status
    told = waiting_for(before(NAMING, claim))

    assert told is not None
    assert told.reason == reason
    if reason == "BucketProtocolUnsupported":
        assert isinstance(told, Stalled)
        assert f"is for {', '.join(status or spec or ())}, and the registry speaks S3" in (
            told.message
        )


@pytest.mark.parametrize(
    ("registry", "claim"),
    [
        (NAMING, a_users_claim()),
        (a_cosi_registry(), a_bucket_claim(a_cosi_registry())),
    ],
)
def test_a_claim_on_its_way_out_is_told_while_pods_still_serve(
    registry: dict[str, Any], claim: dict[str, Any]
) -> None:
    told = waiting_for(before(registry, deleting(claim), a_bucket_access(registry)))

    assert isinstance(told, Blocked)
    assert told.reason == "BucketClaimTerminating"
    assert f"BucketClaim {claim['metadata']['name']} is being deleted" in told.message


def test_an_access_on_its_way_out_is_told_and_made_anew() -> None:
    registry = a_cosi_registry()
    access = deleting(a_bucket_access(registry))
    told = waiting_for(before(registry, a_bucket_claim(registry), access))

    assert isinstance(told, Blocked)
    assert told.reason == "ChildTerminating"
    assert "access is granted anew" in told.message


def test_a_claim_and_an_access_that_are_there_are_not_waited_for() -> None:
    assert waiting_for(before(NAMING, a_users_claim(), a_bucket_access(NAMING))) is None
