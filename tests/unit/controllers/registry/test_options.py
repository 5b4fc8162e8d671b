"""Fields of spec.storage in the driver's words, and what a release does not know of them."""

from typing import Any

import pytest

from controllers.registry.options import _KEYS, driver_of, findings, options_of
from registry_operator.api.clouds import Azure, Gcs
from registry_operator.api.registry import RegistrySpec
from registry_operator.api.s3 import S3
from registry_operator.api.storage import Storage
from registry_operator.api.types import Model
from registry_operator.distribution.release import release_of
from registry_operator.distribution.schema import ROOT
from registry_operator.testing.builders import COSI, EMPTY_DIR, SELECTED

EVERYTHING = {
    "bucket": "images",
    "rootDirectory": "team-a",
    "insecureSkipVerify": False,
    "encrypt": True,
    "kmsKeyId": "arn:aws:kms:eu-1:1:key/a",
    "storageClass": "STANDARD_IA",
    "chunkSize": "32Mi",
    "multipartCopy": {"chunkSize": 5 << 20, "maxConcurrency": 7, "thresholdSize": "0.5Gi"},
    "dualStack": True,
    "accelerate": True,
    "logLevel": "debug",
}


def told(storage: dict[str, Any]) -> dict[str, Any]:
    return {o.key: o.value for o in options_of(Storage.model_validate(storage))}


def found(spec: dict[str, Any]) -> list[tuple[str, str]]:
    wanted = RegistrySpec.model_validate(spec)
    return [(one.path, one.reason) for one in findings(wanted, release_of(wanted.image))]


def test_every_field_is_told_as_the_driver_calls_it_and_sizes_as_bytes() -> None:
    assert told({"s3": EVERYTHING}) == {
        "rootdirectory": "team-a",
        "skipverify": False,
        "encrypt": True,
        "keyid": "arn:aws:kms:eu-1:1:key/a",
        "storageclass": "STANDARD_IA",
        "chunksize": 32 << 20,
        "multipartcopychunksize": 5 << 20,
        "multipartcopymaxconcurrency": 7,
        "multipartcopythresholdsize": 1 << 29,
        "usedualstack": True,
        "accelerate": True,
        "loglevel": "debug",
    }


def test_clouds_have_fields_of_the_same_shape() -> None:
    gcs = {"bucket": "b12", "rootDirectory": "a/b", "chunkSize": "1Mi", "maxConcurrency": 30}
    azure = {"accountName": "acc", "container": "con", "rootDirectory": "a", "endpoint": "http://a"}

    assert told({"gcs": gcs}) == {
        "rootdirectory": "a/b", "chunksize": 1 << 20, "maxconcurrency": 30,
    }  # fmt: skip
    assert told({"azure": azure}) == {"rootdirectory": "a", "serviceurl": "http://a"}


@pytest.mark.parametrize(
    "storage", [None, {}, dict(EMPTY_DIR), dict(COSI), {"s3": {"bucket": "b"}}]
)
def test_what_is_not_said_is_not_told(storage: dict[str, Any] | None) -> None:
    assert options_of(None if storage is None else Storage.model_validate(storage)) == ()


@pytest.mark.parametrize("kind", _KEYS)
def test_every_field_and_every_key_of_the_translation_exists(kind: str) -> None:
    models: dict[str, type[Model]] = {"s3": S3, "gcs": Gcs, "azure": Azure}
    names = {str(field.alias) for field in models[kind].model_fields.values()}

    assert {field.partition(".")[0] for field in _KEYS[kind]} <= names
    for key in _KEYS[kind].values():
        assert not ROOT.keys["storage"].keys[kind].keys[key].owner


def test_a_field_that_an_old_release_has_not_is_named() -> None:
    old = {"image": "registry:2.8.3", "storage": {"s3": EVERYTHING}}

    assert found(old) == [
        ("storage.s3.accelerate", "FieldUnsupported"),
        ("storage.s3.logLevel", "FieldUnsupported"),
        ("storage.s3.storageClass", "FieldUnsupported"),
        ("storage.s3.dualStack", "FieldUnsupported"),
    ]
    assert found({**old, "image": "registry:3.0.0"}) == []


def test_a_field_and_the_same_key_of_the_configuration_are_named_together() -> None:
    config = {"storage": {"s3": {"encrypt": True}, "redirect": {"disable": True}}}
    storage = {"s3": {"bucket": "b", "encrypt": True, "redirect": False}}

    assert found({"storage": storage, "config": config}) == [
        ("storage.s3.encrypt", "SetTwice"),
        ("storage.s3.redirect", "SetTwice"),
    ]


@pytest.mark.parametrize(
    ("image", "reasons"),
    [
        ("registry:2.8.3", ["IdentityUnsupported"]),
        ("registry:2", ["IdentityUnsupported"]),
        ("registry:3.0.0", []),
        ("registry:3", []),
        ("registry", []),
    ],
)
def test_a_role_of_aws_is_no_credential_for_releases_before_3(
    image: str, reasons: list[str]
) -> None:
    role = {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/images"}}
    spec = {"image": image, "storage": {"s3": {"bucket": "b"}}, "serviceAccount": role}

    assert [reason for _, reason in found(spec)] == reasons
    keys = {"s3": {"bucket": "b", "secretRef": {"name": "keys"}}}
    assert found({**spec, "storage": keys}) == []
    assert found({**spec, "storage": dict(SELECTED)}) == []


@pytest.mark.parametrize(
    ("endpoint", "paths"),
    [
        ("https://s3.eu-central-1.amazonaws.com", ["storage.s3.endpoint"]),
        ("https://minio.example.com", []),
    ],
)
def test_a_role_of_aws_is_not_asked_for_at_an_endpoint_of_s3(
    endpoint: str, paths: list[str]
) -> None:
    role = {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/images"}}
    storage = {"s3": {"bucket": "b", "endpoint": endpoint}}

    assert [path for path, _ in found({"storage": storage, "serviceAccount": role})] == paths


@pytest.mark.parametrize(
    ("image", "told"),
    [
        ("registry:2.8.3", "the image is 2.8.3"),
        ("registry:3.0.0", "the image is 3.0.0"),
        ("registry", "the image's tag does not tell the release"),
        ("registry:3.1.0", ""),
    ],
)
def test_a_container_without_a_key_needs_a_release_that_has_the_pods_identity(
    image: str, told: str
) -> None:
    storage = {"azure": {"accountName": "acc", "container": "con"}}
    wanted = RegistrySpec.model_validate({"image": image, "storage": storage})

    messages = [one.message for one in findings(wanted, release_of(image))]

    assert len(messages) == (1 if told else 0)
    assert all(told in message for message in messages)


@pytest.mark.parametrize(
    ("storage", "driver"),
    [
        (None, "s3"),
        ({}, "s3"),
        (COSI, "s3"),
        (EMPTY_DIR, "filesystem"),
        ({"gcs": {"bucket": "b12"}}, "gcs"),
    ],
)
def test_the_driver_in_use_may_be_tuned(storage: dict[str, Any] | None, driver: str) -> None:
    given = None if storage is None else Storage.model_validate(dict(storage))

    assert driver_of(given) == driver
