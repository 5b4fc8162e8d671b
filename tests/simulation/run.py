"""One simulation from its plan to its verdict.

In flow a plan; out flows a `Verdict`: the first breach of a law, if any, the last lines of what
happened, and a digest that is the same whenever the plan and the code are.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from controllers.kinds import REGISTRY
from registry_operator.testing.builders import NAMESPACE
from registry_operator.testing.simulation.loop import SimulationLoop
from registry_operator.testing.simulation.plan import Plan
from registry_operator.testing.virtual_loop import Deadlock
from tests.simulation.laws.law import Breach
from tests.simulation.laws.rest import (
    contended,
    differences,
    is_trying,
    leftovers,
    moved,
    picture,
    robbed,
    unreported,
    unsettled,
)
from tests.simulation.laws.upgrades import failed_at_rest
from tests.simulation.world import World

_CALM = 120.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a plan; `seconds` are virtual."""

    plan: Plan
    breach: Breach | None
    digest: str
    seconds: float
    changes: int
    tail: Sequence[str] = ()


def run(plan: Plan, *, tell: bool = False) -> Verdict:
    """Play a plan to its end, in a loop of its own; `tell` what happened also if all went well."""
    loop = SimulationLoop(random.Random(f"order/{plan.seed}"))
    try:
        return loop.run_until_complete(_simulate(plan, tell=tell))
    finally:
        loop.close()


async def _simulate(plan: Plan, *, tell: bool) -> Verdict:
    world = World(plan.seed, operators=plan.options.get("operators", 1))
    _listen(world)
    loop = asyncio.get_running_loop()
    world.start()
    try:
        await _live(world, plan)
        # What follows is not part of the run: burials, and a world without trouble.
        seconds, digest = loop.time(), world.journal.digest
    except Deadlock as error:
        world.court.broken("rest", str(error))
        seconds, digest = loop.time(), world.journal.digest
    finally:
        await world.end()
    tail = world.journal.tail() if tell or world.court.first else ()
    return Verdict(plan, world.court.first, digest, seconds, len(world.journal), tail)


async def _live(world: World, plan: Plan) -> None:
    await world.play(plan)
    world.weather.clear()
    world.actors.peace()
    if not await world.rest():
        world.court.broken("rest", "the world never came to rest")
        return
    leaders = [one.role for one in world.candidates if one.leads()]
    if len(leaders) != 1:
        world.court.broken("fencing", f"at rest {leaders} lead")
    seen = picture(world.api)
    for silence in unreported(seen):
        world.court.broken("rest", silence)
    for wrong in failed_at_rest(world.api):
        world.court.broken("upgrades", wrong)
    wanted = await _in_peace(world)
    for name in moved(seen, contended(world.api) | robbed(world.api)):
        # Which storage holds the images is what happened, and not what is wished now.
        seen.pop(name, None), wanted.pop(name, None)
    for difference in differences(seen, wanted):
        world.court.broken("rest", difference)
    if not is_trying(world.api):
        await _stays_quiet(world, "at rest")
    leader = world.leader()
    if leader is not None and leader.operator is not None:
        for left in unsettled(leader.operator):
            world.court.broken("leftovers", left)
    await _restart(world)
    await _empty(world)


async def _in_peace(world: World) -> dict[str, Any]:
    """What the same wishes come to where nothing ever goes wrong."""
    peaceful = World(0, operators=1)
    for resource, body in world.wishes():
        peaceful.wish(resource, body)
    peaceful.start()
    try:
        if not await peaceful.rest():
            world.court.broken("rest", "a world without trouble never came to rest")
        return picture(peaceful.api)
    finally:
        await peaceful.end()
        for error in peaceful.failures():
            world.defects.met(error)


async def _stays_quiet(world: World, when: str) -> None:
    before = world.last_write
    await asyncio.sleep(_CALM)
    if world.last_write > before:
        world.court.broken("rest", f"something was written {when}")


async def _restart(world: World) -> None:
    """A process without memory finds nothing to do: so none of its predecessors forgot a key."""
    before, may_tell = world.last_write, is_trying(world.api)
    for candidate in world.candidates:
        candidate.stop()
    await asyncio.sleep(5.0)
    holder = world.holder()
    if holder and all(
        one.process is None or one.process.name != holder for one in world.candidates
    ):
        world.court.broken("fencing", f"{holder} ended in order and kept the Lease")
    is_at_rest = await world.rest(at_most=600.0)
    if not is_at_rest or (world.last_write > before and not may_tell):
        world.court.broken("rest", "a restart wrote something")
    for candidate in world.candidates:
        if candidate.operator is not None:
            world.secrecy.see_metrics(candidate.operator.metrics)


async def _empty(world: World) -> None:
    for body in world.api.objects(REGISTRY, NAMESPACE):
        world.api.delete(REGISTRY, world.key(body["metadata"]["name"]))
    if not await world.rest(at_most=600.0):
        world.court.broken("rest", "no rest after everything was deleted")
        return
    left = [body["metadata"]["name"] for body in world.api.objects(REGISTRY)]
    if left:
        world.court.broken("rest", f"Registries do not go: {', '.join(left)}")
    for candidate in world.candidates:
        if candidate.operator is not None:
            for leftover in leftovers(candidate.operator):
                world.court.broken("leftovers", leftover)


def _listen(world: World) -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            world.defects.read_log,
            world.secrecy.read_log,
        ],
        wrapper_class=structlog.BoundLogger,
        cache_logger_on_first_use=False,
    )
