"""The configuration Secret: named by its content, kept while somebody refers to it."""

import base64
from typing import Any

import pytest
import yaml

from controllers.registry import configuration
from controllers.registry.configuration import KIND, Configuration, desired, may_prune
from controllers.registry.inputs import Children
from registry_operator.runtime.outcome import Blocked, Stalled
from registry_operator.testing.builders import (
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
    body_of,
    granted,
    holding,
    objects,
)


def plan(**spec: Any) -> Configuration:
    found = a_snapshot(a_registry(**spec), credentials=holding(accessKey="A", secretKey="B"))
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
