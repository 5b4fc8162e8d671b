"""A world of volumes lives through a busy day, and its laws see what must not be."""

from typing import Any

import pytest

from controllers.kinds import PERSISTENT_VOLUME_CLAIM, POD, REPLICA_SET
from registry_operator.api.names import LABEL_INSTANCE
from registry_operator.testing.builders import CLAIM, NAMESPACE, controlled_by
from registry_operator.testing.claims import a_claim
from registry_operator.testing.fake_api import FakeApi
from registry_operator.testing.simulation.plan import Plan, Step
from registry_operator.testing.virtual_loop import VirtualClock
from tests.simulation.laws.law import Court
from tests.simulation.laws.tenancy import Tenancy
from tests.simulation.run import run

TEMPLATE = CLAIM["persistentVolumeClaimTemplate"]
THEIRS = {"persistentVolumeClaim": {"claimName": "files"}}
SHARED = {
    "persistentVolumeClaimTemplate": {**TEMPLATE, "accessModes": ["ReadWriteMany"]},
    "shareVolume": True,
}


def made(size: str, class_name: str = "fast") -> dict[str, Any]:
    requests = {"requests": {"storage": size}}
    return {
        "persistentVolumeClaimTemplate": {"storageClassName": class_name, "resources": requests}
    }


def create(at: float, name: str, storage: Any, **spec: Any) -> Step:
    return Step(at, "create", {"name": name, "spec": {"storage": storage, **spec}})


def change(at: float, name: str, **spec: Any) -> Step:
    return Step(at, "change", {"name": name, "spec": spec})


BEGIN = (
    Step(0.0, "storage-class", {"name": "fast", "grows": True}),
    Step(0.0, "storage-class", {"name": "slow", "grows": False}),
)
DAYS: dict[str, tuple[Step, ...]] = {
    "it grows, is rolled, goes and comes again": (
        Step(0.5, "volumes-down", {"lasts": 8.0}),
        create(1.0, "disk", made("2Gi")),
        change(5.0, "disk", storage=made("5Gi")),
        Step(20.0, "volumes-down", {"lasts": 15.0}),
        change(22.0, "disk", storage=made("10Gi")),
        change(40.0, "disk", image="registry:3.0.0"),
        Step(60.0, "delete", {"name": "disk", "propagation": "Background"}),
        create(70.0, "disk", made("20Gi"), deletionPolicy="Delete"),
        Step(100.0, "delete", {"name": "disk", "propagation": "Foreground"}),
        create(110.0, "disk", made("5Gi")),
    ),
    "it neither shrinks nor grows, and keeps its class": (
        create(1.0, "disk", made("10Gi", "slow")),
        create(1.0, "shelf", made("10Gi")),
        change(20.0, "disk", storage=made("20Gi", "slow")),
        change(20.0, "shelf", storage=made("5Gi")),
        create(1.0, "drawer", made("5Gi")),
        change(30.0, "drawer", storage=made("5Gi", "slow")),
        Step(40.0, "grow", {"name": "drawer-data", "size": "20Gi"}),
    ),
    "a claim of a user comes, is wanted by two, and goes": (
        create(1.0, "disk", THEIRS),
        Step(10.0, "claim", {"name": "files", "spec": {"size": "5Gi"}}),
        Step(10.0, "claim", {"name": "others", "spec": {"size": "5Gi"}}),
        create(20.0, "shelf", THEIRS),
        change(40.0, "disk", storage={"persistentVolumeClaim": {"claimName": "others"}}),
        Step(60.0, "delete", {"name": "disk", "propagation": "Background"}),
        Step(80.0, "claim", {"name": "files", "spec": None}),
        Step(90.0, "destroy", {"kind": "deployments", "name": "shelf"}),
        Step(105.0, "claim", {"name": "files", "spec": {"size": "10Gi"}}),
    ),
    "vandals and quotas": (
        Step(0.5, "refuse", {"kind": "persistentvolumeclaims", "why": "quota", "lasts": 10.0}),
        create(1.0, "disk", made("5Gi")),
        create(1.0, "shelf", SHARED, replicas=2),
        Step(1.0, "squat", {"kind": "persistentvolumeclaims", "name": "shelf-data", "lasts": 20.0}),
        Step(50.0, "destroy", {"kind": "persistentvolumeclaims", "name": "shelf-data"}),
        Step(50.0, "damage", {"name": "disk", "what": "image"}),
        Step(60.0, "destroy", {"kind": "persistentvolumeclaims", "name": "disk-data"}),
        Step(80.0, "destroy", {"kind": "deployments", "name": "disk"}),
    ),
}


@pytest.mark.parametrize("day", DAYS)
def test_a_day_of_volumes_breaks_no_law(day: str) -> None:
    steps = sorted((*BEGIN, *DAYS[day]), key=lambda step: step.at)
    verdict = run(Plan(7, tuple(steps), {"operators": 1}))

    assert verdict.breach is None


def a_replica_set(name: str) -> dict[str, Any]:
    labels = {LABEL_INSTANCE: "disk"}
    pod = {"containers": [{"name": "registry", "image": "registry:3.1.2"}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def a_pod(name: str, owner: dict[str, Any], *, reads: bool = False) -> dict[str, Any]:
    source = {"claimName": "theirs", **({"readOnly": True} if reads else {})}
    return {
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "labels": {LABEL_INSTANCE: "disk"},
            "ownerReferences": [controlled_by(owner)],
        },
        "spec": {
            "containers": [{"name": "registry", "image": "registry:3.1.2"}],
            "volumes": [{"name": "data", "persistentVolumeClaim": source}],
        },
        "status": {"phase": "Running"},
    }


@pytest.mark.virtual
@pytest.mark.parametrize(
    ("mode", "second", "reads", "is_broken"),
    [
        ("ReadWriteOnce", "new", False, True),
        ("ReadWriteOnce", "old", False, False),
        ("ReadWriteOnce", "new", True, False),
        ("ReadWriteMany", "new", False, False),
    ],
)
async def test_two_replica_sets_on_a_volume_of_one_writer_break_a_law(
    clock: VirtualClock, mode: str, second: str, *, reads: bool, is_broken: bool
) -> None:
    api, court = FakeApi([POD, REPLICA_SET, PERSISTENT_VOLUME_CLAIM], clock=clock), Court()
    sets = {name: api.put(REPLICA_SET, a_replica_set(name)) for name in ("old", "new")}
    api.put(PERSISTENT_VOLUME_CLAIM, a_claim(accessModes=[mode]))
    api.subscribe(Tenancy(api, court).see)
    api.put(POD, a_pod("a", sets["old"]))
    api.put(POD, a_pod("b", sets[second], reads=reads))

    assert bool(court.breaches) is is_broken
