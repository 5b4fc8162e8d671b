"""What COSI hands out, read without ever repeating it."""

from typing import Any

import orjson
import pytest

from controllers.registry import bucket
from controllers.registry.bucket import BucketInfo, parse_bucket_info
from registry_operator.runtime.outcome import Stalled
from registry_operator.testing.builders import a_bucket_info, a_registry, an_object


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

    assert str(bucket.claim_key(owner)) == str(bucket.access_key(owner)) == "team-a/images"
    assert str(bucket.credentials_key(owner)) == "team-a/images-bucket"
