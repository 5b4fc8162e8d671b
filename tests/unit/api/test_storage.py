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
        ({"bucketClassName": "a", "bucketAccessClass": "b"}, "bucket"),
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


@pytest.mark.parametrize(
    "block",
    [
        {"s3": {}},
        {"s3": {"bucket": "b" * 64}},
        {"s3": {"bucket": "a", "secretRef": {"name": "a", "accessKeyField": "a b"}}},
        {"emptyDir": {"medium": "Disk"}},
        {"emptyDir": {"sizeLimit": "big"}},
        {"bucketClassName": "Upper"},
    ],
)
def test_what_can_never_work_is_refused(block: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Storage.model_validate(block)
