"""client-go's leader election: taking, keeping, losing and giving back the Lease."""

import asyncio
from typing import Any

import pytest

from registry_operator.kube.errors import Conflict, ServiceUnavailable
from registry_operator.runtime.leader import LeadershipLost
from registry_operator.runtime.lease import LEASES, Election
from registry_operator.testing.virtual_loop import VirtualClock, VirtualLoop
from tests.conformance.origin import origin
from tests.unit.runtime.election_stage import (
    KEY,
    ElectionStage,
    for_seconds,
    writes,
)

TRIES = "leaderelection_test :: TestTryAcquireOrRenewLeases"


@pytest.fixture
def stage(clock: VirtualClock) -> ElectionStage:
    return ElectionStage(clock)


async def first_lease(stage: ElectionStage) -> tuple[float, dict[str, Any]]:
    """When candidate `a` began to lead, and what the Lease said then."""
    began: list[tuple[float, dict[str, Any]]] = []

    async def lead() -> None:
        began.append((stage.clock.monotonic(), stage.lease()["spec"]))

    await stage.elector("a").run(lead)
    return began[0]


@origin(147, f"{TRIES}: acquire from no object", "L2")
async def test_a_lease_that_is_not_there_is_made(stage: ElectionStage) -> None:
    when, spec = await first_lease(stage)

    assert when == 0
    assert (spec["holderIdentity"], spec["leaseTransitions"]) == ("a", 0)
    assert spec["acquireTime"] == spec["renewTime"] == "2026-01-01T00:00:00.000000Z"


@origin(147, f"{TRIES}: acquire from object without annotations / empty led object", "L2")
async def test_a_lease_without_a_holder_is_taken_at_once(stage: ElectionStage) -> None:
    stage.held_by("", seconds=60)
    when, spec = await first_lease(stage)

    assert (when, spec["leaseTransitions"]) == (0, 5)


@origin(147, f"{TRIES}: acquire from led object with the lease duration seconds", "L2")
@origin(147, f"{TRIES}: acquire from led, unacked object", "L3")
@pytest.mark.parametrize("seconds", [1, 15, 90])
async def test_a_silent_holder_is_replaced_when_the_time_of_its_own_record_has_passed_here(
    stage: ElectionStage, seconds: int
) -> None:
    stage.held_by("b", seconds=seconds, renewTime="1970-01-01T00:00:00.000000Z")
    when, spec = await first_lease(stage)

    assert seconds <= when <= seconds + 2 * 2.2
    assert (spec["holderIdentity"], spec["leaseTransitions"]) == ("a", 5)


@origin(147, f"{TRIES}: don't acquire from led, acked object", "L2, L3")
async def test_a_holder_that_renews_is_not_replaced(stage: ElectionStage) -> None:
    candidate = asyncio.create_task(stage.elector("a").run(for_seconds(stage.clock, 1)))
    for number in range(30):
        stage.held_by("b", renewTime=f"1970-01-01T00:00:{number:02}.000000Z")
        await stage.clock.sleep(10)
    candidate.cancel()
    await asyncio.wait({candidate})

    assert stage.holder == "b"


@origin(147, f"{TRIES}: renew already acquired object", "L4")
async def test_renewing_moves_the_renew_time_alone(stage: ElectionStage) -> None:
    specs: list[dict[str, Any]] = []

    async def lead() -> None:
        specs.append(stage.lease()["spec"])
        await stage.clock.sleep(30)
        specs.append(stage.lease()["spec"])

    await stage.elector("a").run(lead)
    first, last = specs

    assert last["renewTime"] > first["renewTime"]
    assert last == first | {"renewTime": last["renewTime"]}


@origin(147, "leaderelection_test :: TestReleaseLeaseLeases", "L7, L10")
@origin(147, "leaderelection_test :: TestReleaseOnCancellation_Leases", "L7")
async def test_a_cancelled_leader_ends_its_work_and_gives_the_lease_back(
    stage: ElectionStage,
) -> None:
    stage.held_by("", strategy="kept")

    async def lead() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await stage.clock.sleep(3)
            assert stage.holder == "a"

    run = asyncio.create_task(stage.elector("a").run(lead))
    await stage.clock.sleep(5)
    run.cancel()
    await asyncio.wait({run})
    lease = stage.lease()

    assert run.cancelled()
    assert (lease["spec"]["holderIdentity"], lease["spec"]["leaseDurationSeconds"]) == ("", 1)
    assert (lease["spec"]["leaseTransitions"], lease["spec"]["strategy"]) == (5, "kept")
    assert lease["metadata"]["labels"] == {"a": "b"}


@origin(147, "leaderelection_test :: TestReleaseMethodCallsGet", "L7")
async def test_a_lease_is_read_before_it_is_given_back_and_left_to_whoever_took_it(
    stage: ElectionStage,
) -> None:
    async def lead() -> None:
        stage.held_by("b")
        stage.api.requests.clear()

    await stage.elector("a").run(lead)

    assert [request.method for request in stage.api.requests] == ["GET"]
    assert stage.holder == "b"


@origin(147, "leaderelection_test :: TestReleaseRetriesOnConflict", "L7")
async def test_giving_back_is_tried_again_after_a_conflict(stage: ElectionStage) -> None:
    async def lead() -> None:
        stage.api.faults.plan(writes, Conflict(409), times=3)

    await stage.elector("a").run(lead)

    assert (stage.holder, stage.api.faults.struck) == ("", 3)


@origin(147, "leaderelection_test :: TestLeaderElectionConfigValidation", "L1")
@pytest.mark.parametrize(
    "times",
    [
        {"lease": 10, "renew": 10},
        {"renew": 2.4, "retry": 2},
        {"lease": 0},
        {"renew": 0},
        {"retry": 0.5},
        {"identity": ""},
    ],
)
def test_times_that_could_make_two_leaders_are_refused(times: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="leader election"):
        Election(**({"identity": "a", "namespace": "system", "name": "operator"} | times))


@origin(147, "leaderelection_test :: TestFastPathLeaderElection", "L5")
async def test_a_leader_renews_without_reading(stage: ElectionStage) -> None:
    async def lead() -> None:
        stage.api.requests.clear()
        await stage.clock.sleep(9)

    await stage.elector("a").run(lead)

    methods = [request.method for request in stage.api.requests]
    assert methods == ["PUT", "PUT", "PUT", "PUT", "GET", "PUT"]


@origin(147, "leaderelection_test :: TestFastPathLeaderElection: update fails", "L5")
@pytest.mark.parametrize("error", [Conflict(409), ServiceUnavailable(503)])
async def test_a_leader_whose_renewal_fails_reads_the_lease_and_goes_on(
    stage: ElectionStage, error: Conflict | ServiceUnavailable
) -> None:
    elector = stage.elector("a")

    async def lead() -> None:
        stage.api.requests.clear()
        stage.api.faults.plan(writes, error, times=1)
        await stage.clock.sleep(3)
        assert [request.method for request in stage.api.requests] == ["PUT", "GET", "PUT"]
        await stage.clock.sleep(20)
        elector.fence()

    await elector.run(lead)


@origin(147, "leaderelection_test :: TestCheckMethodRace", "L9")
@origin(147, "healthzadaptor_test :: TestLeaderElectionHealthChecker", "L9")
async def test_liveness_fails_only_for_who_still_leads_long_after_the_lease_ran_out(
    stage: ElectionStage,
) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    elector, other = stage.elector("a"), stage.elector("b")
    verdicts: list[str | None] = []

    async def lead() -> None:
        for seconds in (0, 14, 3):
            loop.jump(seconds)
            verdicts.append(elector.check())

    with pytest.raises(LeadershipLost):
        await elector.run(lead)

    assert verdicts[:2] == [None, None]
    assert "still leading" in (verdicts[2] or "")
    assert elector.check() is None
    assert other.check() is None


@origin(147, "leaderelection.go :: RenewDeadline", "L6, L8")
async def test_a_leader_that_cannot_renew_stops_writing_before_another_may_begin(
    stage: ElectionStage,
) -> None:
    elector = stage.elector("a")
    ended: list[float] = []

    async def lead() -> None:
        await stage.clock.sleep(7)
        stage.api.faults.plan(lambda _request: not ended, ServiceUnavailable(503), times=None)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(stage.clock.monotonic())

    with pytest.raises(LeadershipLost):
        await elector.run(lead)
    last_renewal = 6
    assert ended == [pytest.approx(last_renewal + 10)]
    assert stage.api.get(LEASES, KEY) is not None

    began: list[float] = []

    async def take_over() -> None:
        began.append(stage.clock.monotonic())

    await stage.elector("b").run(take_over)
    assert began[0] >= last_renewal + 15
