"""The operator killed 50 times, at any moment, during the life of 20 Registries.

A killed process leaves a Lease that its successor must wait out, which would make fifty deaths last
fifteen minutes; so it runs without election here, as one process at a time.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controllers.kinds import DEPLOYMENT, POD, REGISTRY, REPLICA_SET, SECRET, SERVICE
from hack.cluster.cluster import Cluster
from hack.e2e import installation
from hack.operator import OperatorProcess
from hack.world import World, a_world, is_ready

pytestmark = pytest.mark.e2e

_SEED = 20261123
_DEATHS = 50
_REGISTRIES = 20
_LONGEST_LIFE = 4.0  # seconds after its start; it is reconciling from about the second on
_SURVIVORS = {f"images-{number}" for number in range(_REGISTRIES) if number % 5}


def a_spec(number: int) -> dict[str, Any]:
    return {
        "image": f"registry:3.1.{number % 3}",
        "storage": {"emptyDir": {}},
        "config": {"log": {"level": "info"}},
    }


def script(world: World) -> Iterator[str]:
    """What users do, a step each time it is asked: 20 Registries come, change, and some go."""
    for number in range(_REGISTRIES):
        world.create_registry(f"images-{number}", a_spec(number))
        yield f"create {number}"
    for number in range(_REGISTRIES):
        patch = {"spec": {"config": {"log": {"level": "debug"}}}}
        world.patch(REGISTRY, f"images-{number}", patch)
        yield f"configure {number}"
    for number in range(0, _REGISTRIES, 3):
        world.delete(SERVICE, f"images-{number}")
        if world.get(DEPLOYMENT, f"images-{number}") is not None:
            world.patch(DEPLOYMENT, f"images-{number}", {"spec": {"replicas": 4}})
        yield f"disturb {number}"
    for number in range(0, _REGISTRIES, 5):
        world.delete(REGISTRY, f"images-{number}")
        yield f"delete {number}"
    for number in range(_REGISTRIES):
        if f"images-{number}" in _SURVIVORS:
            world.patch(REGISTRY, f"images-{number}", {"spec": {"image": "registry:3.1.2"}})
            yield f"upgrade {number}"


@pytest.fixture
def operator(cluster: Cluster, tmp_path: Path) -> Iterator[OperatorProcess]:
    kubeconfig = installation.install_rights(cluster)
    process = OperatorProcess(tmp_path, kubeconfig=kubeconfig, arguments=["--log-level", "debug"])
    try:
        yield process
    finally:
        process.stop()


@pytest.fixture
def world(cluster: Cluster) -> Iterator[World]:
    with a_world(cluster, "killed") as world:
        yield world


def live_through(world: World, operator: OperatorProcess, rng: random.Random) -> None:
    steps = script(world)
    for _ in range(_DEATHS):
        operator.start()
        for _ in range(rng.randint(1, 3)):
            next(steps, None)
        time.sleep(rng.uniform(0.2, _LONGEST_LIFE))
        operator.kill()
    for _ in steps:
        pass
    operator.start()


def is_settled(world: World) -> bool:
    registries = {body["metadata"]["name"]: body for body in world.items(REGISTRY)}
    return registries.keys() == _SURVIVORS and all(map(is_ready, registries.values()))


def test_fifty_deaths_change_nothing_of_the_end(world: World, operator: OperatorProcess) -> None:
    begun = world.cluster.audit.mark()

    live_through(world, operator, random.Random(_SEED))

    world.until(lambda: is_settled(world), seconds=120, about="all that is left is ready")
    world.settle(installation.USER)
    kinds = (DEPLOYMENT, SERVICE, SECRET)
    owners = {
        item["metadata"]["labels"]["registry-operator.dev/registry"]
        for resource in (*kinds, REPLICA_SET, POD)
        for item in world.items(resource)
        if "registry-operator.dev/registry" in item["metadata"].get("labels", {})
    }
    assert owners == _SURVIVORS, "orphans of deleted Registries"
    for name in sorted(_SURVIVORS):
        assert_as_specified(world, name)
    assert made_twice(world, since=begun) == {}


def assert_as_specified(world: World, name: str) -> None:
    deployment = world.get(DEPLOYMENT, name)
    assert deployment is not None
    pod = deployment["spec"]["template"]["spec"]
    configuration = next(v for v in pod["volumes"] if v["name"] == "config")["secret"]
    assert deployment["spec"]["replicas"] == 1
    assert pod["containers"][0]["image"] == "registry:3.1.2"
    assert world.get(SECRET, configuration["secretName"]) is not None
    assert world.get(SERVICE, name) is not None
    used = {
        volume["secret"]["secretName"]
        for replica_set in world.items(REPLICA_SET, owner=name)
        for volume in replica_set["spec"]["template"]["spec"]["volumes"]
        if "secret" in volume
    }
    secrets = {secret["metadata"]["name"] for secret in world.items(SECRET, owner=name)}
    assert secrets == used | {f"{name}-http-secret"}


def made_twice(world: World, *, since: int) -> dict[str, int]:
    """Children that were made more often than once, though nobody had deleted them."""
    made: Counter[str] = Counter()
    for request in world.cluster.audit.writes(since=since):
        if request.namespace != world.namespace or request.resource.endswith("events"):
            continue
        child = f"{request.resource}/{request.name}"
        if request.user == installation.USER and request.code == 201:
            made[child] += 1
        elif request.verb == "delete" and request.code == 200:
            made[child] -= 1
    return {child: count for child, count in made.items() if count > 1}
