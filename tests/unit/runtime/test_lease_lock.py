"""What a candidate knows of the Lease, and what it leaves of it when it is stopped."""

import asyncio

import pytest

from registry_operator.kube.errors import TransportError
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.runtime.election_stage import ElectionStage, for_seconds, writes


@pytest.fixture
def stage(clock: VirtualClock) -> ElectionStage:
    return ElectionStage(clock)


@pytest.mark.parametrize("after_effect", [True, False])
async def test_a_candidate_stopped_while_its_write_is_unanswered_leaves_no_lease_behind(
    stage: ElectionStage, *, after_effect: bool
) -> None:
    stage.held_by("")
    lost = TransportError("connection reset", sent=True)
    stage.api.faults.plan(writes, lost, after_effect=after_effect)
    run = asyncio.create_task(stage.elector("a").run(for_seconds(stage.clock, 1)))
    await stage.clock.sleep(1)
    assert stage.holder == ("a" if after_effect else "")
    run.cancel()
    await asyncio.wait({run})

    assert run.cancelled()
    assert stage.holder == ""


async def test_a_candidate_that_never_wrote_asks_nothing_when_it_is_stopped(
    stage: ElectionStage,
) -> None:
    stage.held_by("b")
    run = asyncio.create_task(stage.elector("a").run(for_seconds(stage.clock, 1)))
    await stage.clock.sleep(1)
    stage.api.requests.clear()
    run.cancel()
    await asyncio.wait({run})

    assert stage.api.requests == []
