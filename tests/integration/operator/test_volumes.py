"""The claim of a Registry before a real API server: made, grown, refused, kept, deleted."""

from collections.abc import Mapping
from typing import Any

import pytest

from controllers.kinds import DEPLOYMENT, PERSISTENT_VOLUME_CLAIM, REGISTRY
from hack.e2e import installation
from hack.world import World
from registry_operator.kube.resource import Resource

pytestmark = pytest.mark.integration

_CLASSES = Resource("storage.k8s.io", "v1", "StorageClass", "storageclasses", namespaced=False)
_VOLUMES = Resource("", "v1", "PersistentVolume", "persistentvolumes", namespaced=False)
_CLAIM = "images-data"
_TEMPLATE = "persistentVolumeClaimTemplate"


def a_class(world: World, *, grows: bool) -> str:
    """The name of a class of the test's own, without provisioner: the test itself binds claims."""
    name = f"{world.namespace}-{'grows' if grows else 'fixed'}"
    body = {
        "metadata": {"name": name},
        "provisioner": "example.org/none",
        "allowVolumeExpansion": grows,
    }
    world.create(_CLASSES, body)
    return name


def a_volume(storage_class: str, size: str = "1Gi") -> dict[str, Any]:
    template = {"storageClassName": storage_class, "resources": {"requests": {"storage": size}}}
    return {"storage": {_TEMPLATE: template}}


def bind(world: World, size: str = "1Gi", name: str = _CLAIM, volume: str = "") -> None:
    """Gives the claim a volume, as a provisioner does; the controller manager binds the two."""
    world.until(lambda: world.get(PERSISTENT_VOLUME_CLAIM, name), about="the claim is made")
    claim = world.get(PERSISTENT_VOLUME_CLAIM, name) or {}
    body = {
        "metadata": {"name": volume or f"{world.namespace}-{name}"},
        "spec": {
            "capacity": {"storage": size},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": claim["spec"]["storageClassName"],
            "claimRef": {"namespace": world.namespace, "name": name},
            "hostPath": {"path": "/nowhere"},
        },
    }
    world.create(_VOLUMES, body)
    world.until(
        lambda: (world.get(PERSISTENT_VOLUME_CLAIM, name) or {})["status"]["phase"] == "Bound",
        about="the claim is bound",
    )


def claim_of(world: World) -> Mapping[str, Any]:
    found = world.get(PERSISTENT_VOLUME_CLAIM, _CLAIM)
    assert found is not None
    return found


def asked(world: World) -> str:
    size: str = claim_of(world)["spec"]["resources"]["requests"]["storage"]
    return size


def is_observed(world: World) -> bool:
    """Whether the status of the Registry speaks of its specification of now."""
    body = world.get(REGISTRY, "images") or {}
    generation: int = body["metadata"]["generation"]
    return generation == int(body["status"]["observedGeneration"])


def until_told(world: World, reason: str) -> None:
    world.until(
        lambda: world.condition("images", "StorageReady").get("reason") == reason, about=reason
    )


def test_a_claim_is_made_with_the_pods_and_grows_where_its_class_allows_it(world: World) -> None:
    name = a_class(world, grows=True)
    world.create_registry("images", a_volume(name))
    until_told(world, "VolumeNotBound")
    bind(world)
    world.until(lambda: world.get(DEPLOYMENT, "images"), about="pods are made")
    claim, deployment = claim_of(world), world.get(DEPLOYMENT, "images") or {}

    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert "ownerReferences" not in claim["metadata"]

    world.patch(REGISTRY, "images", {"spec": a_volume(name, "2Gi")})
    world.until(lambda: asked(world) == "2Gi", about="the claim grows")


def test_a_class_that_lets_nothing_grow_is_named_and_the_pods_go_on(world: World) -> None:
    name = a_class(world, grows=False)
    world.create_registry("images", a_volume(name))
    bind(world)
    world.until(lambda: world.get(DEPLOYMENT, "images"), about="pods are made")
    before = (world.get(DEPLOYMENT, "images") or {})["spec"]

    world.patch(REGISTRY, "images", {"spec": a_volume(name, "2Gi")})
    until_told(world, "VolumeExpansionRefused")
    assert f"StorageClass {name}" in world.condition("images", "StorageReady")["message"]
    assert (world.get(DEPLOYMENT, "images") or {})["spec"] == before

    world.patch(REGISTRY, "images", {"spec": a_volume(name, "500Mi")})
    until_told(world, "VolumeShrinkRefused")
    assert asked(world) == "1Gi"


def test_a_claim_keeps_its_class_and_a_second_replica_is_refused(world: World) -> None:
    name, other = a_class(world, grows=True), a_class(world, grows=False)
    world.create_registry("images", a_volume(name))
    bind(world)
    world.until(lambda: world.get(DEPLOYMENT, "images"), about="pods are made")

    world.patch(REGISTRY, "images", {"spec": a_volume(other)})
    until_told(world, "MigrationRequired")
    assert claim_of(world)["spec"]["storageClassName"] == name

    world.patch(REGISTRY, "images", {"spec": {**a_volume(name), "replicas": 2}})
    until_told(world, "ReplicasNeedSharedStorage")
    assert (world.get(DEPLOYMENT, "images") or {})["spec"]["replicas"] == 1


def test_what_is_said_no_more_of_a_claim_stays_and_nothing_is_written_for_it(world: World) -> None:
    name, volume = a_class(world, grows=True), f"{world.namespace}-pv"
    said = {"accessModes": ["ReadWriteOnce"], "storageClassName": name, "volumeName": volume}
    size = {"resources": {"requests": {"storage": "1Gi"}}}
    world.create_registry("images", {"storage": {_TEMPLATE: {**said, **size}}})
    bind(world, volume=volume)
    world.until(lambda: world.get(DEPLOYMENT, "images"), about="pods are made")
    world.settle(installation.USER)
    before = claim_of(world)

    world.patch(REGISTRY, "images", {"spec": {"storage": {_TEMPLATE: dict.fromkeys(said)}}})
    world.until(lambda: is_observed(world), about="the change is seen")
    world.settle(installation.USER)
    assert claim_of(world) == before
    assert world.condition("images", "StorageReady")["reason"] != "Rejected"

    size["resources"]["requests"]["storage"] = "2Gi"
    world.patch(REGISTRY, "images", {"spec": {"storage": {_TEMPLATE: size}}})
    world.until(lambda: asked(world) == "2Gi", about="the claim grows")
    assert claim_of(world)["spec"] == {**before["spec"], **size}


def test_a_claim_is_kept_and_taken_up_again_or_goes_along(world: World) -> None:
    spec = a_volume(a_class(world, grows=True))
    world.create_registry("images", spec)
    bind(world)
    world.until(lambda: world.get(DEPLOYMENT, "images"), about="pods are made")
    uid = claim_of(world)["metadata"]["uid"]
    world.delete(REGISTRY, "images")
    world.until(lambda: world.get(DEPLOYMENT, "images") is None, about="the Deployment goes")
    assert claim_of(world)["metadata"]["uid"] == uid

    world.create_registry("images", {**spec, "deletionPolicy": "Delete"})
    world.until(lambda: world.get(DEPLOYMENT, "images"), about="pods are made anew")
    assert claim_of(world)["metadata"]["uid"] == uid

    world.delete(REGISTRY, "images")
    world.until(lambda: world.get(REGISTRY, "images") is None, about="the Registry goes")
    world.until(
        lambda: world.get(PERSISTENT_VOLUME_CLAIM, _CLAIM) is None,
        about="and its claim",
        seconds=60,
    )


def test_a_claim_of_somebody_else_is_waited_for_and_never_touched(world: World) -> None:
    world.create_registry("images", {"storage": {"persistentVolumeClaim": {"claimName": "theirs"}}})
    until_told(world, "VolumeClaimNotFound")
    body = {
        "metadata": {"name": "theirs"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "",
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    made = world.create(PERSISTENT_VOLUME_CLAIM, body)
    bind(world, name="theirs")
    world.until(lambda: world.get(DEPLOYMENT, "images"), about="pods are made")

    world.delete(REGISTRY, "images")
    world.until(lambda: world.get(DEPLOYMENT, "images") is None, about="the Deployment goes")
    left = world.get(PERSISTENT_VOLUME_CLAIM, "theirs")
    assert left is not None
    assert left["metadata"]["uid"] == made["metadata"]["uid"]
    assert "labels" not in left["metadata"]
