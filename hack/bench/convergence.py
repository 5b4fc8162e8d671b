"""How long, and at what cost, N Registries become all their children, against the floor.

On an API server without controllers, so that nobody but us writes. The floor and the operator take
turns, each in a namespace of its own that is emptied afterwards; medians of the rounds are
compared. Both get their Registries from the same author, whose time counts for both and whose CPU
for neither.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from controllers.kinds import REGISTRY
from hack.bench import usage
from hack.bench.bare import BareClient, a_client, side_by_side
from hack.bench.figure import Baseline, Figure, Target
from hack.bench.recording import Recording, record
from hack.bench.stage import (
    AUTHOR,
    Stage,
    a_stage,
    create_registries,
    remove_registries,
    spread,
)
from hack.cluster.audit import Request
from hack.cluster.report import to_stderr

ROUNDS = 3
_BARE = "bare"
_STATUS = "registry-operator.dev/registries/status"


@dataclass(frozen=True, slots=True)
class Round:
    """One convergence: seconds by the API server's clock, CPU seconds, and the writes."""

    wall: float
    cpu: float
    writes: tuple[Request, ...]


def figures(count: int) -> Iterator[Figure]:
    """Wall time, CPU and writes of `count` Registries; brings up a cluster."""
    with a_stage("bench-converge") as stage:
        bare, operator = asyncio.run(_rounds(stage, record(), count))

    floor = Baseline("bare client", median(one.wall for one in bare))
    yield Figure(
        figure=f"converge {count} Registries: wall time",
        value=median(one.wall for one in operator),
        unit="s",
        baseline=floor,
        target=Target(bound=1.25, times_baseline=True),
    )
    yield Figure(
        figure=f"converge {count} Registries: CPU of the client per Registry",
        value=median(one.cpu for one in operator) / count * 1000,
        unit="ms",
        baseline=Baseline("bare client", median(one.cpu for one in bare) / count * 1000),
        target=Target(bound=3, times_baseline=True),
    )
    yield from _write_figures(operator, bare, count)


def _write_figures(operator: list[Round], bare: list[Round], count: int) -> Iterator[Figure]:
    told = [[one for one in round_.writes if not _is_event(one)] for round_ in operator]
    events = [sum(map(_is_event, round_.writes)) for round_ in operator]
    least = Baseline("bare client", median(len(one.writes) for one in bare) / count)
    yield Figure(
        figure=f"converge {count} Registries: writes per Registry, Events apart",
        value=median(map(len, told)) / count,
        unit="writes",
        baseline=least,
        target=Target(bound=least.value + 1),
    )
    yield Figure(
        figure=f"converge {count} Registries: Events written per Registry",
        value=median(events) / count,
        unit="writes",
    )
    yield Figure(
        figure=f"converge {count} Registries: writes refused with 409",
        value=sum(one.code == 409 for round_ in operator for one in round_.writes),
        unit="writes",
        target=Target(bound=0),
    )


def _is_event(request: Request) -> bool:
    return request.resource.endswith("/events")


async def _rounds(
    stage: Stage, recording: Recording, count: int
) -> tuple[list[Round], list[Round]]:
    bare: list[Round] = []
    operator: list[Round] = []
    async with (
        a_client(stage.user(AUTHOR)) as author,
        a_client(stage.user(_BARE)) as client,
    ):
        # The first round warms up the API server, and is not counted.
        for number in range(ROUNDS + 1):
            to_stderr(f"converge {count}: round {number} of {ROUNDS}")
            slow = await _bare(stage, (author, client), recording, (f"bare-{number}", count))
            fast = await _operator(stage, author, f"operated-{number}", count)
            if number:
                bare.append(slow)
                operator.append(fast)

    return bare, operator


async def _bare(
    stage: Stage,
    clients: tuple[BareClient, BareClient],
    recording: Recording,
    where: tuple[str, int],
) -> Round:
    author, client = clients
    namespace, count = where
    mark = stage.cluster.audit.mark()
    uids = await create_registries(author, namespace, count)

    async def furnish(name: str) -> None:
        for request in recording.retold(namespace=namespace, name=name, uid=uids[name]):
            await client.send(request)

    began = time.process_time()
    await side_by_side(furnish, uids)
    cpu = time.process_time() - began
    written = _round(stage, mark, user=_BARE, cpu=cpu)
    await remove_registries(author, namespace)

    return written


async def _operator(stage: Stage, author: BareClient, namespace: str, count: int) -> Round:
    stage.operator.start()
    stage.operator.await_ready()
    mark = await asyncio.to_thread(stage.rest)
    before = usage.of(stage.pid).cpu
    await create_registries(author, namespace, count)
    await asyncio.to_thread(stage.rest)
    written = _round(stage, mark, user="", cpu=usage.of(stage.pid).cpu - before)
    await remove_registries(author, namespace)
    stage.operator.stop()

    return written


def _round(stage: Stage, mark: int, *, user: str, cpu: float) -> Round:
    writes = stage.writes(since=mark, user=user) if user else stage.writes(since=mark)
    created = [
        one
        for one in stage.writes(since=mark, user=AUTHOR)
        if one.resource == f"{REGISTRY.group}/{REGISTRY.plural}"
    ]
    began, _ = spread(created)
    _, ended = spread([one for one in writes if not _is_event(one)])

    return Round(ended - began, cpu, tuple(writes))
