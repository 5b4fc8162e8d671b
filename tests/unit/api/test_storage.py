"""The storage block."""

from typing import Any

import pytest
from pydantic import ValidationError

from registry_operator.api.reference import SecretKeySelector
from registry_operator.api.storage import Storage
from registry_operator.testing.builders import SELECTED

_SELECTOR = {"name": "place", "key": "value"}

_VOLUME = {"resources": {"requests": {"storage": "1Gi"}}}


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
        ({"persistentVolumeClaim": {"claimName": "a"}}, "persistentVolumeClaim"),
        ({"persistentVolumeClaimTemplate": _VOLUME}, "persistentVolumeClaimTemplate"),
        ({"ephemeral": {"volumeClaimTemplate": {"spec": _VOLUME}}}, "ephemeral"),
        ({"hostPath": {"path": "/srv/images"}}, "hostPath"),
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


def test_what_secrets_hold_of_a_bucket_is_known_by_field() -> None:
    s3 = Storage.model_validate(dict(SELECTED)).s3

    assert s3 is not None
    assert list(s3.selectors) == ["bucketName", "region", "endpointURL", "accessKey", "secretKey"]
    assert s3.selectors["endpointURL"] == SecretKeySelector(name="s3-place", key="endpoint")
    assert s3.wire() == SELECTED["s3"]
    assert (s3.bucket, s3.endpoint, s3.has_keys, s3.is_hidden) == (None, None, True, True)


@pytest.mark.parametrize(
    ("field", "has_keys", "is_hidden"),
    [
        ({}, False, False),
        ({"region": "eu-1"}, False, False),
        ({"region": _SELECTOR}, False, True),
        ({"endpointURL": _SELECTOR}, False, True),
        ({"secretRef": {"name": "keys"}}, True, False),
        ({"accessKey": _SELECTOR, "secretKey": _SELECTOR}, True, False),
    ],
)
def test_a_secret_may_hold_some_of_it(
    field: dict[str, Any], *, has_keys: bool, is_hidden: bool
) -> None:
    s3 = Storage.model_validate({"s3": {"bucket": "a", **field}}).s3

    assert s3 is not None
    assert (s3.has_keys, s3.is_hidden) == (has_keys, is_hidden)


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
        {"s3": {"region": "a"}},
        {"s3": {"bucketName": {"key": "a"}}},
        {"s3": {"bucketName": {"name": "", "key": "a"}}},
        {"s3": {"bucketName": {"name": "a"}}},
        {"s3": {"bucketName": {"name": "a", "key": "b c"}}},
        {"s3": {"bucketName": "a"}},
        {"s3": {"bucket": {"name": "a", "key": "b"}}},
        {"s3": {"bucket": "a", "accessKey": {"name": "a", "key": "b"}}},
        {"s3": {"bucket": "a", "secretKey": {"name": "a", "key": "b"}}},
        {"s3": {"bucket": "a", "region": 1}},
        {"s3": {"bucket": "a", "region": "r" * 64}},
        {"s3": {"bucket": "a", "region": {"name": "a"}}},
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
        {"persistentVolumeClaim": {}},
        {"persistentVolumeClaimTemplate": {}},
        {"persistentVolumeClaimTemplate": {"resources": {"requests": {}}}},
        {"persistentVolumeClaimTemplate": {**_VOLUME, "accessModes": []}},
        {"persistentVolumeClaimTemplate": {**_VOLUME, "accessModes": ["ReadWriteTwice"]}},
        {"ephemeral": {"volumeClaimTemplate": {}}},
        {"hostPath": {"type": "Directory"}},
        {"hostPath": {"path": "/srv", "type": "File"}},
        {"bucketClaimName": "a/b"},
    ],
)
def test_what_can_never_work_is_refused(block: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Storage.model_validate(block)
