"""controller-runtime's manager: what starts before what, and how everything ends."""

import asyncio
from typing import Any

import pytest

from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.leader import LeadershipLost
from registry_operator.runtime.lease import LEASES
from registry_operator.runtime.manager import Manager, StopError
from registry_operator.testing.virtual_loop import VirtualClock
from tests.conformance.origin import origin
from tests.unit.runtime.cache_stage import Stage as CacheStage
from tests.unit.runtime.manager_stage import KEY, BrokenError, Cache, Part, Stage
from tests.unit.runtime.secrets_stage import SECRETS

LEASE = ObjectKey("system", "operator")


@pytest.fixture
def stage(clock: VirtualClock) -> Stage:
    return Stage(clock)


def hold_lease(stage: Stage, holder: str) -> None:
    spec = {"holderIdentity": holder, "leaseDurationSeconds": 15}
    metadata = {"namespace": LEASE.namespace, "name": LEASE.name}
    stage.api.put(LEASES, {"metadata": metadata, "spec": spec})


async def busy(stage: Stage, **options: Any) -> tuple[Manager, asyncio.Task[None]]:
    """A manager in whose one controller a reconcile runs, since 1 s."""
    manager = stage.manager(**options)
    run = asyncio.create_task(manager.run())
    stage.queue.add(KEY)
    await stage.clock.sleep(2)
    assert stage.diary[-1] == "reconcile starts"
    return manager, run


@origin(131, "controller_test :: should error when cache sync timeout occurs", "K7")
async def test_a_cache_that_is_not_synced_in_time_ends_everything_with_an_error(
    stage: Stage,
) -> None:
    with pytest.raises(TimeoutError):
        await stage.manager(caches=[Cache(stage, syncs_in=1000)]).run()

    assert stage.clock.monotonic() == pytest.approx(120)
    assert "server stops, lease of ''" in stage.diary


@origin(
    131,
    "controller_test :: should not error when Start context is cancelled during WaitForSync / "
    "Start() blocking forever",
    "K7",
)
async def test_a_stop_while_caches_are_filled_is_no_error(stage: Stage) -> None:
    manager = stage.manager(caches=[Cache(stage, syncs_in=1000)])
    run = asyncio.create_task(manager.run())
    await stage.clock.sleep(10)
    manager.stop()
    await run

    assert stage.clock.monotonic() == pytest.approx(10)


@origin(139, "controller_test :: the Warmup set", "K10")
async def test_caches_are_filled_while_another_leads_and_work_begins_as_soon_as_we_lead(
    stage: Stage,
) -> None:
    hold_lease(stage, "b")
    stage.queue.add(KEY)
    manager = stage.manager()
    run = asyncio.create_task(manager.run())
    await stage.clock.sleep(10)
    assert stage.health.ready["caches"]() is None
    assert not manager.stats().is_leading
    hold_lease(stage, "")
    await stage.clock.sleep(4.4)
    diary = [*stage.diary]
    manager.stop()
    await run

    assert diary[-3:] == ["cache starts", "cache passes 3", "reconcile starts"]


@origin(139, "controller_test :: sources are started once under concurrent starts", "K8")
async def test_what_is_watched_is_started_once(clock: VirtualClock) -> None:
    stage = CacheStage(clock)
    stage.cache.declare(SECRETS)
    stage.serve(SECRETS, "a")
    async with stage.running():
        await stage.cache.wait_synced()
        with pytest.raises(RuntimeError, match="runs already"):
            await stage.cache.run()

    assert [request.method for request in stage.transport.requests] == ["GET", "GET"]


@origin(144, "manager_test :: should start the cache before starting anything else", "G1")
async def test_the_caches_are_in_memory_before_any_controller_works(stage: Stage) -> None:
    stage.queue.add(KEY)
    manager = stage.manager(caches=[Cache(stage, syncs_in=7), Cache(stage, syncs_in=3)])
    run = asyncio.create_task(manager.run())
    await stage.clock.sleep(9.5)
    assert stage.health.ready["caches"]() is not None
    assert "reconcile starts" not in stage.diary
    await stage.clock.sleep(1)
    assert "reconcile starts" in stage.diary
    manager.stop()
    await run


@origin(
    144, "manager_test :: should cancel the leader election only after all runnables are done", "G2"
)
async def test_the_lease_is_given_back_when_all_work_has_ended(stage: Stage) -> None:
    manager, run = await busy(stage)
    manager.stop()
    await stage.clock.sleep(3.9)
    assert stage.holder == "a"
    await run

    assert stage.diary[4:] == [
        "reconcile starts",
        "reconcile stops",
        "cache stops",
        "helper stops",
        "server stops, lease of ''",
    ]


@origin(144, "manager_test :: should disable gracefulShutdown when stopping to lead", "G3")
async def test_who_loses_the_lease_is_given_no_grace(stage: Stage) -> None:
    stage.takes = 500
    _, run = await busy(stage)
    hold_lease(stage, "b")
    with pytest.raises(LeadershipLost):
        await run

    assert stage.clock.monotonic() < 5
    assert "reconcile stops" in stage.diary


@origin(
    144, "manager_test :: prevent leader election when shutting down a non-elected manager", "G4"
)
async def test_a_stop_while_another_leads_takes_no_lease_and_starts_no_work(stage: Stage) -> None:
    hold_lease(stage, "b")
    stage.queue.add(KEY)
    manager = stage.manager()
    run = asyncio.create_task(manager.run())
    await stage.clock.sleep(5)
    manager.stop()
    hold_lease(stage, "")
    await run

    assert stage.holder == ""
    assert "reconcile starts" not in stage.diary


@origin(144, "manager_test :: refuse to add runnable when stopping", "G4")
async def test_nothing_is_started_by_a_manager_that_was_stopped(stage: Stage) -> None:
    manager = stage.manager()
    manager.stop()
    stage.queue.add(KEY)
    await manager.run()

    assert "reconcile starts" not in stage.diary
    with pytest.raises(RuntimeError, match="runs once"):
        await manager.run()


@origin(144, "manager_test :: grace 0", "G3")
@pytest.mark.parametrize(("grace", "ends"), [(0, 2), (1.5, 3.5)])
async def test_a_run_that_does_not_end_within_the_grace_is_cut_off_and_told(
    stage: Stage, grace: float, ends: float
) -> None:
    stage.takes = 500
    manager, run = await busy(stage, grace=grace)
    manager.stop()
    with pytest.raises(StopError, match="images"):
        await run

    assert stage.clock.monotonic() == pytest.approx(ends)
    assert stage.holder == ""


@origin(144, "manager_test :: should return both runnables and stop errors", "G5")
async def test_what_fails_and_what_fails_while_stopping_are_told_together(stage: Stage) -> None:
    class Stubborn(Part):
        async def run(self) -> None:
            try:
                await super().run()
            except asyncio.CancelledError:
                raise StopError("would not go") from None

    parts = [Part(stage, "helper", fails_at=5), Stubborn(stage, "stubborn")]
    with pytest.raises(ExceptionGroup) as caught:
        await stage.manager(helpers=parts).run()

    assert {type(error) for error in caught.value.exceptions} == {BrokenError, StopError}
