"""kube-rs' runner and applier: how many keys run at once, from when on, and that nothing jams."""

import asyncio

import pytest

from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.controller import Controller
from registry_operator.runtime.outcome import After, Done, Outcome
from registry_operator.testing.virtual_loop import VirtualClock
from tests.conformance.origin import origin
from tests.unit.runtime import manager_stage
from tests.unit.runtime.controller_stage import A, B, Scripted, Stage, running
from tests.unit.runtime.manager_stage import KEY, BrokenError, Cache


@pytest.fixture
def stage(clock: VirtualClock) -> Stage:
    return Stage(clock)


@pytest.fixture
def whole(clock: VirtualClock) -> manager_stage.Stage:
    return manager_stage.Stage(clock)


@origin(54, "controller/runner.rs :: runner_should_never_run_two_instances_at_once", "K1")
async def test_a_key_never_runs_twice_at_once_however_often_it_is_asked_for(stage: Stage) -> None:
    reconcile = Scripted(stage.clock, takes=2)
    controller = stage.controller(reconcile, workers=4)
    async with running(controller):
        for _ in range(10):
            controller.enqueue(A)
            await stage.clock.sleep(0.5)
        await stage.clock.sleep(10)

    assert reconcile.most == 1
    assert reconcile.times == [0, 2, 4, 6]


@origin(55, "controller/runner.rs :: runner_should_wake_when_scheduling_messages", "K1")
async def test_an_idle_worker_wakes_for_what_comes(stage: Stage) -> None:
    reconcile = Scripted(stage.clock)
    controller = stage.controller(reconcile)
    async with running(controller):
        await stage.clock.sleep(1000)
        controller.enqueue(A)
        await stage.clock.sleep(5)
        controller.enqueue(B)
        await stage.clock.sleep(5)

    assert reconcile.runs == [(A, 1000), (B, 1005)]


@origin(
    56,
    "controller/runner.rs :: runner_should_wait_for_readiness / _should_dedupe_while_waiting_for_readiness",
    "K7",
)
async def test_what_is_asked_for_before_the_caches_are_synced_runs_once_when_they_are(
    whole: manager_stage.Stage,
) -> None:
    manager = whole.manager(caches=[Cache(whole, syncs_in=60)])
    run = asyncio.create_task(manager.run())
    for _ in range(10):
        whole.queue.add(KEY)
        await whole.clock.sleep(5)
    assert "reconcile starts" not in whole.diary
    await whole.clock.sleep(50)
    manager.stop()
    await run

    assert whole.diary.count("reconcile starts") == 1


@origin(57, "controller/runner.rs :: runner_should_report_readiness_errors", "K7")
async def test_a_cache_that_fails_before_it_is_synced_is_told_and_nothing_runs(
    whole: manager_stage.Stage,
) -> None:
    whole.queue.add(KEY)
    with pytest.raises(BrokenError, match="cache"):
        await whole.manager(caches=[Cache(whole, syncs_in=60, fails_at=5)]).run()

    assert "reconcile starts" not in whole.diary


@origin(58, "controller/runner.rs :: runner_should_respect_max_concurrent_executions", "K1")
@pytest.mark.parametrize("workers", [1, 2, 7])
async def test_as_many_keys_run_at_once_as_there_are_workers_and_no_more(
    stage: Stage, workers: int
) -> None:
    reconcile = Scripted(stage.clock, takes=1)
    controller = stage.controller(reconcile, workers=workers)
    async with running(controller):
        for number in range(20):
            controller.enqueue(ObjectKey("team-a", str(number)))
        await stage.clock.sleep(30)

    assert (reconcile.most, len(reconcile.runs)) == (workers, 20)


@origin(59, "controller/mod.rs :: applier_must_not_deadlock_if_reschedule_buffer_fills", "K1")
async def test_a_thousand_reconciles_that_ask_for_each_other_and_for_themselves_never_jam(
    stage: Stage,
) -> None:
    keys = [ObjectKey("team-a", str(number)) for number in range(1000)]
    runs = dict.fromkeys(keys, 0)

    async def reconcile(key: ObjectKey) -> Outcome:
        runs[key] += 1
        if runs[key] > 3:
            return Done()
        controller.enqueue(keys[(keys.index(key) + 1) % len(keys)])
        return After(0.001)

    controller: Controller = stage.controller(reconcile, workers=1)
    async with running(controller):
        for key in keys:
            controller.enqueue(key)
        await stage.clock.sleep(10)
        stats = controller.stats()

    assert min(runs.values()) > 3
    assert (stats.queue.ready, stats.queue.delayed, stats.queue.processing) == (0, 0, 0)
