"""What a Registry costs the API server: requests, counted one by one."""

from collections import Counter
from collections.abc import Iterable

import pytest

from controllers.kinds import POD, REGISTRY
from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import ObjectKey
from registry_operator.testing.builders import NAMESPACE
from registry_operator.testing.cluster_model.deployments import Body
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry_stage import RegistryStage

pytestmark = pytest.mark.virtual

FLEET = [f"images-{number}" for number in range(20)]


@pytest.fixture
def stage(clock: VirtualClock) -> RegistryStage:
    return RegistryStage(clock)


def what(request: Request) -> str:
    """Method and kind: PATCH secrets."""
    return f"{request.method} {request.path.partition('/namespaces/')[2].split('/')[1]}"


def status_patches(requests: Iterable[Request]) -> Counter[str]:
    """How many of each Registry, by its name."""
    return Counter(one.path.split("/")[-2] for one in requests if one.path.endswith("/status"))


async def test_a_new_registry_costs_one_request_for_each_child_two_statuses_and_two_events(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        stage.api.requests.clear()
        stage.create()
        await stage.settle(60)
        assert stage.told() == ("True", "Ready")

    asked = [one for one in stage.api.requests if "/namespaces/" in one.path]
    assert Counter(map(what, asked)) == {
        "PATCH serviceaccounts": 1,
        "PATCH secrets": 2,
        "PATCH deployments": 1,
        "PATCH services": 1,
        "PATCH registries": 2,
        "POST events": 2,
    }


async def test_nobody_looks_again_at_a_child_because_it_was_made(stage: RegistryStage) -> None:
    async with stage.running() as operator:
        stage.create()
        await stage.settle(60)
        runs = {one.name: one.stats().reconciles for one in operator.controllers}

    alone = ("service-account", "http-secret", "service")
    assert {name: runs[name] for name in alone} == dict.fromkeys(alone, 1)


async def test_a_fleet_that_takes_its_time_costs_two_statuses_each(stage: RegistryStage) -> None:
    async with stage.running():
        slowly(stage)
        stage.new_writes()
        for name in FLEET:
            stage.create(name)
        await through(stage)

    assert set(status_patches(stage.new_writes()).values()) == {2}


async def test_a_fleet_that_rolls_costs_three_statuses_each_at_most(stage: RegistryStage) -> None:
    """Nothing of ours is written either: the change is somebody else's, of the Deployment."""
    async with stage.running():
        for name in FLEET:
            stage.create(name)
        await stage.settle(30)
        stage.new_writes()
        slowly(stage)
        for pod in stage.api.objects(POD):
            stage.api.delete(POD, ObjectKey(NAMESPACE, pod["metadata"]["name"]))
        await through(stage)

    writes = stage.new_writes()
    assert [one.path for one in writes if not one.path.endswith("/status")] == []
    assert set(status_patches(writes)) == set(FLEET)
    assert max(status_patches(writes).values()) <= 3


def slowly(stage: RegistryStage) -> None:
    """Pods get ready 0.4 s after each other, as where a cluster is busy."""
    began = stage.clock.monotonic()

    def is_well(pod: Body) -> bool:
        number = int(pod["metadata"]["name"].split("-")[1])
        return stage.clock.monotonic() > began + 0.4 * (number + 1)

    stage.cluster.is_well = is_well


async def through(stage: RegistryStage) -> None:
    for _ in range(60):
        stage.cluster.look_again()
        await stage.settle(0.5)
    told = {stage.told(name=body["metadata"]["name"]) for body in stage.api.objects(REGISTRY)}
    assert told == {("True", "Ready")}
