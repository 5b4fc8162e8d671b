"""client-go's rules for taking, keeping and losing the Lease (framework.md 1.11), and our fence."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from registry_operator.kube.errors import ServiceUnavailable
from registry_operator.runtime.leader import Elector, LeadershipLost
from registry_operator.runtime.lease import LEASES
from registry_operator.testing.virtual_loop import VirtualClock, VirtualLoop
from tests.unit.runtime.election_stage import (
    DOWN,
    KEY,
    ElectionStage,
    View,
    anything,
    for_seconds,
    writes,
)


@pytest.fixture
def stage(clock: VirtualClock) -> ElectionStage:
    return ElectionStage(clock)


async def test_a_missing_lease_is_made_and_given_back_after_the_work(stage: ElectionStage) -> None:
    elector = stage.elector("a")
    seen: list[dict[str, Any]] = []

    async def lead() -> None:
        seen.append(stage.lease()["spec"])
        assert elector.is_leader
        assert stage.gauge == 1
        elector.fence()
        assert elector.stats().holder == "a"

    await elector.run(lead)

    assert seen[0]["holderIdentity"] == "a"
    assert seen[0]["leaseDurationSeconds"] == 15
    assert seen[0]["leaseTransitions"] == 0
    assert seen[0]["acquireTime"] == seen[0]["renewTime"]
    assert stage.holder == ""
    assert stage.lease()["spec"]["leaseDurationSeconds"] == 1
    assert stage.gauge == 0
    with pytest.raises(LeadershipLost):
        elector.fence()


async def test_a_released_lease_is_taken_at_once(stage: ElectionStage) -> None:
    stage.held_by("", preferredHolder="them")
    seen: list[dict[str, Any]] = []

    async def lead() -> None:
        seen.append(stage.lease())

    await stage.elector("a").run(lead)

    assert stage.clock.monotonic() == 0
    assert seen[0]["spec"]["leaseTransitions"] == 5
    assert seen[0]["spec"]["preferredHolder"] == "them"
    assert seen[0]["metadata"]["labels"] == {"a": "b"}


@pytest.mark.parametrize("seconds", [5, 15, 60])
async def test_a_silent_holder_is_replaced_after_the_time_its_own_record_names(
    stage: ElectionStage, seconds: int
) -> None:
    stage.held_by("gone", seconds=seconds, renewTime="2999-01-01T00:00:00.000000Z")
    began: list[float] = []

    async def lead() -> None:
        began.append(stage.clock.monotonic())

    await stage.elector("a").run(lead)

    assert seconds <= began[0] < seconds + 4.4


async def test_a_holder_that_renews_is_left_alone_however_wrong_its_clock(
    stage: ElectionStage,
) -> None:
    stage.held_by("b", renewTime="1999-01-01T00:00:00.000000Z")
    waiting = asyncio.create_task(stage.elector("a").run(for_seconds(stage.clock, 1)))
    for number in range(20):
        await stage.clock.sleep(10)
        stage.held_by("b", renewTime=f"1999-01-01T00:00:{number:02}.000000Z")

    assert stage.holder == "b"
    waiting.cancel()
    await asyncio.wait({waiting})
    assert stage.holder == "b"


async def test_leading_renews_and_keeps_the_time_of_acquisition(stage: ElectionStage) -> None:
    elector = stage.elector("a")
    specs: list[dict[str, Any]] = []

    async def lead() -> None:
        for _ in range(10):
            specs.append(stage.lease()["spec"])
            await stage.clock.sleep(10)
            elector.fence()

    await elector.run(lead)

    assert len({spec["acquireTime"] for spec in specs}) == 1
    assert len({spec["renewTime"] for spec in specs}) == 10
    assert {spec["leaseTransitions"] for spec in specs} == {0}


async def test_renewing_costs_one_request_and_no_read(stage: ElectionStage) -> None:
    elector = stage.elector("a")

    async def lead() -> None:
        stage.api.requests.clear()
        await stage.clock.sleep(20.5)
        assert {request.method for request in stage.api.requests} == {"PUT"}
        assert len(stage.api.requests) == 10

    await elector.run(lead)


async def test_a_lease_changed_by_somebody_else_is_read_again_and_kept(
    stage: ElectionStage,
) -> None:
    elector = stage.elector("a")

    async def lead() -> None:
        await stage.clock.sleep(3)

        def label(body: dict[str, Any]) -> None:
            body["metadata"]["labels"] = {"touched": "yes"}

        stage.api.change(LEASES, KEY, label)
        await stage.clock.sleep(60)
        elector.fence()

    await elector.run(lead)

    assert stage.lease()["metadata"]["labels"] == {"touched": "yes"}


async def test_an_unreachable_server_ends_leadership_and_the_work(stage: ElectionStage) -> None:
    elector = stage.elector("a")
    ended: list[float] = []

    async def lead() -> None:
        stage.api.faults.plan(anything, DOWN, times=None)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(stage.clock.monotonic())

    with pytest.raises(LeadershipLost):
        await elector.run(lead)

    assert ended == [pytest.approx(10)]
    assert not elector.is_leader
    assert stage.gauge == 0
    assert stage.holder == "a"
    assert elector.stats().failures >= 4


async def test_a_short_outage_is_survived(stage: ElectionStage) -> None:
    elector = stage.elector("a")

    async def lead() -> None:
        stage.api.faults.plan(anything, ServiceUnavailable(503), times=4)
        await stage.clock.sleep(60)
        elector.fence()

    await elector.run(lead)

    assert stage.api.faults.struck == 4


async def test_a_server_that_hangs_cannot_stretch_the_deadline(stage: ElectionStage) -> None:
    elector = stage.elector("a")

    async def lead() -> None:
        stage.api.faults.plan(anything, times=None, delay=29)
        await asyncio.Event().wait()

    with pytest.raises(LeadershipLost):
        await elector.run(lead)

    assert stage.clock.monotonic() == pytest.approx(10)


async def test_a_lease_taken_by_another_ends_leadership_at_once(stage: ElectionStage) -> None:
    elector = stage.elector("a")

    async def lead() -> None:
        await stage.clock.sleep(1)
        stage.held_by("b")
        await asyncio.Event().wait()

    with pytest.raises(LeadershipLost, match="b holds"):
        await elector.run(lead)

    assert stage.clock.monotonic() == pytest.approx(2)
    assert stage.holder == "b"


async def test_a_loop_that_wakes_late_may_not_write_any_more(stage: ElectionStage) -> None:
    elector = stage.elector("a")
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)

    async def lead() -> None:
        await stage.clock.sleep(5)
        elector.fence()
        loop.jump(12)
        with pytest.raises(LeadershipLost, match="a may no longer write"):
            elector.fence()
        await asyncio.Event().wait()

    with pytest.raises(LeadershipLost):
        await elector.run(lead)


async def test_work_that_ignores_its_end_does_not_hold_up_the_exit(stage: ElectionStage) -> None:
    elector = stage.elector("a")
    release = asyncio.Event()

    async def lead() -> None:
        stage.api.faults.plan(anything, DOWN, times=None)
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                # As a reconciler does that shields its clean-up badly.
                continue

    with pytest.raises(LeadershipLost):
        await elector.run(lead)

    assert stage.clock.monotonic() == pytest.approx(15)
    release.set()


async def test_of_two_candidates_one_leads_until_it_stops_and_then_the_other(
    stage: ElectionStage,
) -> None:
    leading: list[str] = []
    first, second = stage.elector("a"), stage.elector("b")

    def lead(elector: Elector, name: str) -> Callable[[], Awaitable[None]]:
        async def work() -> None:
            leading.append(name)
            for _ in range(30):
                elector.fence()
                assert [first.is_leader, second.is_leader].count(True) == 1
                await stage.clock.sleep(1)

        return work

    await asyncio.gather(first.run(lead(first, "a")), second.run(lead(second, "b")))

    assert sorted(leading) == ["a", "b"]
    assert stage.clock.monotonic() < 30 + 30 + 5


async def test_a_cut_off_leader_stops_before_the_other_begins(stage: ElectionStage) -> None:
    first = stage.elector("a")
    cut_off = asyncio.Event()
    times: dict[str, float] = {}

    async def old() -> None:
        cut_off.set()
        try:
            await asyncio.Event().wait()
        finally:
            times["old ended"] = stage.clock.monotonic()

    async def new() -> None:
        times["new began"] = stage.clock.monotonic()
        assert not first.is_leader

    losing = asyncio.create_task(first.run(old))
    await cut_off.wait()
    other = View(stage.api)
    stage.api.faults.plan(lambda _request: not other.is_asking, DOWN, times=None)
    await stage.elector("b", other).run(new)
    with pytest.raises(LeadershipLost):
        await losing

    assert times["old ended"] == pytest.approx(10)
    assert times["new began"] >= 15


async def test_the_lease_of_work_that_shows_no_life_runs_out_and_it_is_told_once(
    stage: ElectionStage,
) -> None:
    seen_alive = 5.0
    elector = stage.elector("a", pulse=lambda: min(stage.clock.monotonic(), seen_alive))

    with capture_logs() as logs, pytest.raises(LeadershipLost, match="a may no longer write"):
        await elector.run(for_seconds(stage.clock, 100))

    # The last renewal before 30 s of silence is that of second 34; its right lasts for 10 s.
    assert stage.clock.monotonic() == pytest.approx(34 + 10)
    assert stage.holder == "a"
    assert [line["event"] for line in logs if line["log_level"] == "error"] == [
        "work shows no sign of life, lease is not renewed"
    ]


async def test_work_that_is_back_before_its_right_ended_goes_on_leading(
    stage: ElectionStage,
) -> None:
    def pulse() -> float:
        now = stage.clock.monotonic()
        return 5.0 if now < 40 else now

    elector = stage.elector("a", pulse=pulse)
    with capture_logs() as logs:
        await elector.run(for_seconds(stage.clock, 100))

    assert [line["event"] for line in logs if "work" in line["event"]] == [
        "work shows no sign of life, lease is not renewed",
        "work is back, lease is renewed again",
    ]
    assert stage.holder == ""


async def test_work_is_alive_when_it_begins_however_long_the_lease_was_waited_for(
    stage: ElectionStage,
) -> None:
    stage.held_by("gone", seconds=120)
    elector = stage.elector("a", pulse=lambda: 0.0)
    with capture_logs() as logs:
        await elector.run(for_seconds(stage.clock, 29))

    assert stage.clock.monotonic() > 120 + 29
    assert not [line for line in logs if line["log_level"] == "error"]


async def test_a_lease_won_in_a_try_that_stalled_is_renewed_before_anything_is_done_with_it(
    stage: ElectionStage,
) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    stage.held_by("")
    elector = stage.elector("a")

    def stall(_request: object) -> bool:
        # The answer is there, but the process wakes up when its right is over already.
        loop.jump(11)
        return False

    stage.api.faults.plan(lambda request: writes(request) and stall(request), times=1)
    led: list[bool] = []

    async def lead() -> None:
        led.append(elector.is_leader)

    run = asyncio.create_task(elector.run(lead))
    await stage.clock.sleep(0.5)
    stage.api.faults.clear()
    await run

    assert led == [True]


async def test_a_candidate_tells_whom_it_waits_for_once(stage: ElectionStage) -> None:
    stage.held_by("b", seconds=30)
    with capture_logs() as logs:
        await stage.elector("a").run(for_seconds(stage.clock, 1))

    waiting = [line["holder"] for line in logs if line["event"] == "waiting for the lease"]
    assert waiting == ["b"]
