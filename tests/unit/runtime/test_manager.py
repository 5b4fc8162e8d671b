"""The order of starting and stopping (framework.md 1.12)."""

import asyncio

import pytest

from registry_operator.kube.object import Object
from registry_operator.runtime.leader import LeadershipLost
from registry_operator.runtime.lease import LEASES
from registry_operator.runtime.manager import StopError
from registry_operator.runtime.recorder import EVENTS
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.runtime.manager_stage import KEY, BrokenError, Cache, Part, Stage

OWNER = Object.of({"apiVersion": "v1", "kind": "Registry", "metadata": {"name": "r", "uid": "1"}})


@pytest.fixture
def stage(clock: VirtualClock) -> Stage:
    return Stage(clock)


async def test_parts_start_in_the_order_of_the_data_and_stop_in_reverse(stage: Stage) -> None:
    manager = stage.manager()
    run = asyncio.create_task(manager.run())
    stage.queue.add(KEY)
    await stage.clock.sleep(3)
    assert manager.stats().is_leading
    assert stage.holder == "a"
    manager.stop()
    assert manager.stats().is_stopping
    await run

    assert stage.diary == [
        "server starts",
        "helper starts",
        "cache starts",
        "cache passes 2",
        "reconcile starts",
        "reconcile stops",
        "cache stops",
        "helper stops",
        "server stops, lease of ''",
    ]
    assert stage.clock.monotonic() == pytest.approx(6)
    assert manager.stats().controllers["images"].reconciles == 1
    assert not manager.stats().is_leading


async def test_a_stop_while_caches_catch_up_starts_no_controller(stage: Stage) -> None:
    class Behind(Cache):
        async def catch_up(self, resource_version: str, timeout: float | None = None) -> None:  # noqa: ASYNC109
            await super().catch_up(resource_version)
            async with asyncio.timeout(timeout):
                await asyncio.Event().wait()

    manager = stage.manager(caches=[Behind(stage)])
    run = asyncio.create_task(manager.run())
    stage.queue.add(KEY)
    await stage.clock.sleep(60)
    assert stage.holder == "a"
    assert not manager.stats().is_leading
    manager.stop()
    await run

    assert "reconcile starts" not in stage.diary
    assert stage.holder == ""


async def test_whoever_cannot_catch_up_gives_the_lease_back_and_ends(stage: Stage) -> None:
    class Behind(Cache):
        async def catch_up(self, resource_version: str, timeout: float | None = None) -> None:  # noqa: ASYNC109
            async with asyncio.timeout(timeout):
                await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await stage.manager(caches=[Behind(stage)]).run()

    assert stage.clock.monotonic() == pytest.approx(121, abs=1)
    assert stage.holder == ""


async def test_without_an_elector_controllers_start_with_the_caches(stage: Stage) -> None:
    manager = stage.manager(elector=None, recorder=None, server=None, helpers=[])
    run = asyncio.create_task(manager.run())
    stage.queue.add(KEY)
    await stage.clock.sleep(1.5)
    assert stage.diary == ["cache starts", "reconcile starts"]
    manager.stop()
    await run

    assert stage.holder == ""


async def test_ready_only_when_caches_are_synced(stage: Stage) -> None:
    manager = stage.manager()
    run = asyncio.create_task(manager.run())
    await stage.clock.sleep(0.5)
    assert stage.health.ready["caches"]() == "not in memory: secrets"
    await stage.clock.sleep(1)

    assert stage.health.ready["caches"]() is None
    assert stage.health.live["leader-election"]() is None
    manager.stop()
    await run


async def test_a_stop_before_the_caches_are_synced_starts_no_controller(stage: Stage) -> None:
    manager = stage.manager(caches=[Cache(stage, syncs_in=100)])
    run = asyncio.create_task(manager.run())
    stage.queue.add(KEY)
    await stage.clock.sleep(10)
    manager.stop()
    await run

    assert stage.clock.monotonic() == pytest.approx(10)
    assert "reconcile starts" not in stage.diary
    assert stage.holder == ""


async def test_a_stop_while_waiting_for_the_lease_starts_no_controller(stage: Stage) -> None:
    stage.api.put(
        LEASES,
        {
            "metadata": {"namespace": "system", "name": "operator"},
            "spec": {"holderIdentity": "b", "leaseDurationSeconds": 3600},
        },
    )
    manager = stage.manager()
    run = asyncio.create_task(manager.run())
    stage.queue.add(KEY)
    await stage.clock.sleep(60)
    assert stage.health.ready["caches"]() is None
    manager.stop()
    await run

    assert "reconcile starts" not in stage.diary
    assert stage.holder == "b"


async def test_a_stop_at_the_very_moment_of_leading_starts_no_controller(stage: Stage) -> None:
    manager = stage.manager(caches=[])
    stage.queue.add(KEY)
    stage.api.faults.policy = lambda request: manager.stop() if request.method == "POST" else None
    await manager.run()

    assert "reconcile starts" not in stage.diary
    assert stage.holder == ""


async def test_work_beyond_the_grace_is_cut_off_and_told(stage: Stage) -> None:
    stage.takes = 50
    manager = stage.manager(grace=10)
    run = asyncio.create_task(manager.run())
    stage.queue.add(KEY)
    await stage.clock.sleep(2)
    manager.stop()
    with pytest.raises(StopError, match="images"):
        await run

    assert stage.clock.monotonic() == pytest.approx(12)
    assert stage.diary[-1] == "server stops, lease of ''"


async def test_a_second_stop_does_not_wait(stage: Stage) -> None:
    stage.takes = 50
    manager = stage.manager()
    run = asyncio.create_task(manager.run())
    stage.queue.add(KEY)
    await stage.clock.sleep(2)
    manager.stop()
    await stage.clock.sleep(3)
    manager.stop()
    with pytest.raises(StopError):
        await run

    assert stage.clock.monotonic() == pytest.approx(5)
    assert "reconcile stops" in stage.diary
    assert stage.holder == ""


async def test_losing_the_lease_ends_everything(stage: Stage) -> None:
    stage.takes = 500
    manager = stage.manager()
    run = asyncio.create_task(manager.run())
    stage.queue.add(KEY)
    await stage.clock.sleep(2)
    stage.hand_over("b")
    with pytest.raises(LeadershipLost, match="b holds"):
        await run

    assert stage.clock.monotonic() < 5
    assert stage.diary[-1] == "server stops, lease of 'b'"


async def test_the_first_part_that_fails_stops_all_and_is_told_plainly(stage: Stage) -> None:
    manager = stage.manager(helpers=[Part(stage, "helper", fails_at=20)])
    with pytest.raises(BrokenError, match="helper"):
        await manager.run()

    assert "cache stops" in stage.diary
    assert stage.holder == ""


async def test_what_fails_together_is_told_together(stage: Stage) -> None:
    parts = [Part(stage, "one", fails_at=20), Part(stage, "two", fails_at=20)]
    with pytest.raises(ExceptionGroup) as caught:
        await stage.manager(helpers=parts).run()

    assert sorted(str(error) for error in caught.value.exceptions) == ["one", "two"]


async def test_a_part_that_ends_by_itself_has_failed(stage: Stage) -> None:
    class Quitter:
        async def run(self) -> None:
            await stage.clock.sleep(1)

        def __repr__(self) -> str:
            return "Quitter"

    with pytest.raises(RuntimeError, match="Quitter ended by itself"):
        await stage.manager(helpers=[Quitter()]).run()


async def test_caches_that_do_not_sync_in_time_are_fatal(stage: Stage) -> None:
    with pytest.raises(TimeoutError):
        await stage.manager(caches=[Cache(stage, syncs_in=1000)]).run()

    assert stage.clock.monotonic() == pytest.approx(120)


async def test_being_cancelled_is_no_error_of_the_parts(stage: Stage) -> None:
    run = asyncio.create_task(stage.manager().run())
    stage.queue.add(KEY)
    await stage.clock.sleep(2)
    run.cancel()
    await asyncio.wait({run})

    assert run.cancelled()
    assert stage.diary[-3:] == ["cache stops", "helper stops", "server stops, lease of ''"]


async def test_the_last_events_are_written_while_stopping(stage: Stage) -> None:
    manager = stage.manager()
    run = asyncio.create_task(manager.run())
    await stage.clock.sleep(2)
    stage.api.latency = 0.5
    manager.stop()
    stage.recorder.event(OWNER, "Normal", "Stopping", "the operator stops")
    await run

    assert [event["reason"] for event in stage.api.objects(EVENTS)] == ["Stopping"]


async def test_the_last_events_are_written_before_the_lease_is_given_back(stage: Stage) -> None:
    stage.when_cut_off = lambda: stage.recorder.event(OWNER, "Normal", "Stopping", "cut off")
    manager = stage.manager(grace=1)
    run = asyncio.create_task(manager.run())
    stage.queue.add(KEY)
    await stage.clock.sleep(2)
    manager.stop()
    with pytest.raises(StopError):
        await run

    writes = [request.method for request in stage.api.requests if request.method != "GET"]
    assert writes[-2:] == ["POST", "PUT"]
    assert [event["reason"] for event in stage.api.objects(EVENTS)] == ["Stopping"]
    assert stage.holder == ""


async def test_a_process_that_lost_its_lease_tells_no_events_any_more(stage: Stage) -> None:
    stage.when_cut_off = lambda: stage.recorder.event(OWNER, "Normal", "Stopping", "cut off")
    stage.takes = 500
    run = asyncio.create_task(stage.manager().run())
    stage.queue.add(KEY)
    await stage.clock.sleep(2)
    stage.hand_over("b")
    with pytest.raises(LeadershipLost, match="b holds"):
        await run

    assert "reconcile stops" in stage.diary
    assert stage.api.objects(EVENTS) == []
    dropped = stage.metrics.registry.get_sample_value(
        "registry_operator_events_dropped_total", {"reason": "not-leading"}
    )
    assert dropped == 1


async def test_a_manager_runs_only_once(stage: Stage) -> None:
    manager = stage.manager()
    manager.stop()
    await manager.run()

    with pytest.raises(RuntimeError, match="runs once"):
        await manager.run()


async def test_two_controllers_of_one_name_are_refused(stage: Stage) -> None:
    with pytest.raises(ValueError, match="one name"):
        stage.manager(controllers=[stage.controller, stage.controller])
