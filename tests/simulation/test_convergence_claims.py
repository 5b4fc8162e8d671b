"""Volumes that are there before a Registry names them: claims of users, folders of nodes."""

import base64
from typing import Any

import pytest
import yaml

from controllers.kinds import DEPLOYMENT, PERSISTENT_VOLUME_CLAIM, POD, REGISTRY, SECRET
from registry_operator.kube.resource import ObjectKey
from registry_operator.testing.builders import CLAIM, NAMED_CLAIM, NAMESPACE
from registry_operator.testing.claims import a_claim, a_storage_class
from registry_operator.testing.fake_api.kinds.claims import CLASSES
from registry_operator.testing.virtual_loop import VirtualClock
from tests.simulation.laws.law import Court
from tests.simulation.laws.tenancy import Tenancy
from tests.unit.controllers.registry_stage import RegistryStage

pytestmark = pytest.mark.virtual

THEIRS = ObjectKey(NAMESPACE, "theirs")
HOST_PATH = {"hostPath": {"path": "/srv/images"}}
SHARED = {"accessModes": ["ReadWriteMany"]}


@pytest.fixture
def stage(clock: VirtualClock) -> RegistryStage:
    return RegistryStage(clock)


@pytest.fixture
def court(stage: RegistryStage) -> Court:
    """Judges at every write that no two pods are on the volume that should not be."""
    court = Court()
    stage.api.subscribe(Tenancy(stage.api, court).see)
    return court


def named(name: str = "theirs", **fields: Any) -> dict[str, Any]:
    return {"persistentVolumeClaim": {"claimName": name, **fields}}


def strategy(stage: RegistryStage, name: str = "images") -> str:
    type_: str = stage.one(DEPLOYMENT, name)["spec"]["strategy"]["type"]
    return type_


def data_volume(stage: RegistryStage) -> dict[str, Any]:
    pod = stage.one(DEPLOYMENT)["spec"]["template"]["spec"]
    found: dict[str, Any] = next(one for one in pod["volumes"] if one["name"] == "data")
    return found


def configuration(stage: RegistryStage) -> dict[str, Any]:
    secret = stage.one(SECRET, stage.current_config)
    (text,) = secret["data"].values()
    parsed: dict[str, Any] = yaml.safe_load(base64.b64decode(text))
    return parsed


def owners(stage: RegistryStage) -> set[str]:
    """The Registries that have pods."""
    return {
        pod["metadata"]["labels"]["app.kubernetes.io/instance"] for pod in stage.api.objects(POD)
    }


async def test_a_claim_that_is_missing_is_told_and_its_coming_heals(stage: RegistryStage) -> None:
    async with stage.running():
        stage.create(storage=NAMED_CLAIM)
        await stage.settle()
        assert stage.told() == stage.told("StorageReady") == ("False", "VolumeClaimNotFound")
        assert "PersistentVolumeClaim theirs (spec.storage.persistentVolumeClaim.claimName)" in (
            stage.message()
        )
        assert stage.names(DEPLOYMENT) == []

        stage.api.put(PERSISTENT_VOLUME_CLAIM, a_claim())
        await stage.settle()
        assert stage.told() == ("True", "Ready")
        assert stage.status()["storage"] == {
            "kind": "persistentVolumeClaim",
            "claimName": "theirs",
            "capacity": "10Gi",
        }
        assert strategy(stage) == "Recreate"


async def test_a_claim_of_a_user_is_never_written(stage: RegistryStage) -> None:
    stage.api.put(PERSISTENT_VOLUME_CLAIM, a_claim())
    async with stage.running():
        stage.create(storage=NAMED_CLAIM, deletionPolicy="Delete")
        await stage.settle()
        assert not stage.one(REGISTRY)["metadata"].get("finalizers")
        stage.api.delete(REGISTRY, ObjectKey(NAMESPACE, "images"))
        await stage.settle()

        assert [r for r in stage.new_writes() if "/persistentvolumeclaims" in r.path] == []
        assert "deletionTimestamp" not in stage.one(PERSISTENT_VOLUME_CLAIM, "theirs")["metadata"]


async def test_a_claim_that_its_user_deletes_is_told_and_pods_go_on(stage: RegistryStage) -> None:
    stage.api.put(PERSISTENT_VOLUME_CLAIM, a_claim())
    async with stage.running():
        stage.create(storage=NAMED_CLAIM)
        await stage.settle()
        stage.api.delete(PERSISTENT_VOLUME_CLAIM, THEIRS)
        await stage.settle(60)
        assert stage.told() == ("False", "VolumeClaimTerminating")
        assert stage.told("Available") == ("True", "Serving")

        stage.api.delete(DEPLOYMENT, ObjectKey(NAMESPACE, "images"))
        await stage.settle(60)
        assert stage.told() == ("False", "VolumeClaimNotFound")
        assert stage.names(PERSISTENT_VOLUME_CLAIM) == stage.names(DEPLOYMENT) == []


@pytest.mark.parametrize(
    ("spec", "storage", "word"),
    [
        ({"volumeMode": "Block"}, named(), "use one of volumeMode Filesystem"),
        ({"accessModes": ["ReadOnlyMany"]}, named(), "readOnly to true"),
        ({}, {**named(), "shareVolume": True}, "shareVolume needs a ReadWriteMany volume"),
    ],
)
async def test_a_claim_that_can_not_be_used_so_is_told(
    stage: RegistryStage, spec: dict[str, Any], storage: dict[str, Any], word: str
) -> None:
    stage.api.put(PERSISTENT_VOLUME_CLAIM, a_claim(**spec))
    async with stage.running():
        stage.create(storage=storage)
        await stage.settle()
        assert stage.told() == ("False", "VolumeUnsuitable")
        assert stage.told("Stalled") == ("True", "VolumeUnsuitable")
        assert word in stage.message()
        assert stage.names(DEPLOYMENT) == []


async def test_of_two_who_name_one_claim_the_older_writes_and_then_the_other(
    stage: RegistryStage, court: Court
) -> None:
    stage.api.put(PERSISTENT_VOLUME_CLAIM, a_claim())
    async with stage.running():
        stage.create("older", storage=NAMED_CLAIM)
        await stage.settle()
        stage.create("younger", storage=NAMED_CLAIM)
        await stage.settle()
        assert stage.told(name="older") == ("True", "Ready")
        assert stage.told(name="younger") == ("False", "VolumeShared")
        assert "Registry team-a/older, which has pods there," in stage.message(name="younger")
        assert owners(stage) == {"older"}

        stage.api.delete(REGISTRY, ObjectKey(NAMESPACE, "older"))
        await stage.settle()
        assert stage.told(name="younger") == ("True", "Ready")
        assert owners(stage) == {"younger"}
    assert court.first is None


async def test_a_claim_that_was_made_for_one_is_not_another_s_to_name(
    stage: RegistryStage, court: Court
) -> None:
    async with stage.running():
        stage.create(storage=CLAIM)
        await stage.settle()
        stage.create("other", storage=named("images-data"))
        await stage.settle()
        assert stage.told() == ("True", "Ready")
        assert stage.told(name="other") == ("False", "VolumeShared")

        stage.change(lambda spec: spec.update(storage=named("images-data", readOnly=True)), "other")
        await stage.settle()
        assert stage.told(name="other") == ("True", "Ready")
    assert court.first is None


async def test_who_asks_for_another_volume_and_stays_where_he_is_keeps_others_away(
    stage: RegistryStage, court: Court
) -> None:
    for name in ("theirs", "others"):
        stage.api.put(PERSISTENT_VOLUME_CLAIM, a_claim(name))
    async with stage.running():
        stage.create("first", storage=NAMED_CLAIM)
        await stage.settle()
        stage.create("second", storage=NAMED_CLAIM)
        await stage.settle()
        stage.change(lambda spec: spec.update(storage=named("others")), "first")
        await stage.settle()
        assert stage.told(name="first") == ("False", "MigrationRequired")
        assert stage.told(name="second") == ("False", "VolumeShared")

        stage.api.delete(REGISTRY, ObjectKey(NAMESPACE, "first"))
        await stage.settle()
        assert stage.told(name="second") == ("True", "Ready")
    assert court.first is None


async def test_who_turns_from_reading_to_writing_comes_after_who_writes(
    stage: RegistryStage, court: Court
) -> None:
    stage.api.put(PERSISTENT_VOLUME_CLAIM, a_claim())
    async with stage.running():
        stage.create("reader", storage=named(readOnly=True))
        await stage.settle()
        stage.create("writer", storage=NAMED_CLAIM)
        await stage.settle()
        assert stage.told(name="reader") == stage.told(name="writer") == ("True", "Ready")

        stage.change(lambda spec: spec.update(storage=NAMED_CLAIM), "reader")
        await stage.settle()
        assert stage.told(name="reader") == ("False", "VolumeShared")
        assert stage.told(name="writer") == ("True", "Ready")
    assert court.first is None


async def test_who_only_reads_has_replicas_and_rolls(stage: RegistryStage) -> None:
    stage.api.put(PERSISTENT_VOLUME_CLAIM, a_claim())
    async with stage.running():
        stage.create(storage=named(readOnly=True), replicas=2)
        await stage.settle()
        assert stage.told() == ("True", "Ready")
        assert len(stage.names(POD)) == 2
        assert strategy(stage) == "RollingUpdate"
        assert data_volume(stage)["persistentVolumeClaim"] == {
            "claimName": "theirs",
            "readOnly": True,
        }
        assert configuration(stage)["storage"]["maintenance"]["readonly"] == {"enabled": True}


async def test_a_volume_that_is_shared_rolls_and_has_replicas(stage: RegistryStage) -> None:
    async with stage.running():
        template = {**CLAIM["persistentVolumeClaimTemplate"], **SHARED}
        storage = {"persistentVolumeClaimTemplate": template, "shareVolume": True}
        stage.create(storage=storage, replicas=2, upgrade={"policy": "Any"})
        await stage.settle()
        assert stage.told() == ("True", "Ready")
        assert strategy(stage) == "RollingUpdate"

        fewest = 2

        def count(_change: object) -> None:
            nonlocal fewest
            fewest = min(fewest, len(stage.names(POD)))

        stage.api.subscribe(count)
        stage.change(lambda spec: spec.update(image="registry:3.0.0", replicas=3))
        await stage.settle(20)
        assert stage.told() == ("True", "Ready")
        assert len(stage.names(POD)) == 3
        assert fewest == 2


async def test_a_folder_of_a_node_is_refused_where_it_is_not_allowed(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        stage.create(storage=HOST_PATH)
        await stage.settle()
        assert stage.told() == ("False", "HostPathNotAllowed")
        assert stage.told("Stalled") == ("True", "HostPathNotAllowed")
        assert stage.names(DEPLOYMENT) == []


async def test_a_folder_of_a_node_is_used_by_one_pod_where_it_is_allowed(
    clock: VirtualClock,
) -> None:
    stage = RegistryStage(clock, allows_host_path=True)
    async with stage.running():
        stage.create(storage=HOST_PATH)
        await stage.settle()
        assert stage.told() == ("True", "Ready")
        assert stage.status()["storage"] == {"kind": "hostPath"}
        assert strategy(stage) == "Recreate"

        stage.change(lambda spec: spec.update(storage={"hostPath": {"path": "/srv/other"}}))
        await stage.settle()
        assert stage.told() == ("False", "MigrationRequired")
        assert "hostPath:/srv/images" in stage.message()


async def test_a_volume_of_a_class_that_is_lost_with_its_pod_is_told_so(
    stage: RegistryStage,
) -> None:
    template = {"spec": {"resources": {"requests": {"storage": "1Gi"}}}}
    async with stage.running():
        stage.create(storage={"ephemeral": {"volumeClaimTemplate": template}})
        await stage.settle()
        assert stage.told() == ("True", "Ready")
        assert stage.told("StorageReady") == ("True", "EphemeralStorage")
        claim = data_volume(stage)["ephemeral"]["volumeClaimTemplate"]["spec"]
        assert claim["accessModes"] == ["ReadWriteOnce"]


async def test_volumes_at_rest_cost_no_write_nor_does_a_restart(clock: VirtualClock) -> None:
    stage = RegistryStage(clock, allows_host_path=True)
    stage.api.put(CLASSES, a_storage_class())
    stage.api.put(PERSISTENT_VOLUME_CLAIM, a_claim())
    kinds = {"made": CLAIM, "named": NAMED_CLAIM, "reads": named(readOnly=True), "host": HOST_PATH}
    async with stage.running():
        for name, storage in kinds.items():
            stage.create(name, storage=storage)
        await stage.settle(60)
        assert {stage.told(name=name) for name in kinds} == {("True", "Ready")}
        stage.new_writes()
        await stage.settle(300)
        assert stage.new_writes() == []

    async with stage.running():
        await stage.settle(300)
    assert stage.new_writes() == []
