"""A volume that is made for a Registry: claimed, waited for, grown, kept or taken along."""

from collections.abc import Callable
from typing import Any

import pytest

from controllers.kinds import DEPLOYMENT, PERSISTENT_VOLUME_CLAIM, POD, REGISTRY
from controllers.registry.finalizer import FINALIZER
from registry_operator.kube.errors import Forbidden
from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import ObjectKey
from registry_operator.testing.builders import CLAIM, EMPTY_DIR, NAMESPACE
from registry_operator.testing.claims import a_claim, a_storage_class
from registry_operator.testing.cluster_model.volumes import claims_of
from registry_operator.testing.fake_api import Change
from registry_operator.testing.fake_api.kinds.claims import CLASSES, PROTECTION
from registry_operator.testing.virtual_loop import VirtualClock
from tests.simulation.laws.law import Court
from tests.simulation.laws.tenancy import Tenancy
from tests.unit.controllers.registry_stage import RegistryStage

pytestmark = pytest.mark.virtual

KEY = ObjectKey(NAMESPACE, "images")
DATA = ObjectKey(NAMESPACE, "images-data")
Mutate = Callable[[dict[str, Any]], None]


@pytest.fixture
async def stage(clock: VirtualClock) -> RegistryStage:
    stage = RegistryStage(clock)
    stage.api.put(CLASSES, a_storage_class("fast"))
    stage.api.put(CLASSES, a_storage_class("slow", grows=False))
    return stage


@pytest.fixture
def court(stage: RegistryStage) -> Court:
    """Judges at every write that no two pods are on the volume that should not be."""
    court = Court()
    stage.api.subscribe(Tenancy(stage.api, court).see)
    return court


def claimed(**spec: Any) -> dict[str, Any]:
    """Storage on a claim that is made, with more fields of it."""
    return {
        "persistentVolumeClaimTemplate": {**CLAIM["persistentVolumeClaimTemplate"], **spec},
    }


def sized(size: str, **spec: Any) -> Mutate:
    storage = claimed(resources={"requests": {"storage": size}}, **spec)
    return lambda body: body.update(storage=storage)


def running(image: str) -> Mutate:
    return lambda body: body.update(image=image)


def claim(stage: RegistryStage) -> dict[str, Any]:
    return stage.one(PERSISTENT_VOLUME_CLAIM, "images-data")


def asked(stage: RegistryStage) -> str:
    size: str = claim(stage)["spec"]["resources"]["requests"]["storage"]
    return size


def writes_of_claims(stage: RegistryStage) -> list[str]:
    return [r.path for r in stage.new_writes() if "/persistentvolumeclaims/" in r.path]


async def ready(stage: RegistryStage, **fields: Any) -> None:
    """A Registry that serves from its volume."""
    stage.create(**{"storage": CLAIM, **fields})
    await stage.settle()
    assert stage.told() == ("True", "Ready")
    stage.new_writes()


async def test_a_volume_is_claimed_waited_for_and_used(stage: RegistryStage) -> None:
    stage.volumes.is_down = True
    async with stage.running():
        stage.create(storage=CLAIM)
        await stage.settle()
        assert stage.told() == stage.told("StorageReady") == ("False", "VolumeNotBound")
        assert stage.told("Reconciling") == ("True", "VolumeNotBound")
        assert "whether StorageClass fast exists" in stage.message()
        assert claim(stage)["spec"] == {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "10Gi"}},
            "storageClassName": "fast",
            "volumeMode": "Filesystem",
        }
        assert "ownerReferences" not in claim(stage)["metadata"]
        assert stage.one(DEPLOYMENT)["spec"]["strategy"] == {"type": "Recreate"}

        stage.volumes.is_down = False
        await stage.settle()
        assert stage.told() == ("True", "Ready")
        assert stage.told("StorageReady") == ("True", "StorageInUse")
        assert stage.status()["storage"] == {
            "kind": "persistentVolumeClaimTemplate",
            "claimName": "images-data",
            "capacity": "10Gi",
        }


async def test_at_rest_a_claim_is_never_written_again_nor_by_a_restart(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        await ready(stage)
        await stage.settle(300)
        assert stage.new_writes() == []

    async with stage.running():
        await stage.settle(300)
    assert stage.new_writes() == []


async def test_a_size_that_grows_is_told_until_the_volume_has_it(stage: RegistryStage) -> None:
    async with stage.running():
        await ready(stage)
        pod = stage.names(POD)
        stage.volumes.is_down = True
        stage.change(sized("20Gi"))
        await stage.settle()
        assert asked(stage) == "20Gi"
        assert stage.told() == ("True", "Ready")
        assert "which is being expanded to 20Gi" in stage.message("StorageReady")
        assert stage.status()["storage"]["capacity"] == "10Gi"

        stage.volumes.is_down = False
        await stage.settle()
        assert stage.status()["storage"]["capacity"] == "20Gi"
        assert "expanded" not in stage.message("StorageReady")
        assert stage.names(POD) == pod


async def test_a_size_that_grows_before_there_is_a_volume_waits_for_it(
    stage: RegistryStage,
) -> None:
    stage.volumes.is_down = True
    async with stage.running():
        stage.create(storage=CLAIM)
        await stage.settle()
        stage.change(sized("20Gi"))
        await stage.settle(60)
        assert stage.told() == ("False", "VolumeNotBound")

        stage.volumes.is_down = False
        await stage.settle()
        assert stage.told() == ("True", "Ready")
        assert stage.status()["storage"]["capacity"] == "20Gi"


async def test_a_class_that_lets_nothing_grow_is_told_and_setting_the_size_back_heals(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        await ready(stage, storage=claimed(storageClassName="slow"))
        stage.change(sized("20Gi", storageClassName="slow"))
        await stage.settle()
        assert stage.told() == stage.told("StorageReady") == ("False", "VolumeExpansionRefused")
        assert "StorageClass slow does not allow it: set the size back to 10Gi" in stage.message()
        assert stage.told("Available") == ("True", "Serving")
        assert asked(stage) == "10Gi"

        stage.change(sized("10Gi", storageClassName="slow"))
        await stage.settle()
        assert stage.told() == ("True", "Ready")


async def test_a_class_that_lets_volumes_grow_after_all_heals_by_itself(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        await ready(stage, storage=claimed(storageClassName="slow"))
        stage.change(sized("20Gi", storageClassName="slow"))
        await stage.settle()
        stage.api.put(CLASSES, a_storage_class("slow", grows=True))
        await stage.settle(60)
        assert stage.told() == ("True", "Ready")
        assert stage.status()["storage"]["capacity"] == "20Gi"


async def test_a_size_that_shrinks_is_refused_and_what_runs_goes_on(stage: RegistryStage) -> None:
    async with stage.running():
        await ready(stage)
        stage.change(sized("5Gi"))
        await stage.settle()
        assert stage.told() == stage.told("StorageReady") == ("False", "VolumeShrinkRefused")
        assert stage.told("Stalled") == ("True", "VolumeShrinkRefused")
        assert "set it to 10Gi" in stage.message()
        assert stage.told("Available") == ("True", "Serving")
        assert writes_of_claims(stage) == []

        stage.change(sized("10Gi"))
        await stage.settle()
        assert stage.told() == ("True", "Ready")


async def test_another_pod_has_no_place_on_the_volume_and_the_one_goes_on(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        await ready(stage)
        stage.change(lambda spec: spec.update(replicas=2))
        await stage.settle()
        assert stage.told() == ("False", "ReplicasNeedSharedStorage")
        assert stage.told("Available") == ("True", "Serving")
        assert len(stage.names(POD)) == 1

        stage.change(lambda spec: spec.update(replicas=1))
        await stage.settle()
        assert stage.told() == ("True", "Ready")


@pytest.mark.parametrize(
    ("storage", "word"),
    [
        (claimed(storageClassName="slow"), "PersistentVolumeClaim images-data has fast"),
        (claimed(accessModes=["ReadWriteMany"]), "has ['ReadWriteOnce']"),
        (EMPTY_DIR, "the images are in persistentVolumeClaim/images-data"),
        ({"persistentVolumeClaim": {"claimName": "other"}}, "persistentVolumeClaim/images-data"),
    ],
)
async def test_images_are_not_left_behind(
    stage: RegistryStage, storage: dict[str, Any], word: str
) -> None:
    stage.api.put(PERSISTENT_VOLUME_CLAIM, a_claim("other"))
    async with stage.running():
        await ready(stage)
        stage.change(lambda spec: spec.update(storage=dict(storage)))
        await stage.settle()
        assert stage.told() == ("False", "MigrationRequired")
        assert word in stage.message()
        assert stage.told("Available") == ("True", "Serving")
        assert [r for r in stage.new_writes() if not r.path.endswith("/status")] == []

        stage.change(lambda spec: spec.update(storage=dict(CLAIM)))
        await stage.settle()
        assert stage.told() == ("True", "Ready")


async def test_no_two_pods_are_ever_on_the_volume(stage: RegistryStage, court: Court) -> None:
    most = 0

    def count(change: Change) -> None:
        nonlocal most
        if change.resource == POD:
            most = max(most, len([pod for pod in stage.api.objects(POD) if claims_of(pod)]))

    stage.api.subscribe(count)
    async with stage.running():
        await ready(stage)
        stage.change(lambda spec: spec.update(upgrade={"policy": "Any"}))
        for image in ("registry:3.1.1", "registry:2.8.3", "registry:3.1.2"):
            stage.change(running(image))
            await stage.settle(20)
            assert stage.told() == ("True", "Ready")
            assert stage.status()["image"] == image

    assert most == 1
    assert court.first is None
    assert len(stage.volumes.tenants[claim(stage)["spec"]["volumeName"]]) == 3


async def test_a_retained_volume_stays_and_the_next_of_the_name_finds_it(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        await ready(stage)
        before = claim(stage)
        assert not stage.one(REGISTRY)["metadata"].get("finalizers")
        stage.api.delete(REGISTRY, KEY)
        await stage.settle()
        assert stage.names(REGISTRY) == stage.names(DEPLOYMENT) == stage.names(POD) == []
        assert claim(stage)["metadata"]["uid"] == before["metadata"]["uid"]

        await ready(stage)
        assert claim(stage)["metadata"]["uid"] == before["metadata"]["uid"]
        assert claim(stage)["spec"]["volumeName"] == before["spec"]["volumeName"]


async def test_a_volume_that_goes_along_goes_in_one_go(stage: RegistryStage) -> None:
    async with stage.running():
        await ready(stage, deletionPolicy="Delete")
        assert stage.one(REGISTRY)["metadata"]["finalizers"] == [FINALIZER]
        stage.volumes.is_down = True
        stage.api.delete(REGISTRY, KEY)
        await stage.settle()
        assert stage.names(REGISTRY) == stage.names(DEPLOYMENT) == stage.names(POD) == []
        assert claim(stage)["metadata"]["finalizers"] == [PROTECTION]
        assert "deletionTimestamp" in claim(stage)["metadata"]

        stage.volumes.is_down = False
        await stage.settle()
        assert stage.names(PERSISTENT_VOLUME_CLAIM) == []
        assert stage.volumes.volumes == {}


async def test_a_volume_waits_for_the_finalizer_that_guards_its_deletion(
    stage: RegistryStage,
) -> None:
    def finalizers(request: Request) -> bool:
        return request.path.endswith("/registries/images")

    stage.api.faults.plan(finalizers, Forbidden(403, reason="Forbidden", message="no"), times=None)
    async with stage.running():
        stage.create(storage=CLAIM, deletionPolicy="Delete")
        await stage.settle()
        assert stage.names(PERSISTENT_VOLUME_CLAIM) == []
        assert stage.told() == ("False", "Forbidden")

        stage.api.faults.clear()
        await stage.settle(60)
        assert stage.told() == ("True", "Ready")


async def test_a_claim_that_somebody_deletes_is_told_and_pods_go_on(stage: RegistryStage) -> None:
    async with stage.running():
        await ready(stage)
        before, pods = claim(stage), stage.names(POD)
        stage.api.delete(PERSISTENT_VOLUME_CLAIM, DATA)
        await stage.settle(60)
        assert stage.told() == stage.told("StorageReady") == ("False", "VolumeClaimTerminating")
        assert "copy them away now" in stage.message()
        assert stage.told("Available") == ("True", "Serving")
        assert stage.names(POD) == pods

        stage.api.delete(POD, ObjectKey(NAMESPACE, pods[0]))
        await stage.settle(60)
        assert stage.told() == ("True", "Ready")
        assert claim(stage)["metadata"]["uid"] != before["metadata"]["uid"]


async def test_a_claim_of_somebody_else_is_named_and_left_alone(stage: RegistryStage) -> None:
    stage.api.put(PERSISTENT_VOLUME_CLAIM, a_claim("images-data"))
    async with stage.running():
        stage.create(storage=CLAIM)
        await stage.settle()
        assert stage.told() == ("False", "ForeignObject")
        assert "PersistentVolumeClaim team-a/images-data exists" in stage.message()
        assert "labels" not in claim(stage)["metadata"]
        assert stage.names(POD) == []
