"""What is written for one Registry from nothing to Ready, while nothing fails.

On a control plane with kube-controller-manager and simulated pods. Registries come one after the
other, each when the one before is ready and nobody writes any more. Of ours the worst counts, of
kopf's the median: once in a while it was seen to write the children of one twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from statistics import median

from hack.bench.contender import OURS, Contender
from hack.bench.figure import FLOOR, KOPF, Baseline, Figure, Target
from hack.bench.plan import Plan
from hack.bench.recording import SPEC, record
from hack.bench.stage import Stage, a_stage
from hack.bench.written import is_child, is_event, is_told
from hack.cluster.audit import Request
from hack.world import a_world

_QUIET_SECONDS = 2.0
_PATIENCE = 60.0
Written = Sequence[Sequence[Request]]


def figures(plan: Plan) -> Iterator[Figure]:
    """Writes, status patches, Events and conflicts for the Registry with the most of them."""
    with a_stage("writes", plan, lively=True) as stage:
        written = {
            operator.name: _written(stage, operator, plan.registries)
            for operator in stage.operators
        }

    children = record().children
    yield _figure("children written", written, is_child, Target(bound=children))
    yield _figure("status patches", written, is_told, Target(bound=2))
    yield _figure(
        "writes, Events apart",
        written,
        lambda one: not is_event(one),
        Target(bound=children + 2),
        floor=children + 1,
    )
    yield _figure("Events", written, is_event)
    yield _figure("writes refused with 409", written, _is_conflict, Target(bound=0))


def _is_conflict(request: Request) -> bool:
    return request.code == 409


def _figure(
    what: str,
    written: Mapping[str, Written],
    counts: Callable[[Request], bool],
    *targets: Target,
    floor: int | None = None,
) -> Figure:
    most = {
        name: [float(sum(map(counts, writes))) for writes in each] for name, each in written.items()
    }
    baselines = [Baseline(FLOOR, floor)] if floor is not None else []
    if KOPF in most:
        baselines.append(Baseline(KOPF, median(most[KOPF])))

    return Figure(
        name=f"one Registry from nothing to Ready: {what}",
        value=max(most[OURS]),
        unit="writes",
        baselines=baselines,
        targets=targets,
        samples=most,
    )


def _written(stage: Stage, operator: Contender, count: int) -> list[list[Request]]:
    operator.start()
    operator.await_ready()
    taken = []
    with a_world(stage.cluster, f"single-{operator.name}") as world:
        for number in range(count):
            mark = stage.rest(operator.user, quiet=_QUIET_SECONDS)
            name = f"images-{number}"
            world.create_registry(name, SPEC)
            world.until(partial(world.is_ready, name), seconds=_PATIENCE, about=f"{name} is ready")
            stage.rest(operator.user, quiet=_QUIET_SECONDS)
            taken.append(stage.writes(since=mark, user=operator.user))
        operator.stop()

    return taken
