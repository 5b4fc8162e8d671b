"""controller-runtime's rules for one controller (framework.md 1.10, P7)."""

import asyncio

import pytest
import structlog
from structlog.testing import capture_logs

from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.outcome import After, Blocked, Done, Outcome, Stalled
from registry_operator.runtime.workqueue import Priority
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.runtime.controller_stage import (
    CONFLICT,
    A,
    B,
    Scripted,
    Stage,
    a_store,
    a_widget,
    by_label,
    running,
)


@pytest.fixture
def stage(clock: VirtualClock) -> Stage:
    return Stage(clock)


async def test_a_key_runs_once_at_a_time_and_again_when_asked_meanwhile(stage: Stage) -> None:
    reconcile = Scripted(stage.clock, takes=2)
    controller = stage.controller(reconcile)
    async with running(controller):
        controller.enqueue(A)
        await stage.clock.sleep(1)
        controller.enqueue(A)
        controller.enqueue(A)
        await stage.clock.sleep(10)

    assert reconcile.times == [0, 2]


async def test_no_more_keys_run_than_there_are_workers(stage: Stage) -> None:
    reconcile = Scripted(stage.clock, takes=1)
    controller = stage.controller(reconcile, workers=3)
    async with running(controller):
        for number in range(9):
            controller.enqueue(ObjectKey("team-a", str(number)))
        await stage.clock.sleep(0.5)
        stats = controller.stats()
        assert (stats.active, stats.workers, stats.queue.ready) == (3, 3, 6)
        assert stage.sample("active_workers") == 3
        await stage.clock.sleep(10)

    assert reconcile.most == 3
    assert len(reconcile.runs) == 9
    assert stage.sample("max_concurrent_reconciles") == 3
    assert stage.sample("active_workers") == 0
    assert controller.stats().reconciles == 9


async def test_an_exception_means_again_with_growing_delay(stage: Stage) -> None:
    reconcile = Scripted(stage.clock, CONFLICT, CONFLICT, CONFLICT)
    controller = stage.controller(reconcile)
    async with running(controller):
        controller.enqueue(A)
        await stage.clock.sleep(10)

    assert reconcile.times == [0, 0.005, 0.015, 0.035]
    assert stage.queue.failures(A) == 0
    assert stage.sample("reconcile_errors_total") == 3
    assert stage.sample("reconcile_total", result="error") == 3
    assert stage.sample("reconcile_total", result="success") == 1
    assert stage.sample("reconcile_panics_total") == 0
    assert stage.sample("reconcile_time_seconds_count") == 4
    assert controller.stats().errors == 3


async def test_a_known_error_is_logged_without_and_a_bug_with_its_traceback(stage: Stage) -> None:
    bug = ZeroDivisionError("a bug")
    controller = stage.controller(Scripted(stage.clock, CONFLICT, bug))
    with capture_logs() as logs:
        async with running(controller):
            controller.enqueue(A)
            await stage.clock.sleep(1)

    known, unforeseen, fine = logs
    assert known["event"] == "reconcile failed"
    assert (known["log_level"], known["failures"], known["retry_in"]) == ("error", 1, 0.005)
    assert "exc_info" not in known
    assert unforeseen["event"] == "reconcile raised"
    assert unforeseen["exc_info"] is bug
    assert fine == {"event": "reconciled", "log_level": "debug", "outcome": "Done", "reason": ""}
    assert stage.sample("reconcile_panics_total") == 1


async def test_after_runs_again_later_and_ends_the_back_off(stage: Stage) -> None:
    reconcile = Scripted(stage.clock, CONFLICT, After(60, "QuotaExceeded"), CONFLICT)
    controller = stage.controller(reconcile)
    async with running(controller):
        controller.enqueue(A)
        await stage.clock.sleep(100)

    assert reconcile.times == [0, 0.005, 60.005, 60.01]
    assert stage.sample("reconcile_total", result="requeue_after") == 1
    outcomes = stage.metrics.registry.get_sample_value(
        "registry_operator_reconcile_outcomes_total",
        {"controller": "images", "outcome": "After", "reason": "QuotaExceeded"},
    )
    assert outcomes == 1


async def test_an_event_does_not_wait_for_a_pending_after(stage: Stage) -> None:
    reconcile = Scripted(stage.clock, After(60))
    controller = stage.controller(reconcile)
    async with running(controller):
        controller.enqueue(A)
        await stage.clock.sleep(10)
        controller.enqueue(A)
        await stage.clock.sleep(100)

    assert reconcile.times == [0, 10]


@pytest.mark.parametrize("answer", [Done(), Blocked("BucketNotReady", ""), Stalled("TwoKinds", "")])
async def test_what_waits_for_an_event_does_not_come_again_by_itself(
    stage: Stage, answer: Outcome
) -> None:
    reconcile = Scripted(stage.clock, CONFLICT, answer)
    controller = stage.controller(reconcile)
    async with running(controller):
        controller.enqueue(A)
        await stage.clock.sleep(5000)

    assert len(reconcile.runs) == 2
    assert stage.queue.failures(A) == 0
    assert stage.sample("reconcile_total", result="success") == 1
    terminal = stage.sample("terminal_reconcile_errors_total")
    assert terminal == (1 if isinstance(answer, Stalled) else 0)


async def test_a_run_beyond_its_time_is_cut_off_and_tried_again(stage: Stage) -> None:
    reconcile = Scripted(stage.clock, takes=100)
    controller = stage.controller(reconcile, timeout=10)
    with capture_logs() as logs:
        run = asyncio.create_task(controller.run())
        controller.enqueue(A)
        await stage.clock.sleep(15)
        run.cancel()
        await asyncio.wait({run})

    assert reconcile.times == [0, 10.005]
    assert [line["event"] for line in logs] == [
        "reconcile is slow",
        "reconcile timed out",
        "reconcile abandoned",
    ]
    assert stage.sample("reconcile_timeouts_total") == 1
    assert stage.sample("reconcile_panics_total") == 0


async def test_a_timeout_of_the_reconciler_itself_is_not_ours(stage: Stage) -> None:
    controller = stage.controller(Scripted(stage.clock, TimeoutError("theirs")))
    async with running(controller):
        controller.enqueue(A)
        await stage.clock.sleep(1)

    assert stage.sample("reconcile_timeouts_total") == 0
    assert stage.sample("reconcile_errors_total") == 1


@pytest.mark.parametrize("answer", [CONFLICT, After(1)])
async def test_a_key_comes_again_in_its_own_class(
    stage: Stage, answer: Outcome | Exception
) -> None:
    seen: list[Priority] = []

    async def reconcile(key: ObjectKey) -> Outcome:
        seen.append(stage.queue.priority(key))
        if len(seen) > 1:
            return Done()
        if isinstance(answer, Exception):
            raise answer
        return answer

    controller = stage.controller(reconcile)
    async with running(controller):
        controller.enqueue(A, priority=Priority.LOW, after=3)
        await stage.clock.sleep(10)

    assert seen == [Priority.LOW, Priority.LOW]


async def test_a_change_concerns_the_owner_before_and_the_owner_after(stage: Stage) -> None:
    store, writer = a_store()
    reconcile = Scripted(stage.clock)
    controller = stage.controller(reconcile)
    controller.watch(store, by_label)
    async with running(controller):
        await stage.clock.sleep(1)
        writer.upsert(a_widget("w", 1, owner="one"))
        writer.upsert(a_widget("w", 2, owner="two"))
        writer.upsert(a_widget("w", 3))
        writer.upsert(a_widget("w", 4, owner="three"))
        writer.remove(a_widget("w", 5, owner="three"))
        await stage.clock.sleep(1)

    assert [key.name for key, _ in reconcile.runs] == ["one", "two", "three"]


async def test_the_initial_list_and_resyncs_come_after_fresh_changes(stage: Stage) -> None:
    store, writer = a_store()
    reconcile = Scripted(stage.clock, takes=1)
    controller = stage.controller(reconcile, workers=1)
    controller.watch(store, by_label)
    writer.replace([a_widget("v", 1, owner="old"), a_widget("w", 2, owner="older")], "2")
    async with running(controller):
        await stage.clock.sleep(0.5)
        writer.upsert(a_widget("x", 3, owner="fresh"))
        await stage.clock.sleep(5)
        store.resync()
        controller.enqueue(A)
        await stage.clock.sleep(10)

    names = [key.name for key, _ in reconcile.runs]
    assert names[:3] == ["old", "fresh", "older"]
    assert reconcile.runs[3][0] == A
    assert sorted(names[4:]) == ["fresh", "old", "older"]


async def test_a_controller_that_starts_over_thousands_of_objects_gives_others_their_turns(
    stage: Stage,
) -> None:
    store, writer = a_store()
    writer.replace([a_widget(f"w{number}", 1, owner="one") for number in range(2000)], "2")
    controller = stage.controller(Scripted(stage.clock))
    controller.watch(store, by_label)
    turns = 0
    async with running(controller):
        while not controller.stats().reconciles:
            turns += 1
            await asyncio.sleep(0)

    assert turns > 20


async def test_a_controller_that_does_not_run_yet_notes_no_key_of_what_it_watches(
    stage: Stage,
) -> None:
    """As on a standby, which would remember every owner that ever was."""
    store, writer = a_store()
    reconcile = Scripted(stage.clock)
    controller = stage.controller(reconcile)
    controller.watch(store, by_label)
    writer.replace([a_widget("w", 1, owner="there")], "1")
    writer.upsert(a_widget("x", 2, owner="gone"))
    writer.remove(a_widget("x", 3, owner="gone"))
    assert controller.stats().queue.ready == 0
    async with running(controller):
        await stage.clock.sleep(1)

    assert [key.name for key, _ in reconcile.runs] == ["there"]


async def test_a_watch_can_pass_over_changes_and_gather_what_comes_together(stage: Stage) -> None:
    store, writer = a_store()
    reconcile = Scripted(stage.clock)
    controller = stage.controller(reconcile)
    controller.watch(store, by_label, when=lambda change: change.old is None, after=2)
    async with running(controller):
        writer.upsert(a_widget("w", 1, owner="one"))
        await stage.clock.sleep(1)
        writer.upsert(a_widget("x", 2, owner="one"))
        writer.upsert(a_widget("w", 3, owner="passed-over"))
        await stage.clock.sleep(10)

    assert [(key.name, when) for key, when in reconcile.runs] == [("one", 2)]


async def test_draining_lets_runs_end_and_drops_what_waits(stage: Stage) -> None:
    reconcile = Scripted(stage.clock, takes=5)
    controller = stage.controller(reconcile, workers=1)
    run = asyncio.create_task(controller.run())
    controller.enqueue(A)
    controller.enqueue(B)
    await stage.clock.sleep(1)
    await controller.drain(30)
    await run

    assert [key for key, _ in reconcile.runs] == [A]
    assert stage.clock.monotonic() == pytest.approx(5)


async def test_draining_gives_up_at_the_end_of_the_grace(stage: Stage) -> None:
    controller = stage.controller(Scripted(stage.clock, takes=50))
    run = asyncio.create_task(controller.run())
    controller.enqueue(A)
    await stage.clock.sleep(1)
    with pytest.raises(TimeoutError):
        await controller.drain(30)

    assert stage.clock.monotonic() == pytest.approx(31)
    run.cancel()
    await asyncio.wait({run})
    assert run.cancelled()


async def test_a_run_that_is_cut_off_is_told_with_its_key(stage: Stage) -> None:
    controller = stage.controller(Scripted(stage.clock, takes=50))
    with capture_logs([structlog.contextvars.merge_contextvars]) as logs:
        run = asyncio.create_task(controller.run())
        controller.enqueue(A)
        await stage.clock.sleep(20)
        run.cancel()
        await asyncio.wait({run})

    (line,) = logs
    assert (line["event"], line["key"], line["seconds"]) == ("reconcile abandoned", str(A), 20)


async def test_a_controller_runs_only_once(stage: Stage) -> None:
    controller = stage.controller(Scripted(stage.clock))
    async with running(controller):
        await stage.clock.sleep(1)

    with pytest.raises(RuntimeError, match="was started before"):
        await controller.run()
    assert repr(controller) == "Controller('images', workers=4, active=0)"


async def test_draining_a_controller_that_never_ran_returns_at_once(stage: Stage) -> None:
    await stage.controller(Scripted(stage.clock)).drain(30)

    assert stage.clock.monotonic() == 0
