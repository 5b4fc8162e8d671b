"""The operator as a process against a real control plane: children made, kept, replaced, removed."""

from typing import Any

import pytest

from controllers.kinds import DEPLOYMENT, POD, REGISTRY, REPLICA_SET, SECRET, SERVICE
from hack.e2e import installation
from hack.operator import OperatorProcess
from hack.world import World

pytestmark = pytest.mark.integration

_SPEC: dict[str, Any] = {"storage": {"emptyDir": {}}}


def a_ready_registry(world: World, name: str = "images", **spec: Any) -> None:
    world.create_registry(name, {**_SPEC, **spec})
    world.until(lambda: world.is_ready(name), about=f"{name} ready", seconds=40)


def configuration_of(world: World, name: str = "images") -> str:
    deployment = world.get(DEPLOYMENT, name)
    assert deployment is not None
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    found: str = next(v["secret"]["secretName"] for v in volumes if v["name"] == "config")
    return found


def test_a_registry_gets_its_children_and_becomes_ready(world: World) -> None:
    a_ready_registry(world)

    assert sorted(child.split("/")[0] for child in world.children("images")) == [
        "Deployment",
        "Secret",
        "Secret",
        "Service",
        "ServiceAccount",
    ]
    registry = world.get(REGISTRY, "images")
    assert registry is not None
    assert registry["status"]["readyReplicas"] == 1
    assert registry["status"]["endpoint"] == f"images.{world.namespace}.svc:5000"


def test_every_child_names_its_registry_as_controller(world: World) -> None:
    a_ready_registry(world)
    registry = world.get(REGISTRY, "images")
    assert registry is not None

    for resource in (DEPLOYMENT, SECRET, SERVICE):
        for child in world.items(resource, owner="images"):
            (owner,) = child["metadata"]["ownerReferences"]
            assert (owner["uid"], owner["controller"]) == (registry["metadata"]["uid"], True)


def test_a_deleted_child_is_made_again(world: World) -> None:
    a_ready_registry(world)
    before = world.children("images")

    world.delete(SERVICE, "images")

    world.until(lambda: world.children("images").keys() == before.keys(), about="Service is back")
    assert world.children("images")["Service/images"] != before["Service/images"]


def test_a_changed_field_is_put_back_and_a_foreign_one_is_left(world: World) -> None:
    a_ready_registry(world)

    world.patch(
        DEPLOYMENT,
        "images",
        {"metadata": {"annotations": {"example.com/note": "kept"}}, "spec": {"replicas": 3}},
    )

    def repaired() -> bool:
        deployment = world.get(DEPLOYMENT, "images")
        return deployment is not None and deployment["spec"]["replicas"] == 1

    world.until(repaired, about="replicas is 1 again")
    deployment = world.get(DEPLOYMENT, "images")
    assert deployment is not None
    assert deployment["metadata"]["annotations"]["example.com/note"] == "kept"


def test_an_old_configuration_is_pruned_when_no_replica_set_needs_it(world: World) -> None:
    a_ready_registry(world)
    first = configuration_of(world)

    world.patch(REGISTRY, "images", {"spec": {"config": {"log": {"level": "debug"}}}})
    world.until(lambda: configuration_of(world) != first, about="a new configuration", seconds=60)
    world.until(lambda: world.is_ready("images"), about="ready again", seconds=60)

    assert world.get(SECRET, first) is not None
    for replica_set in world.items(REPLICA_SET, owner="images"):
        if first in str(replica_set["spec"]["template"]):
            world.delete(REPLICA_SET, replica_set["metadata"]["name"])
    world.until(lambda: world.get(SECRET, first) is None, about="the old configuration is pruned")


def test_everything_goes_with_the_registry(world: World) -> None:
    a_ready_registry(world)

    world.delete(REGISTRY, "images")

    world.until(lambda: not world.children("images"), about="children are gone", seconds=90)
    world.until(lambda: not world.items(POD, owner="images"), about="pods are gone", seconds=40)
    assert world.get(REGISTRY, "images") is None
    assert world.children("images") == {}


def test_a_foreign_service_is_never_taken_over(world: World) -> None:
    foreign = {"metadata": {"name": "images"}, "spec": {"ports": [{"port": 80}]}}
    uid = world.create(SERVICE, foreign)["metadata"]["uid"]

    world.create_registry("images", _SPEC)

    def told() -> bool:
        return world.condition("images", "ServiceAvailable").get("reason") == "ForeignObject"

    world.until(told, about="the condition names it")
    service = world.get(SERVICE, "images")
    assert service is not None
    assert service["metadata"]["uid"] == uid
    assert "ownerReferences" not in service["metadata"]


def test_a_registry_without_storage_says_what_to_set(world: World) -> None:
    world.create_registry("images", {})

    def told() -> bool:
        return bool(world.condition("images", "StorageReady"))

    world.until(told)
    condition = world.condition("images", "StorageReady")
    assert (condition["status"], condition["reason"]) == ("False", "StorageNotSpecified")
    assert "spec.storage.s3" in condition["message"]
    assert world.items(DEPLOYMENT, owner="images") == []


def test_a_settled_registry_is_left_alone_by_a_restarted_operator(
    world: World, operator: OperatorProcess
) -> None:
    a_ready_registry(world)
    world.settle(installation.USER)
    mark = world.cluster.audit.mark()

    operator.stop()
    operator.start()
    operator.await_ready()
    world.settle(installation.USER)

    assert world.writes_by(installation.USER, since=mark) == []
