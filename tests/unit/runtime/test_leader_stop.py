"""How leadership ends: work first, then the Lease (framework.md L7, L9)."""

import asyncio

import pytest

from registry_operator.kube.errors import Conflict
from registry_operator.runtime.leader import LeadershipLost
from registry_operator.testing.virtual_loop import VirtualClock, VirtualLoop
from tests.unit.runtime.election_stage import ElectionStage, anything, writes


@pytest.fixture
def stage(clock: VirtualClock) -> ElectionStage:
    return ElectionStage(clock)


async def test_cancelling_keeps_the_lease_until_the_work_has_ended(stage: ElectionStage) -> None:
    elector = stage.elector("a")

    async def lead() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await stage.clock.sleep(40)
            elector.fence()
            assert stage.holder == "a"

    run = asyncio.create_task(elector.run(lead))
    await stage.clock.sleep(5)
    run.cancel()
    await asyncio.wait({run})

    assert run.cancelled()
    assert stage.holder == ""
    assert stage.clock.monotonic() == pytest.approx(45)


async def test_an_error_of_the_work_gives_the_lease_back_and_is_passed_on(
    stage: ElectionStage,
) -> None:
    async def lead() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await stage.elector("a").run(lead)

    assert stage.holder == ""


async def test_release_is_tried_again_after_a_conflict(stage: ElectionStage) -> None:
    async def lead() -> None:
        stage.api.faults.plan(writes, Conflict(409), times=2)

    await stage.elector("a").run(lead)

    assert stage.holder == ""
    assert stage.api.faults.struck == 2


async def test_release_gives_up_when_the_server_does_not_answer(stage: ElectionStage) -> None:
    async def lead() -> None:
        stage.api.faults.plan(anything, times=None, delay=29)

    await stage.elector("a").run(lead)

    assert stage.clock.monotonic() == pytest.approx(10)
    assert stage.holder == "a"


async def test_nothing_is_released_that_another_holds(stage: ElectionStage) -> None:
    async def lead() -> None:
        stage.held_by("b")

    await stage.elector("a").run(lead)

    assert stage.holder == "b"


async def test_liveness_fails_when_leadership_outlives_its_right(stage: ElectionStage) -> None:
    elector = stage.elector("a")
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)

    async def lead() -> None:
        assert elector.check() is None
        loop.jump(14)
        assert elector.check() is None
        loop.jump(3)
        assert elector.check() == "still leading 7 s after the right to lead ended"

    assert elector.check() is None
    with pytest.raises(LeadershipLost):
        await elector.run(lead)
    assert elector.check() is None
    assert "is_leader=False" in repr(elector)
