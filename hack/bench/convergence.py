"""How long, and at what cost, N Registries become all their children, against floor and kopf.

Once on an API server without controllers, where nobody but us writes, and once with
kube-controller-manager and simulated pods. The floor and the operators take turns, each in a
namespace of its own that is emptied afterwards; medians of the rounds are compared. All get their
Registries from the same author, whose time counts for all and whose CPU for none.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from controllers.kinds import REGISTRY
from hack.bench import usage
from hack.bench.bare import AT_ONCE, BareClient, a_client, side_by_side
from hack.bench.contender import OURS, Contender
from hack.bench.figure import FLOOR, KOPF, Baseline, Figure, Target
from hack.bench.plan import Plan
from hack.bench.recording import Recording, record
from hack.bench.stage import AUTHOR, Stage, a_stage, create_registries, remove_registries
from hack.bench.written import is_event, is_told, until_converged
from hack.cluster.report import to_stderr
from registry_operator.kube.exchange import Request

_BARE = "bare"
_WARMING = 50
_REGISTRIES = f"{REGISTRY.group}/{REGISTRY.plural}"


@dataclass(frozen=True, slots=True)
class Round:
    """One convergence.

    `wall` is in seconds by the API server's clock, until the last child and every first status;
    `cpu` in seconds, until rest. Writes and Events are for all Registries, until rest.
    """

    wall: float
    cpu: float
    writes: int
    status_patches: int
    events: int
    conflicts: int


Rounds = Mapping[str, Sequence[Round]]


def figures(plan: Plan) -> Iterator[Figure]:
    """Wall time, CPU and writes; brings up two clusters, one after the other."""
    for lively in (False, True):
        with a_stage("converge", plan, lively=lively) as stage:
            rounds = asyncio.run(_rounds(stage, record(), plan))

        where = "with kube-controller-manager" if lively else "API server alone"
        yield from _told(rounds, plan.registries, where)


def _told(rounds: Rounds, count: int, where: str) -> Iterator[Figure]:
    def figure(what: str, unit: str, value: Callable[[Round], float], *targets: Target) -> Figure:
        samples = {name: [value(one) for one in taken] for name, taken in rounds.items()}
        mine = samples.pop(OURS)
        return Figure(
            name=f"converge, {where}: {what}",
            registries=count,
            value=median(mine),
            unit=unit,
            baselines=[Baseline(name, median(values)) for name, values in samples.items()],
            targets=targets,
            samples={OURS: mine, **samples},
        )

    quicker = [Target(bound=0.5, of=KOPF)] if KOPF in rounds else []
    thrifty = [] if where.startswith("with") else [Target(bound=3, of=FLOOR)]
    yield figure("wall time", "s", lambda one: one.wall, Target(bound=1.25, of=FLOOR), *quicker)
    yield figure("CPU per Registry", "ms", lambda one: one.cpu / count * 1000, *thrifty)
    yield figure("writes per Registry, Events apart", "writes", lambda one: one.writes / count)
    yield figure("status patches per Registry", "writes", lambda one: one.status_patches / count)
    yield figure("Events written per Registry", "writes", lambda one: one.events / count)
    yield figure("writes refused with 409", "writes", lambda one: one.conflicts, Target(bound=0))


@dataclass(frozen=True, slots=True)
class Place:
    """Where so many Registries come into being, each with so many children."""

    namespace: str
    registries: int
    children: int


async def _rounds(stage: Stage, recording: Recording, plan: Plan) -> Rounds:
    taken: dict[str, list[Round]] = {FLOOR: [], **{one.name: [] for one in stage.operators}}
    async with (
        a_client(stage.user(AUTHOR)) as author,
        a_client(stage.user(_BARE)) as client,
    ):
        # A small round warms up the API server, and is not counted.
        for number in range(plan.rounds + 1):
            count = plan.registries if number else min(_WARMING, plan.registries)
            to_stderr(f"converge {count}: round {number} of {plan.rounds}")
            place = Place(f"bare-{number}", count, recording.children)
            done = {FLOOR: await _bare(stage, (author, client), recording, place)}
            for operator in stage.operators:
                place = replace(place, namespace=f"{operator.name}-{number}")
                done[operator.name] = await _operator(stage, operator, author, place)
            if number:
                for name, round_ in done.items():
                    taken[name].append(round_)

    return taken


async def _bare(
    stage: Stage, clients: tuple[BareClient, BareClient], recording: Recording, place: Place
) -> Round:
    author, client = clients

    async def greet(_number: int) -> None:
        await client.get("/version")

    async def furnish(requests: list[Request]) -> None:
        for request in requests:
            await client.send(request)

    mark = stage.cluster.audit.mark()
    uids = await create_registries(author, place.namespace, place.registries)
    told = [
        recording.retold(namespace=place.namespace, name=name, uid=uid)
        for name, uid in uids.items()
    ]
    # Neither rewording nor handshakes are what writes cost.
    await side_by_side(greet, range(AT_ONCE))
    began = time.process_time()
    await side_by_side(furnish, told)
    cpu = time.process_time() - began
    done = _round(stage, mark, user=_BARE, cpu=cpu, place=place)
    await remove_registries(author, place.namespace)

    return done


async def _operator(stage: Stage, operator: Contender, author: BareClient, place: Place) -> Round:
    operator.start()
    operator.await_ready()
    mark = stage.rest(operator.user)
    before = usage.of(operator.pid).cpu
    await create_registries(author, place.namespace, place.registries)
    stage.rest(operator.user)
    cpu = usage.of(operator.pid).cpu - before
    done = _round(stage, mark, user=operator.user, cpu=cpu, place=place)
    # First stopped, or it would repair what is taken away.
    operator.stop()
    await remove_registries(author, place.namespace)

    return done


def _round(stage: Stage, mark: int, *, user: str, cpu: float, place: Place) -> Round:
    writes = stage.writes(since=mark, user=user)
    created = [
        one.received for one in stage.writes(since=mark, user=AUTHOR) if one.resource == _REGISTRIES
    ]
    plain = [one for one in writes if not is_event(one)]
    ended = until_converged(writes, registries=place.registries, children=place.children)

    return Round(
        wall=ended - min(created),
        cpu=cpu,
        writes=len(plain),
        status_patches=sum(map(is_told, plain)),
        events=len(writes) - len(plain),
        conflicts=sum(one.code == 409 for one in plain),
    )
