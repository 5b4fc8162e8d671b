"""The storage block."""

from typing import Any

import pytest
from pydantic import ValidationError

from registry_operator.api.storage import Storage


@pytest.mark.parametrize(
    ("block", "kind"),
    [
        ({}, None),
        ({"emptyDir": {}}, "emptyDir"),
        ({"emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}, "emptyDir"),
        ({"s3": {"bucket": "a"}}, "s3"),
        ({"gcs": {"bucket": "abc"}}, "gcs"),
        ({"azure": {"accountName": "abc", "container": "def"}}, "azure"),
        ({"bucketClassName": "a", "bucketAccessClass": "b"}, "bucket"),
        ({"bucketClaimName": "a", "bucketAccessClass": "b"}, "bucket"),
    ],
)
def test_the_kind_follows_from_the_block_that_is_there(block: dict[str, Any], kind: str) -> None:
    assert Storage.model_validate(block).kind == kind


def test_keys_of_the_secret_have_defaults() -> None:
    storage = Storage.model_validate({"s3": {"bucket": "a", "secretRef": {"name": "keys"}}})

    assert storage.s3 is not None
    assert storage.s3.secret_ref is not None
    assert storage.s3.secret_ref.access_key_field == "accessKey"
    assert storage.s3.secret_ref.secret_key_field == "secretKey"


def test_what_is_not_said_about_a_bucket_stays_open() -> None:
    s3 = Storage.model_validate({"s3": {"bucket": "a"}}).s3

    assert s3 is not None
    assert (s3.region, s3.endpoint, s3.secret_ref, s3.force_path_style) == (None,) * 4


def test_certificates_are_looked_for_under_a_key_that_is_usual() -> None:
    bundle = {"configMapRef": {"name": "store-ca"}}
    s3 = Storage.model_validate({"s3": {"bucket": "a", "caBundle": bundle}}).s3

    assert s3 is not None
    assert s3.ca_bundle is not None
    assert s3.ca_bundle.config_map_ref is not None
    assert s3.ca_bundle.config_map_ref.key == "ca.crt"


@pytest.mark.parametrize(
    "block",
    [
        {"s3": {}},
        {"s3": {"bucket": "b" * 64}},
        {"s3": {"bucket": "a", "secretRef": {"name": "a", "accessKeyField": "a b"}}},
        {"s3": {"bucket": "a", "storageClass": "COLD"}},
        {"s3": {"bucket": "a", "chunkSize": "big"}},
        {"s3": {"bucket": "a", "logLevel": "trace"}},
        {"s3": {"bucket": "a", "multipartCopy": {"maxConcurrency": 0}}},
        {"s3": {"bucket": "a", "caBundle": {"secretRef": {"key": "ca.crt"}}}},
        {"gcs": {"bucket": "a"}},
        {"gcs": {"bucket": "abc", "maxConcurrency": 24}},
        {"azure": {"accountName": "abc"}},
        {"emptyDir": {"medium": "Disk"}},
        {"emptyDir": {"sizeLimit": "big"}},
        {"bucketClassName": "Upper"},
        {"bucketClaimName": "a/b"},
    ],
)
def test_what_can_never_work_is_refused(block: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Storage.model_validate(block)
