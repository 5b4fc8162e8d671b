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
from hack.progress import progress
from hack.world import World, a_world, is_ready

pytestmark = pytest.mark.e2e

_REGISTRIES = 100
_IDLE_SECONDS = float(os.environ.get("IDLE_SECONDS", "300"))
_AFTER_RESTART_SECONDS = 10.0
_LEASE = "coordination.k8s.io/leases"


@pytest.fixture
def world(cluster: Cluster, operator: OperatorProcess) -> Iterator[World]:
    """A hundred Registries, made while the operator runs, that have come to rest."""
    with a_world(cluster, "idle") as world:
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
        yield world


@pytest.mark.parametrize("seconds", [_IDLE_SECONDS], ids="for {:.0f} seconds".format)
def test_a_hundred_registries_at_rest_are_not_written(
    world: World, operator: OperatorProcess, seconds: float
) -> None:
    mark = world.cluster.audit.mark()
    time.sleep(seconds)

    assert_nothing_written_but_the_lease(world, since=mark)

    mark = world.cluster.audit.mark()
    operator.stop()
    operator.start()
    world.until(
        lambda: progress(operator.metrics()).is_through(_REGISTRIES),
        seconds=60,
        about="every controller has looked at every Registry",
    )
    time.sleep(_AFTER_RESTART_SECONDS)

    assert_nothing_written_but_the_lease(world, since=mark)


def assert_nothing_written_but_the_lease(world: World, *, since: int) -> None:
    written: list[Request] = world.cluster.audit.writes(since=since, user=installation.USER)

    assert [request for request in written if request.resource != _LEASE] == []
    # Or the audit log would record nothing, or the operator would not run.
    assert any(request.resource == _LEASE for request in written)
