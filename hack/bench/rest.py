"""What operators write at rest, when they list everything anew, and when they are restarted.

On a control plane with kube-controller-manager and simulated pods, with leader election, as in
production. Writes are counted in the API server's audit log, the Lease apart. A restart of ours is
over when every controller has looked at every Registry, which its metrics tell; one of kopf's when
it has written its last.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from controllers.kinds import REGISTRY
from hack.bench import usage
from hack.bench.bare import a_client
from hack.bench.contender import OURS, Contender, Ours
from hack.bench.figure import KOPF, Baseline, Figure, Target
from hack.bench.plan import Plan
from hack.bench.stage import AUTHOR, Stage, a_stage, create_registries, remove_registries
from hack.cluster.controlplane import APISERVER, CONTROLLERS, SCHEDULING, SIMULATION
from hack.cluster.report import to_stderr
from hack.progress import progress
from hack.world import World, is_ready

_IDLE_SECONDS = 30.0
_RELIST_SECONDS = 15.0
_PATIENCE = 600.0


@dataclass(frozen=True, slots=True)
class Rest:
    """What an operator did: writes, seconds and CPU seconds, resident bytes."""

    idle: int
    resync: int
    restart: int
    wall: float
    cpu: float
    resident: int


def figures(plan: Plan) -> Iterator[Figure]:
    """Writes, CPU, time and memory; brings up a cluster."""
    rests: dict[str, Rest] = {}
    with a_stage("rest", plan, lively=True, leader_elect=True) as stage:
        for operator in stage.operators:
            to_stderr(f"rest {plan.registries}: {operator.name}")
            rests[operator.name] = asyncio.run(_rest(stage, operator, plan.registries))

    def figure(what: str, unit: str, value: Callable[[Rest], float], bound: float) -> Figure:
        values = {name: value(rest) for name, rest in rests.items()}
        return Figure(
            name=what,
            registries=plan.registries,
            value=values[OURS],
            unit=unit,
            baselines=[Baseline(KOPF, values[KOPF])] if KOPF in values else [],
            targets=[Target(bound=bound)],
        )

    idle = f"at rest: writes in {_IDLE_SECONDS:.0f} s"
    settled = "restart: from start of the process to settled"
    yield figure(idle, "writes", lambda rest: rest.idle, 0)
    yield figure("resync: writes", "writes", lambda rest: rest.resync, 0)
    yield figure("restart: writes", "writes", lambda rest: rest.restart, 0)
    yield figure(settled, "s", lambda rest: rest.wall, 2)
    yield figure("restart: CPU", "s", lambda rest: rest.cpu, 1.5)
    yield figure("resident memory", "MB", lambda rest: rest.resident / 1e6, 130)


async def _rest(stage: Stage, operator: Contender, count: int) -> Rest:
    namespace = f"rest-{operator.name}"
    operator.start()
    operator.await_ready()
    async with a_client(stage.user(AUTHOR)) as author:
        await create_registries(author, namespace, count)
        _await_ready(World(stage.cluster, namespace), count)
        stage.rest(operator.user)
        rest = _measured(stage, operator, count)
        operator.stop()
    # Of its own, as the API server was restarted meanwhile.
    async with a_client(stage.user(AUTHOR)) as author:
        await remove_registries(author, namespace)

    return rest


def _measured(stage: Stage, operator: Contender, count: int) -> Rest:
    mark = stage.cluster.audit.mark()
    time.sleep(_IDLE_SECONDS)
    idle = len(stage.writes(since=mark, user=operator.user))
    operator.stop()
    restart, wall, used = _restarted(stage, operator, count)
    resync = _resynced(stage, operator)
    resident = usage.of(operator.pid).resident

    return Rest(idle, resync, restart, wall, used, resident)


def _resynced(stage: Stage, operator: Contender) -> int:
    """Writes after every watch has ended and what it would go on from is forgotten.

    The cluster's own controllers are halted meanwhile: to them an API server that was away is a
    reason to doubt nodes and pods, and what follows from that is no resync.
    """
    others = (CONTROLLERS, SCHEDULING, SIMULATION)
    mark = stage.cluster.audit.mark()
    for component in others:
        stage.cluster.pause(component)
    stage.cluster.restart(APISERVER)
    time.sleep(_RELIST_SECONDS)
    stage.rest(operator.user)
    writes = len(stage.writes(since=mark, user=operator.user))
    for component in others:
        stage.cluster.resume(component)

    return writes


def _restarted(stage: Stage, operator: Contender, count: int) -> tuple[int, float, float]:
    """Writes, seconds and CPU seconds of a start on a world at rest."""
    mark = stage.cluster.audit.mark()
    began, clock = time.monotonic(), time.time()
    operator.start()
    if isinstance(operator, Ours):
        started = time.monotonic() - began
        metrics = operator.process.metrics
        wall, used = usage.until_done(operator.pid, lambda: progress(metrics()).is_through(count))
        stage.rest(operator.user)
        return len(stage.writes(since=mark, user=operator.user)), started + wall, used

    operator.await_ready()
    stage.rest(operator.user)
    writes = stage.writes(since=mark, user=operator.user)
    wall = max((one.answered for one in writes), default=clock) - clock

    return len(writes), wall, usage.of(operator.pid).cpu


def _await_ready(world: World, count: int) -> None:
    world.until(
        lambda: sum(map(is_ready, world.items(REGISTRY))) == count,
        seconds=_PATIENCE,
        about=f"{count} Registries are ready",
    )
