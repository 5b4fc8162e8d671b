"""Reading the figures costs the same however many objects are in memory."""

import sys
from types import FrameType
from typing import Any

from prometheus_client import generate_latest

from registry_operator.runtime.metrics import Metrics
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.runtime.cache_stage import Stage
from tests.unit.runtime.secrets_stage import SECRETS


def steps_of_a_scrape(metrics: Metrics) -> int:
    """How many instructions of Python one reading of all figures takes."""
    steps = 0

    def count(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal steps
        frame.f_trace_opcodes = True
        steps += event == "opcode"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        generate_latest(metrics.registry)
    finally:
        sys.settrace(before)
    return steps


async def scrape_with(clock: VirtualClock, objects: int) -> int:
    stage = Stage(clock)
    stage.cache.declare(SECRETS, indexes={"name": lambda secret: [secret.name]})
    stage.serve(SECRETS, *(f"s-{number:05}" for number in range(objects)))
    async with stage.running():
        await stage.cache.wait_synced(10)
        kind = {"kind": "secrets"}
        assert stage.sample("registry_operator_cached_objects", **kind) == objects
        return steps_of_a_scrape(stage.metrics)


async def test_no_object_is_looked_at(clock: VirtualClock) -> None:
    few, many = await scrape_with(clock, 10), await scrape_with(clock, 10_000)

    assert few > 1000
    # Not one step an object; a longer number is a step or two more to write.
    assert abs(many - few) < 100
