"""At rest, when all watches expire, and over a restart: writes, time and memory, simulated.

The same questions as rest.py asks of a real control plane, at sizes that would take it hours to
make: ten thousand Registries are eighty thousand objects.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from hack.bench import usage
from hack.bench.figure import Figure, Target
from hack.bench.plan import Plan
from hack.bench.simulation import Simulation, a_simulation

_IDLE_SECONDS = 20.0
_EXPIRY_SECONDS = 3.0  # until the operator lists: it waits a little after a failure
_NOTHING = Target(bound=0)


def figures(plan: Plan) -> Iterator[Figure]:
    """Writes, wall time, CPU and memory of an operator that finds a world at rest."""
    with a_simulation("simulated", plan) as simulation:
        yield from _started(simulation, plan.registries)
        yield _idle(simulation, plan.registries)
        yield _expired(simulation, plan.registries)


def _started(simulation: Simulation, count: int) -> Iterator[Figure]:
    began = time.monotonic()
    simulation.ours.start()
    started = time.monotonic() - began
    wall, cpu = usage.until_done(simulation.ours.pid, lambda: simulation.is_through(count))
    simulation.rest()
    at_thousand = count == 1000
    yield _figure(count, "restart: writes", len(simulation.writes()), "writes", _NOTHING)
    yield _figure(
        count,
        "restart: from start of the process to settled",
        started + wall,
        "s",
        *([Target(bound=2)] if at_thousand else []),
    )
    yield _figure(count, "restart: CPU", cpu, "s", *([Target(bound=1.5)] if at_thousand else []))
    yield _figure(
        count,
        "resident memory",
        usage.of(simulation.ours.pid).resident / 1e6,
        "MB",
        *([Target(bound=130)] if at_thousand else []),
    )


def _idle(simulation: Simulation, count: int) -> Figure:
    mark = len(simulation.everything())
    time.sleep(_IDLE_SECONDS)
    what = f"at rest: writes in {_IDLE_SECONDS:.0f} s"
    return _figure(count, what, len(simulation.writes(since=mark)), "writes", _NOTHING)


def _expired(simulation: Simulation, count: int) -> Figure:
    mark = len(simulation.everything())
    simulation.expire()
    time.sleep(_EXPIRY_SECONDS)
    simulation.await_through(count)
    simulation.rest()
    return _figure(count, "resync: writes", len(simulation.writes(since=mark)), "writes", _NOTHING)


def _figure(count: int, what: str, value: float, unit: str, *targets: Target) -> Figure:
    return Figure(
        name=f"simulated, {what}", registries=count, value=value, unit=unit, targets=targets
    )
