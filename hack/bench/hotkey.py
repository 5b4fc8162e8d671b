"""Whether one object that never rests holds up the others.

Before a simulated API server. The Deployment of one Registry changes 10,000 times a second, as far
as its resourceVersion tells; meanwhile Services of the other Registries are deleted one by one,
and it counts how long each is gone. The same in peace is the baseline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from controllers.kinds import DEPLOYMENT, SERVICE
from hack.bench.contender import OURS
from hack.bench.figure import Baseline, Figure, Target
from hack.bench.plan import Plan
from hack.bench.quantile import quantile
from hack.bench.settled import keys
from hack.bench.simulation import Simulation, a_simulation
from hack.bench.written import audited, latencies
from registry_operator.kube.resource import ObjectKey
from registry_operator.settings import NAME

_RATE = 10_000
_PAUSE_SECONDS = 0.05
_MARGIN_SECONDS = 1.0
_PEACE = "in peace"
_WITHIN = 2


def figures(plan: Plan) -> Iterator[Figure]:
    """Latency of repairs beside a hot key, median and 99th percentile."""
    count = max(plan.registries, 2)
    with a_simulation("hotkey", plan) as simulation:
        simulation.ours.start()
        simulation.await_through(count)
        simulation.rest()
        hot, *others = keys(count)
        peace = asyncio.run(_repairs(simulation, others))
        beside, rate = asyncio.run(_beside(simulation, hot, others))

    for name, share in (("median", 0.5), ("99th percentile", 0.99)):
        yield Figure(
            name=f"hot key: latency of others, {name}",
            registries=count,
            value=quantile(beside, share) * 1000,
            unit="ms",
            baselines=[Baseline(_PEACE, quantile(peace, share) * 1000)],
            targets=[Target(bound=_WITHIN, of=_PEACE)],
            samples={
                OURS: [seconds * 1000 for seconds in beside],
                _PEACE: [seconds * 1000 for seconds in peace],
            },
        )
    yield Figure(
        name="hot key: changes told",
        registries=count,
        value=rate,
        unit="changes/s",
        targets=[Target(bound=0.95 * _RATE, at_least=True)],
    )


async def _beside(
    simulation: Simulation, hot: ObjectKey, others: list[ObjectKey]
) -> tuple[list[float], float]:
    seconds = len(others) * _PAUSE_SECONDS * 2 + 2 * _MARGIN_SECONDS
    path = DEPLOYMENT.path(hot.namespace, hot.name)
    heat = asyncio.create_task(
        asyncio.to_thread(simulation.heat, path, rate=_RATE, seconds=seconds)
    )
    await asyncio.sleep(_MARGIN_SECONDS)
    taken = await _repairs(simulation, others)

    return taken, await heat / seconds


async def _repairs(simulation: Simulation, others: list[ObjectKey]) -> list[float]:
    mark = len(simulation.everything())
    async with simulation.author() as author:
        for key in others:
            await author.delete(SERVICE.path(key.namespace, key.name))
            await asyncio.sleep(_PAUSE_SECONDS)
    simulation.rest()
    noted = simulation.everything(since=mark)
    deleted = [one for one in noted if one.verb == "delete" and one.user != NAME]
    repaired = [one for one in noted if one.user == NAME]

    return latencies(deleted, repaired, resource=audited(SERVICE))
