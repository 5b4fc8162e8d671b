"""How long the operator takes to hold a large world in memory, and whether it stays responsive.

Before a simulated API server that serves pages as fast as they are asked for. Responsive means that
no turn of the event loop is long: probes, watches and the Lease wait for each. All turns count,
from the start until every controller has looked at every Registry.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from hack.bench import usage
from hack.bench.figure import Figure, Target
from hack.bench.plan import Plan
from hack.bench.recording import record
from hack.bench.settled import settled
from hack.bench.simulation import Simulation, a_simulation
from hack.cluster.error import ClusterError

_STEP_SECONDS = 0.1  # each question costs the operator a millisecond
_PATIENCE = 10.0
# Secrets are known twice: ours in full, everybody's by their metadata.
_SECRETS = 2


def figures(plan: Plan) -> Iterator[Figure]:
    """Seconds to synced, the longest turn, CPU; `plan.registries` is how many objects."""
    each = settled(record(ready=True)).objects + _SECRETS
    plan = replace(plan, registries=max(1, plan.registries // each))
    objects = plan.registries * each
    with tempfile.TemporaryDirectory(prefix="registry-operator-bench-") as folder:
        turns = Path(folder) / "turns"
        with a_simulation("sync", plan, turns=turns) as simulation:
            yield from _measured(simulation, plan.registries, objects, turns)


def _measured(
    simulation: Simulation, registries: int, objects: int, turns: Path
) -> Iterator[Figure]:
    began = time.monotonic()
    simulation.ours.start()
    while not simulation.ours.process.is_ready():
        time.sleep(_STEP_SECONDS)
        _ = simulation.ours.pid
    wall, cpu = time.monotonic() - began, usage.of(simulation.ours.pid).cpu
    synced = _longest(simulation.ours.pid, turns)
    simulation.await_through(registries)
    settled_ = _longest(simulation.ours.pid, turns)
    name = f"start with {objects} objects"
    yield Figure(name=f"{name}: to synced", value=wall, unit="s", targets=[Target(bound=5)])
    yield Figure(name=f"{name}: CPU to synced", value=cpu, unit="s")
    yield Figure(
        name=f"{name}: longest turn of the event loop to synced",
        value=synced[0] * 1000,
        unit="ms",
        targets=[Target(bound=50)],
        samples={"operator": [seconds * 1000 for seconds in synced]},
    )
    yield Figure(
        name=f"{name}: longest turn of the event loop to settled",
        value=settled_[0] * 1000,
        unit="ms",
        targets=[Target(bound=50)],
        samples={"operator": [seconds * 1000 for seconds in settled_]},
    )


def _longest(pid: int, turns: Path) -> list[float]:
    """What the process says of its turns so far. Raises ClusterError when it does not."""
    turns.unlink(missing_ok=True)
    os.kill(pid, signal.SIGUSR2)
    deadline = time.monotonic() + _PATIENCE
    while not turns.exists():
        if time.monotonic() > deadline:
            raise ClusterError("operator", "does not tell its turns")
        time.sleep(_STEP_SECONDS)

    return [float(line) for line in turns.read_text().split()]
