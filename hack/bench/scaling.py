"""What one change costs, among few Registries and among many: it should not matter.

Before a simulated API server, which is not counted. A change is one of the specification (a label
of the Service): every controller looks, one child and one status are written. A hundred Registries
change at a time, far from each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from statistics import median

from controllers.kinds import REGISTRY
from hack.bench import usage
from hack.bench.bare import side_by_side
from hack.bench.figure import Baseline, Figure, Target
from hack.bench.plan import Plan
from hack.bench.settled import keys
from hack.bench.simulation import Simulation, a_simulation
from hack.bench.written import is_event
from hack.cluster.report import to_stderr
from registry_operator.kube.resource import ObjectKey

_CHANGES = 100
_BATCHES = 5
_WITHIN = 1.2


def figures(plan: Plan) -> Iterator[Figure]:
    """CPU per change at 100, 1,000, … up to `plan.registries`."""
    few: Baseline | None = None
    size = _CHANGES
    while size <= max(plan.registries, _CHANGES):
        to_stderr(f"scaling: {size} Registries")
        with a_simulation("scaling", replace(plan, registries=size)) as simulation:
            simulation.ours.start()
            simulation.await_through(size)
            simulation.rest()
            batches = asyncio.run(_batches(simulation, size))
        cpu = [seconds / _CHANGES * 1000 for seconds, _ in batches]
        value = median(cpu)
        yield Figure(
            name="scaling: CPU per change",
            registries=size,
            value=value,
            unit="ms",
            baselines=[few] if few else [],
            targets=[Target(bound=_WITHIN, of=few.name)] if few else [],
            samples={"operator": cpu},
        )
        yield Figure(
            name="scaling: writes per change, Events apart",
            registries=size,
            value=median(writes for _, writes in batches) / _CHANGES,
            unit="writes",
        )
        few = few or Baseline(f"{size} Registries", value)
        size *= 10


async def _batches(simulation: Simulation, size: int) -> list[tuple[float, int]]:
    """CPU seconds and writes of each batch; one that warms up is not counted."""
    changed = list(keys(size))[:: size // _CHANGES]
    taken = []
    async with simulation.author() as author:
        for number in range(_BATCHES + 1):

            async def change(key: ObjectKey, turn: str = str(number)) -> None:
                labels = {"bench.example.com/turn": turn}
                patch = {"spec": {"service": {"labels": labels}}}
                await author.merge(REGISTRY.path(key.namespace, key.name), patch)

            mark = len(simulation.everything())
            before = usage.of(simulation.ours.pid).cpu
            await side_by_side(change, changed)
            simulation.rest()
            cpu = usage.of(simulation.ours.pid).cpu - before
            if number:
                written = [one for one in simulation.writes(since=mark) if not is_event(one)]
                taken.append((cpu, len(written)))

    return taken
