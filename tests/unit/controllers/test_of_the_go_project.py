"""What the Go project of the API group left behind: seen, left alone, and in nobody's way."""

from typing import Any

import pytest

from controllers.kinds import DEPLOYMENT, REGISTRY, SERVICE
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.testing.builders import NAMESPACE, controlled_by
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry_stage import RegistryStage

pytestmark = pytest.mark.virtual

FINALIZER = "registry.registry-operator.dev/finalizer"
LABELS = {
    "app.kubernetes.io/managed-by": "registry-operator",
    "app.kubernetes.io/instance": f"{NAMESPACE}.images",
    "app.kubernetes.io/part-of": "registry",
    "app.kubernetes.io/component": "registry",
}
POD: dict[str, Any] = {
    "metadata": {"labels": LABELS},
    "spec": {"containers": [{"name": "distribution", "image": "registry:3.0.0"}]},
}
SPECS: dict[Resource, dict[str, Any]] = {
    DEPLOYMENT: {"selector": {"matchLabels": LABELS}, "template": POD},
    SERVICE: {"selector": LABELS, "ports": [{"name": "distribution", "port": 5000}]},
}


@pytest.fixture
def stage(clock: VirtualClock) -> RegistryStage:
    return RegistryStage(clock)


def left_behind(stage: RegistryStage, registry: dict[str, Any]) -> list[dict[str, Any]]:
    """Its children of a Registry: named NAME-registry, controlled by the Registry itself."""
    name = f"{registry['metadata']['name']}-registry"
    metadata = {
        "namespace": NAMESPACE,
        "name": name,
        "labels": LABELS,
        "ownerReferences": [controlled_by(registry)],
    }
    return [
        stage.api.put(
            resource,
            {
                "apiVersion": resource.api_version,
                "kind": resource.kind,
                "metadata": metadata,
                "spec": spec,
            },
        )
        for resource, spec in SPECS.items()
    ]


async def test_its_children_are_left_alone_and_ours_are_made_beside_them(
    stage: RegistryStage,
) -> None:
    children = left_behind(stage, stage.create())
    async with stage.running():
        await stage.settle(60)

        assert stage.told() == ("True", "Ready")
        assert stage.names(DEPLOYMENT) == stage.names(SERVICE) == ["images", "images-registry"]
        for resource, before in zip(SPECS, children, strict=True):
            now = stage.one(resource, "images-registry")
            assert (now["metadata"]["uid"], now["spec"]) == (
                before["metadata"]["uid"],
                before["spec"],
            )


async def test_a_registry_whose_name_its_children_have_is_told_whose_they_are(
    stage: RegistryStage,
) -> None:
    left_behind(stage, stage.create())
    async with stage.running():
        stage.create("images-registry")
        await stage.settle(60)

        assert stage.told(name="images") == ("True", "Ready")
        assert stage.told(name="images-registry") == ("False", "ForeignObject")
        assert "controlled by Registry images" in stage.message(name="images-registry")


async def test_its_finalizer_is_kept_and_holds_a_deletion_until_somebody_takes_it_away(
    stage: RegistryStage,
) -> None:
    key = ObjectKey(NAMESPACE, "images")
    stage.create(metadata={"finalizers": [FINALIZER]})
    async with stage.running():
        await stage.settle()
        assert stage.told() == ("True", "Ready")
        stage.api.delete(REGISTRY, key)
        await stage.settle(60)
        assert stage.one(REGISTRY)["metadata"]["finalizers"] == [FINALIZER]

        stage.api.change(REGISTRY, key, lambda body: body["metadata"].update(finalizers=[]))
        await stage.settle()
        assert stage.names(REGISTRY) == stage.names(DEPLOYMENT) == []
