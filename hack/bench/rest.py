"""What the operator writes until Registries are Ready, then at rest, and when it is restarted.

On a control plane with kube-controller-manager and simulated pods, with leader election, as in
production. Writes are counted in the API server's audit log, the Lease apart. A restart is over
when every controller has looked at every Registry, which its metrics tell.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator

from controllers.kinds import REGISTRY
from hack.bench import usage
from hack.bench.bare import a_client
from hack.bench.figure import Baseline, Figure, Target
from hack.bench.recording import record
from hack.bench.stage import AUTHOR, Stage, a_stage, create_registries
from hack.cluster.audit import Request
from hack.cluster.error import ClusterError
from hack.progress import progress
from hack.world import World, is_ready

IDLE_SECONDS = 30.0
_NAMESPACE = "bench"
_STEP_SECONDS = 0.05
_PATIENCE = 300.0
_STATUS = "registry-operator.dev/registries/status"


def figures(count: int) -> Iterator[Figure]:
    """Writes, CPU, time and memory of `count` Registries; brings up a cluster."""
    with a_stage("bench-rest", nodes=2, leader_elect=True) as stage:
        yield from _until_ready(stage, count)
        yield _idle(stage, count)
        yield from _restarted(stage, count)


def _until_ready(stage: Stage, count: int) -> Iterator[Figure]:
    stage.operator.start()
    stage.operator.await_ready()
    mark = stage.rest()
    asyncio.run(_create(stage, count))
    _await_ready(stage, count)
    stage.rest()
    writes = [one for one in stage.writes(since=mark) if not one.resource.endswith("/events")]
    children = record().children
    yield Figure(
        figure=f"until {count} Registries are Ready: writes per Registry, Events apart",
        value=len(writes) / count,
        unit="writes",
        baseline=Baseline("children", children),
        target=Target(bound=children + 2),
    )
    yield Figure(
        figure=f"until {count} Registries are Ready: status patches, most for one Registry",
        value=max(_status_patches(writes).values()),
        unit="writes",
        target=Target(bound=2),
    )
    yield Figure(
        figure=f"until {count} Registries are Ready: writes refused with 409",
        value=sum(one.code == 409 for one in writes),
        unit="writes",
        target=Target(bound=0),
    )


def _idle(stage: Stage, count: int) -> Figure:
    mark = stage.cluster.audit.mark()
    time.sleep(IDLE_SECONDS)

    return Figure(
        figure=f"{count} Registries at rest: writes in {IDLE_SECONDS:.0f} s, the Lease apart",
        value=len(stage.writes(since=mark)),
        unit="writes",
        target=Target(bound=0),
    )


def _restarted(stage: Stage, count: int) -> Iterator[Figure]:
    stage.operator.stop()
    mark = stage.cluster.audit.mark()
    began = time.monotonic()
    stage.operator.start()
    _await_through(stage, count)
    wall, used = time.monotonic() - began, usage.of(stage.pid)
    stage.rest()
    yield Figure(
        figure=f"restart with {count} Registries: writes, the Lease apart",
        value=len(stage.writes(since=mark)),
        unit="writes",
        target=Target(bound=0),
    )
    yield Figure(
        figure=f"restart with {count} Registries: from start of the process to settled",
        value=wall,
        unit="s",
        target=Target(bound=2),
    )
    yield Figure(
        figure=f"restart with {count} Registries: CPU",
        value=used.cpu,
        unit="s",
        target=Target(bound=1.5),
    )
    yield Figure(
        figure=f"resident memory with {count} Registries",
        value=usage.of(stage.pid).resident / 2**20,
        unit="MiB",
        target=Target(bound=130),
    )


async def _create(stage: Stage, count: int) -> None:
    async with a_client(stage.user(AUTHOR)) as author:
        await create_registries(author, _NAMESPACE, count)


def _await_ready(stage: Stage, count: int) -> None:
    world = World(stage.cluster, _NAMESPACE)
    about = f"{count} Registries are Ready"
    world.until(
        lambda: sum(map(is_ready, world.items(REGISTRY))) == count, seconds=_PATIENCE, about=about
    )


def _await_through(stage: Stage, count: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not progress(stage.operator.metrics()).is_through(count):
        if time.monotonic() > deadline:
            raise ClusterError("operator", f"not settled after {_PATIENCE:.0f} s")

        time.sleep(_STEP_SECONDS)


def _status_patches(writes: list[Request]) -> Counter[str]:
    return Counter(one.name for one in writes if one.resource == _STATUS)
