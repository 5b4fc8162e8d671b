"""A hundred Registries that nobody touches cost nothing but the Lease, also after a restart."""

import os
import time
from collections.abc import Iterator

import pytest

from controllers.kinds import REGISTRY
from hack.cluster.audit import Request
from hack.cluster.cluster import Cluster
from hack.e2e import installation
from hack.operator import OperatorProcess
from hack.world import World, a_world, is_ready

pytestmark = pytest.mark.e2e

_REGISTRIES = 100
_IDLE_SECONDS = float(os.environ.get("IDLE_SECONDS", "300"))
_LEASE = "coordination.k8s.io/leases"


@pytest.fixture
def world(cluster: Cluster) -> Iterator[World]:
    with a_world(cluster, "idle") as world:
        yield world


def writes(world: World, *, since: int) -> list[Request]:
    audit = world.cluster.audit
    return [r for r in audit.writes(since=since, user=installation.USER) if r.resource != _LEASE]


def test_a_hundred_registries_at_rest_are_not_written(
    world: World, operator: OperatorProcess
) -> None:
    operator.start()
    operator.await_ready()
    for number in range(_REGISTRIES):
        world.create_registry(f"images-{number}", {"storage": {"emptyDir": {}}})
    world.until(
        lambda: sum(map(is_ready, world.items(REGISTRY))) == _REGISTRIES,
        seconds=180,
        about="all are ready",
    )
    world.settle(installation.USER, quiet=10)

    mark = world.cluster.audit.mark()
    time.sleep(_IDLE_SECONDS)

    assert writes(world, since=mark) == []
    leases = [r for r in world.cluster.audit.writes(since=mark) if r.resource == _LEASE]
    assert any(r.user == installation.USER for r in leases), "the audit log records nothing"

    mark = world.cluster.audit.mark()
    operator.stop()
    operator.start()
    operator.await_ready()
    world.settle(installation.USER, quiet=10)

    assert writes(world, since=mark) == []
