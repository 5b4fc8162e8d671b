"""The whole operator, from a user's point of view: what is written becomes true and stays true."""

import base64
from typing import Any

import pytest

from controllers.kinds import (
    DEPLOYMENT,
    REGISTRY,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
)
from registry_operator.kube.errors import Invalid
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.testing.builders import NAMESPACE, S3, a_secret
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry_stage import RegistryStage

pytestmark = pytest.mark.virtual

KEYS = {"accessKey": "AKIA", "secretKey": "do-not-tell-s3"}


@pytest.fixture
def stage(clock: VirtualClock) -> RegistryStage:
    return RegistryStage(clock)


def file_of(secret: dict[str, Any]) -> str:
    return base64.b64decode(secret["data"]["config.yml"]).decode()


async def test_a_new_registry_becomes_ready_with_all_its_children(stage: RegistryStage) -> None:
    async with stage.running():
        stage.create(image="registry:3.1.2")
        await stage.settle()

        assert stage.told() == ("True", "Ready")
        assert stage.told("Reconciling") == stage.told("Stalled") == ("", "")
        assert stage.names(SERVICE) == stage.names(SERVICE_ACCOUNT) == ["images"]
        assert stage.names(SECRET) == [stage.current_config, "images-http-secret"]
        status = stage.status()
        assert status["endpoint"] == "images.team-a.svc:5000"
        assert status["version"] == "3.1.2"
        assert status["configuration"] == stage.current_config
        assert (status["replicas"], status["readyReplicas"]) == (1, 1)
        assert status["storage"] == {"kind": "emptyDir"}


async def test_the_requirements_sample_of_a_bare_registry_says_what_it_lacks(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        stage.create(storage=None, image="registry:2")
        await stage.settle()
        assert stage.told() == ("False", "StorageNotSpecified")
        assert stage.told("Stalled") == ("True", "StorageNotSpecified")
        assert "spec.storage" in stage.message()

        stage.change(lambda spec: spec.update(storage={"emptyDir": {}}))
        await stage.settle()
        assert stage.told() == ("True", "Ready")


async def test_a_changed_spec_rolls_a_new_configuration_and_keeps_what_replica_sets_need(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        stage.create()
        await stage.settle()
        before = stage.current_config
        stage.change(lambda spec: spec.update(config={"log": {"level": "debug"}}))
        await stage.settle()

        assert stage.current_config != before
        assert "debug" in file_of(stage.one(SECRET, stage.current_config))
        assert sorted(stage.configs()) == sorted([before, stage.current_config])
        assert stage.status()["configuration"] == stage.current_config
        assert stage.told() == ("True", "Ready")


async def test_an_old_configuration_goes_with_its_last_replica_set(stage: RegistryStage) -> None:
    from controllers.kinds import REPLICA_SET

    async with stage.running():
        stage.create()
        await stage.settle()
        (first,) = stage.names(REPLICA_SET)
        stage.change(lambda spec: spec.update(config={"log": {"level": "debug"}}))
        await stage.settle()
        stage.api.delete(REPLICA_SET, ObjectKey(NAMESPACE, first))
        await stage.settle()

        assert stage.configs() == [stage.current_config]


async def test_a_rotated_secret_is_rolled_out(stage: RegistryStage) -> None:
    async with stage.running():
        stage.create(storage=S3)
        await stage.settle()
        assert stage.told() == ("False", "SecretNotFound")
        assert "s3-keys" in stage.message()

        stage.api.put(SECRET, a_secret("s3-keys", KEYS))
        await stage.settle()
        assert stage.told() == ("True", "Ready")
        before = stage.current_config

        stage.api.put(SECRET, a_secret("s3-keys", KEYS | {"secretKey": "another"}))
        await stage.settle()
        assert stage.current_config != before
        assert "another" in file_of(stage.one(SECRET, stage.current_config))
        assert stage.told() == ("True", "Ready")


@pytest.mark.parametrize("resource", [DEPLOYMENT, SERVICE, SERVICE_ACCOUNT])
async def test_a_deleted_child_is_made_again(stage: RegistryStage, resource: Resource) -> None:
    async with stage.running():
        stage.create()
        await stage.settle()
        uid = stage.one(resource)["metadata"]["uid"]
        stage.api.delete(resource, ObjectKey(NAMESPACE, "images"))
        await stage.settle()

        assert stage.one(resource)["metadata"]["uid"] != uid
        assert stage.told() == ("True", "Ready")


async def test_deleted_secrets_are_made_again_and_a_new_http_secret_reaches_the_pods(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        stage.create()
        await stage.settle()
        before = stage.one(DEPLOYMENT)["spec"]["template"]["metadata"]["annotations"]
        for name in stage.names(SECRET):
            stage.api.delete(SECRET, ObjectKey(NAMESPACE, name))
        await stage.settle()

        assert stage.names(SECRET) == [stage.current_config, "images-http-secret"]
        assert stage.one(DEPLOYMENT)["spec"]["template"]["metadata"]["annotations"] != before
        assert stage.told() == ("True", "Ready")


DRIFTS: list[tuple[Resource, Any]] = [
    (DEPLOYMENT, lambda body: body["spec"].update(replicas=7)),
    (DEPLOYMENT, lambda body: body["spec"]["template"]["spec"].update(enableServiceLinks=True)),
    (DEPLOYMENT, lambda body: body["spec"]["template"]["spec"]["containers"][0].update(image="x")),
    (DEPLOYMENT, lambda body: body["metadata"]["labels"].clear()),
    (DEPLOYMENT, lambda body: body["metadata"].update(annotations={})),
    (DEPLOYMENT, lambda body: body["metadata"].update(ownerReferences=[])),
    (SERVICE, lambda body: body["spec"]["ports"][0].update(port=80)),
    (SERVICE, lambda body: body["spec"].update(selector={"app": "other"})),
    (SERVICE_ACCOUNT, lambda body: body.update(automountServiceAccountToken=True)),
]


@pytest.mark.parametrize(("resource", "drift"), DRIFTS)
async def test_an_owned_field_that_was_changed_is_changed_back(
    stage: RegistryStage, resource: Resource, drift: Any
) -> None:
    def no_twin_ports(_verb: str, of: Resource, body: dict[str, Any]) -> None:
        if of == SERVICE and len(body["spec"]["ports"]) > 1:
            raise Invalid(422, reason="Invalid", message="spec.ports[1].name: Duplicate value")

    stage.api.admit(no_twin_ports)
    async with stage.running():
        stage.create()
        await stage.settle()
        before = _without_bookkeeping(stage.one(resource))
        stage.api.change(resource, ObjectKey(NAMESPACE, "images"), drift)
        await stage.settle()

        assert _without_bookkeeping(stage.one(resource)) == before
        assert stage.told() == ("True", "Ready")


def _without_bookkeeping(body: dict[str, Any]) -> dict[str, Any]:
    names = ("resourceVersion", "generation", "managedFields")
    metadata = {name: value for name, value in body["metadata"].items() if name not in names}
    return {**body, "metadata": metadata, "status": None}


async def test_scaling_follows_the_spec(clock: VirtualClock) -> None:
    stage = RegistryStage(clock)
    async with stage.running():
        stage.api.put(SECRET, a_secret("s3-keys", KEYS))
        stage.create(storage=S3, replicas=3)
        await stage.settle()
        assert (stage.status()["replicas"], stage.status()["readyReplicas"]) == (3, 3)
        config = stage.current_config

        stage.change(lambda spec: spec.update(replicas=0))
        await stage.settle()
        assert stage.told() == ("True", "ScaledToZero")
        assert stage.status()["readyReplicas"] == 0

        stage.change(lambda spec: spec.update(replicas=2))
        await stage.settle()
        assert stage.told() == ("True", "Ready")
        assert stage.status()["readyReplicas"] == 2
        assert stage.current_config == config


async def test_a_paused_registry_is_watched_and_not_touched(stage: RegistryStage) -> None:
    async with stage.running():
        stage.create()
        await stage.settle()
        stage.change(lambda spec: spec.update(paused=True, image="registry:3.1.1"))
        stage.api.delete(SERVICE, ObjectKey(NAMESPACE, "images"))
        await stage.settle()
        assert stage.told("Paused") == ("True", "Paused")
        assert stage.names(SERVICE) == []
        assert stage.status()["image"] == "registry:3.1.2"

        stage.change(lambda spec: spec.update(paused=False))
        await stage.settle()
        assert stage.told("Paused") == ("", "")
        assert stage.told() == ("True", "Ready")
        assert stage.status()["image"] == "registry:3.1.1"


async def test_a_deleted_registry_takes_its_children_along(stage: RegistryStage) -> None:
    async with stage.running() as operator:
        stage.create()
        await stage.settle()
        stage.api.delete(REGISTRY, ObjectKey(NAMESPACE, "images"))
        await stage.settle()

        for resource in (DEPLOYMENT, SERVICE, SERVICE_ACCOUNT, SECRET):
            assert stage.names(resource) == []
        assert operator.outcomes.stats().owners == 0
        assert "images" not in str(operator.cache.stats())


async def test_a_registry_made_anew_under_its_name_becomes_ready(stage: RegistryStage) -> None:
    async with stage.running():
        for _ in range(3):
            stage.create()
            await stage.settle()
            assert stage.told() == ("True", "Ready")
            stage.api.delete(REGISTRY, ObjectKey(NAMESPACE, "images"))
