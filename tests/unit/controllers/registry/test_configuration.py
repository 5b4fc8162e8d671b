"""The configuration Secret: named by its content, kept while somebody refers to it."""

import base64
from typing import Any

import pytest
import yaml

from controllers.registry import configuration
from controllers.registry.configuration import KIND, Configuration, desired, may_prune
from controllers.registry.inputs import Children
from registry_operator.distribution.release import Release
from registry_operator.runtime.outcome import Blocked, Stalled
from registry_operator.testing.builders import (
    EMPTY_DIR,
    S3,
    a_child_secret,
    a_deployment,
    a_registry,
    a_replica_set,
    an_object,
)
from tests.unit.controllers.registry.snapshots import (
    a_cosi_registry,
    a_snapshot,
    asked,
    body_of,
    granted,
    holding,
    objects,
)

AWS = {"s3": {"bucket": "b"}}
KEYS = {
    "s3": {
        "bucket": "b",
        "region": "eu-west-1",
        "secretRef": {"name": "s3-keys"},
        "forcePathStyle": True,
    }
}


def plan(**spec: Any) -> Configuration:
    found = a_snapshot(
        a_registry(**spec),
        children=Children(version_probes=(asked(spec.get("image", "")),)),
        credentials=holding(accessKey="A", secretKey="B"),
    )
    assert isinstance(found.configuration, Configuration), found.configuration
    return found.configuration


def test_the_secret_is_immutable_and_holds_the_file_under_one_key() -> None:
    body = body_of(desired(a_snapshot()))
    text = base64.b64decode(body["data"]["config.yml"]).decode()

    assert list(body["data"]) == ["config.yml"]
    assert body["immutable"] is True
    assert "filesystem" in yaml.safe_load(text)["storage"]
    assert "secret" not in yaml.safe_load(text)["http"]


def test_its_name_follows_from_its_content() -> None:
    assert plan().secret_name == plan(resources={"limits": {"cpu": "1"}}).secret_name
    names = {
        plan(**spec).secret_name
        for spec in ({}, {"config": {"log": {"level": "debug"}}}, {"storage": S3})
    }
    assert len(names) == 3
    for name in names:
        assert name.startswith("images-config-")
        assert len(name) == len("images-config-") + 10


@pytest.mark.parametrize(
    ("image", "storage", "digest"),
    [
        ("registry:2.8.3", EMPTY_DIR, "67cdf484e1"),
        ("registry:2.8.3", S3, "69f383feea"),
        ("registry:2.8.3", AWS, "c64869306c"),
        ("registry:2.8.3", KEYS, "1e9f2f5b0e"),
        ("registry:3.1.2", EMPTY_DIR, "67cdf484e1"),
        ("registry:3.1.2", S3, "ad6c3861a3"),
        ("registry:3.1.2", AWS, "8bca492c1e"),
        ("registry:3.1.2", KEYS, "ee2e176272"),
        ("registry", S3, "69f383feea"),
        ("registry", AWS, "c64869306c"),
    ],
)
def test_a_registry_that_says_no_more_than_before_keeps_its_file_and_its_pods(
    image: str, storage: dict[str, Any], digest: str
) -> None:
    """Digests of the first version: another one would roll every user's pods at an upgrade."""
    assert plan(image=image, storage=storage).secret_name == f"images-config-{digest}"


def test_tuning_in_spec_config_keeps_its_file_too() -> None:
    tuned = {"s3": {"chunksize": 5 << 20, "rootdirectory": "/a"}, "redirect": {"disable": False}}

    assert plan(storage=S3, config={"storage": tuned}).secret_name == "images-config-7488e62a94"
    granted_plan = granted(a_cosi_registry()).configuration
    assert getattr(granted_plan, "secret_name", "") == "images-config-b462926b17"


def test_keys_of_a_bucket_are_in_the_file_and_in_no_representation() -> None:
    found = granted(a_cosi_registry()).configuration

    assert isinstance(found, Configuration)
    assert "keep-me" in found.text
    assert "keep-me" not in repr(found)


@pytest.mark.parametrize(
    ("image", "release"),
    [("registry:2.8.3", "2.8.3"), ("registry:3.1.2", "3.1.2"), ("registry@sha256:" + "0" * 64, "")],
)
def test_the_release_is_told_by_the_images_tag(image: str, release: str) -> None:
    assert str(plan(image=image).release or "") == release


def test_or_by_the_image_itself_which_is_waited_for() -> None:
    registry = a_registry(image="registry:latest")
    waits = a_snapshot(registry).configuration
    told = Children(version_probes=(asked("registry:latest", "v3.1.1"),))
    found = a_snapshot(registry, children=told).configuration

    assert isinstance(waits, Blocked)
    assert waits.reason == "ReleaseNotRead"
    assert isinstance(found, Configuration)
    assert found.release == Release(3, 1, 1)


@pytest.mark.parametrize(
    ("spec", "reason", "words"),
    [
        ({"image": "Registry:3"}, "ImageInvalid", ["spec.image:"]),
        ({"image": "registry:2.7.1"}, "ReleaseUnsupported", ["spec.image:", "use 3.1.2"]),
        ({"image": "registry:3.0.0-rc.1"}, "ReleaseUnsupported", ["not a final release"]),
        ({"config": {"logs": {}}}, "KeyUnknown", ["spec.config.logs", "did you mean log?"]),
        ({"config": {"http": {"addr": ":1"}}}, "KeyOwned", ["spec.config.http.addr", "remove it"]),
        ({"config": {"log": {"level": 1}}}, "ValueInvalid", ["spec.config.log.level must be"]),
        (
            {"config": {"logs": {}, "http": {"addr": ":1"}}},
            "KeyOwned",
            ["spec.config.logs", "spec.config.http.addr"],
        ),
        ({"storage": None}, "StorageNotSpecified", ["spec.storage"]),
        (
            {"image": "registry:2.8.3", "storage": {"s3": {"bucket": "b", "accelerate": True}}},
            "FieldUnsupported",
            ["spec.storage.s3.accelerate exists since release 3.0.0"],
        ),
        (
            {
                "storage": {"s3": {"bucket": "b", "chunkSize": "5Mi"}},
                "config": {"storage": {"s3": {"chunksize": 5 << 20}}},
            },
            "SetTwice",
            ["spec.storage.s3.chunkSize", "spec.config.storage.s3.chunksize"],
        ),
    ],
)
def test_what_cannot_be_rendered_stalls_and_names_every_field(
    spec: dict[str, Any], reason: str, words: list[str]
) -> None:
    outcome = desired(a_snapshot(a_registry(**spec)))

    assert isinstance(outcome, Stalled)
    assert outcome.reason == reason
    for word in words:
        assert word in outcome.message


def test_the_users_own_keys_are_merged_where_the_storage_in_use_allows_them() -> None:
    tuned = {"storage": {"s3": {"chunksize": 5 << 20}}}
    text = plan(storage=S3, config=tuned).text
    assert yaml.safe_load(text)["storage"]["s3"]["chunksize"] == 5 << 20

    outcome = desired(a_snapshot(a_registry(config=tuned)))
    assert isinstance(outcome, Stalled)
    assert "spec.config.storage.s3" in outcome.message


def test_storage_that_is_missing_is_waited_for() -> None:
    outcome = desired(a_snapshot(a_registry(storage=S3)))

    assert isinstance(outcome, Blocked)
    assert outcome.reason == "SecretNotFound"


OWNER = a_registry()


@pytest.mark.parametrize(
    ("name", "children", "may_go"),
    [
        ("images-config-old", Children(), True),
        ("images-http-secret", Children(), False),
        (
            "images-config-old",
            Children(deployment=an_object(a_deployment(OWNER, config="images-config-old"))),
            False,
        ),
        (
            "images-config-old",
            Children(replica_sets=objects(a_replica_set(OWNER, config="images-config-old"))),
            False,
        ),
        (
            "images-config-old",
            Children(
                deployment=an_object(a_deployment(OWNER, config="images-config-new")),
                replica_sets=objects(a_replica_set(OWNER, config="images-config-new")),
            ),
            True,
        ),
    ],
)
def test_an_old_configuration_goes_when_nobody_refers_to_it(
    name: str,
    children: Children,
    may_go: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    snapshot = a_snapshot(OWNER, children=children)

    assert may_prune(snapshot, an_object(a_child_secret(OWNER, name))) is may_go


def test_a_workload_without_volumes_refers_to_nothing() -> None:
    deployment = a_deployment(OWNER)
    deployment["spec"]["template"]["spec"].pop("volumes")
    snapshot = a_snapshot(OWNER, children=Children(deployment=an_object(deployment)))

    assert may_prune(snapshot, an_object(a_child_secret(OWNER, "images-config-old")))


def test_secrets_of_other_registries_are_no_configuration_of_this_one() -> None:
    other = an_object(a_child_secret(OWNER, "images-2-config-x"))

    assert not configuration.is_configuration(an_object(OWNER), other)
    assert KIND.may_prune is may_prune
