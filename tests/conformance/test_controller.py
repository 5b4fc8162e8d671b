"""controller-runtime's controller: what an answer leads to, what a failure costs, when work begins."""

import asyncio

import pytest
from structlog.testing import capture_logs

from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.operator import Operator
from registry_operator.runtime.outcome import After, Blocked, Done, Outcome, Stalled
from registry_operator.runtime.workqueue import Priority
from registry_operator.testing.virtual_loop import VirtualClock
from tests.conformance.origin import origin
from tests.operator_stage import OperatorStage
from tests.unit.runtime.controller_stage import (
    CONFLICT,
    WIDGETS,
    A,
    B,
    Scripted,
    Stage,
    a_store,
    a_widget,
    by_label,
    running,
)

BUG = ZeroDivisionError("a bug")


@pytest.fixture
def stage(clock: VirtualClock) -> Stage:
    return Stage(clock)


@origin(129, "controller_test :: should recover panic if RecoverPanic is true by default", "K4")
async def test_a_reconcile_that_raises_is_logged_counted_and_tried_again(stage: Stage) -> None:
    reconcile = Scripted(stage.clock, BUG)
    controller = stage.controller(reconcile)
    with capture_logs() as logs:
        async with running(controller):
            controller.enqueue(A)
            await stage.clock.sleep(1)

    assert [key for key, _ in reconcile.runs] == [A, A]
    assert stage.sample("reconcile_panics_total") == 1
    assert stage.sample("reconcile_errors_total") == 1
    assert logs[0]["exc_info"] is BUG


@origin(130, "controller_test :: should time out if ReconciliationTimeout is set", "K5")
@pytest.mark.parametrize(("takes", "timeouts"), [(1, 0), (30, 1)])
async def test_a_run_is_cut_off_at_its_time_limit_and_only_then(
    stage: Stage, takes: float, timeouts: int
) -> None:
    reconcile = Scripted(stage.clock, takes=takes)
    controller = stage.controller(reconcile, timeout=10)
    async with running(controller):
        controller.enqueue(A)
        await stage.clock.sleep(10.004)

    assert len(reconcile.runs) == 1
    assert stage.sample("reconcile_timeouts_total") == timeouts
    assert stage.sample("reconcile_total", result="error") == timeouts


@origin(130, "controller_test :: metric: user cancels the context", "K5")
async def test_a_timeout_that_a_reconcile_raises_itself_is_counted_as_its_error_alone(
    stage: Stage,
) -> None:
    controller = stage.controller(Scripted(stage.clock, TimeoutError("theirs")), timeout=10)
    async with running(controller):
        controller.enqueue(A)
        await stage.clock.sleep(1)

    assert stage.sample("reconcile_timeouts_total") == 0
    assert stage.sample("reconcile_errors_total") == 1


@origin(130, "controller_test :: metric: many timeouts", "K5")
async def test_each_run_beyond_its_limit_counts_as_a_timeout(stage: Stage) -> None:
    controller = stage.controller(Scripted(stage.clock, takes=30), timeout=10)
    run = asyncio.create_task(controller.run())
    controller.enqueue(A)
    await stage.clock.sleep(35)
    run.cancel()
    await asyncio.wait({run})

    assert stage.sample("reconcile_timeouts_total") == 3


@origin(130, "controller_test :: metric: parent context cancelled", "K5")
async def test_being_stopped_counts_neither_as_timeout_nor_as_error(stage: Stage) -> None:
    controller = stage.controller(Scripted(stage.clock, takes=30), timeout=60)
    run = asyncio.create_task(controller.run())
    controller.enqueue(A)
    await stage.clock.sleep(5)
    run.cancel()
    await asyncio.wait({run})

    assert run.cancelled()
    assert stage.sample("reconcile_timeouts_total") == 0
    assert stage.sample("reconcile_errors_total") == 0


@origin(
    132,
    "controller_test :: should not call Reconcile until all event handlers have processed initial objects",
    "K7, I4",
)
async def test_nothing_is_reconciled_before_all_objects_are_in_memory_and_mapped(
    clock: VirtualClock,
) -> None:
    seen: list[tuple[int, int]] = []

    def install(operator: Operator) -> None:
        store = operator.cache.declare(WIDGETS)

        async def reconcile(_key: ObjectKey) -> Outcome:
            stats = controller.stats()
            seen.append((len(store.list()), stats.queue.ready + stats.active))
            return Done()

        controller = operator.controller("widgets", reconcile)
        controller.watch(store, lambda widget: [widget.key])

    stage = OperatorStage(clock, [WIDGETS], install)
    stage.api.latency = 1.5
    for number in range(50):
        stage.api.put(WIDGETS, a_widget(f"w{number}", 1).body())
    async with stage.running():
        await stage.settle()

    assert seen[0] == (50, 50)
    assert len(seen) == 50


@origin(133, "controller_test :: should requeue a Request if there is an error", "K2")
async def test_a_failed_key_comes_again_and_the_others_do_not_wait_for_it(stage: Stage) -> None:
    reconcile = Scripted(stage.clock, CONFLICT)
    controller = stage.controller(reconcile, workers=1)
    async with running(controller):
        controller.enqueue(A)
        controller.enqueue(B)
        await stage.clock.sleep(1)

    assert [key for key, _ in reconcile.runs] == [A, B, A]


@origin(133, "controller_test :: should not requeue a Request on a terminal error", "K2")
async def test_what_only_the_user_can_mend_is_not_tried_again(stage: Stage) -> None:
    reconcile = Scripted(stage.clock, Stalled("TwoStorages", "name one"))
    controller = stage.controller(reconcile)
    async with running(controller):
        controller.enqueue(A)
        await stage.clock.sleep(10_000)

    assert len(reconcile.runs) == 1
    assert stage.sample("terminal_reconcile_errors_total") == 1


@origin(134, "controller_test :: should not reset backoff until there's a non-error result", "K3")
@pytest.mark.parametrize("answer", [Done(), After(1), Blocked("BucketNotReady", "")])
async def test_the_back_off_grows_until_a_run_does_not_fail(stage: Stage, answer: Outcome) -> None:
    reconcile = Scripted(stage.clock, CONFLICT, CONFLICT, CONFLICT, answer)
    controller = stage.controller(reconcile)
    async with running(controller):
        controller.enqueue(A)
        await stage.clock.sleep(0.02)
        failures = stage.queue.failures(A)
        await stage.clock.sleep(5)

    assert reconcile.times[:4] == [0, 0.005, 0.015, 0.035]
    assert (failures, stage.queue.failures(A)) == (3, 0)


@origin(
    135, "controller_test :: should requeue after a duration if the Result sets RequeueAfter", "K2"
)
async def test_a_run_that_asks_for_a_delay_comes_then_without_any_back_off(stage: Stage) -> None:
    reconcile = Scripted(stage.clock, CONFLICT, After(60), After(60), CONFLICT)
    controller = stage.controller(reconcile)
    async with running(controller):
        controller.enqueue(A)
        await stage.clock.sleep(200)

    assert reconcile.times == [0, 0.005, 60.005, 120.005, 120.01]


@origin(136, "controller_test :: should perform error behavior regardless of RequeueAfter", "K3")
async def test_an_error_has_its_back_off_whatever_delay_the_run_asked_for_besides(
    stage: Stage,
) -> None:
    times: list[float] = []

    async def reconcile(key: ObjectKey) -> Outcome:
        times.append(round(stage.clock.monotonic(), 3))
        controller.enqueue(key, after=60)
        if len(times) < 3:
            raise CONFLICT
        return Done()

    controller = stage.controller(reconcile)
    async with running(controller):
        controller.enqueue(A)
        await stage.clock.sleep(50)

    assert times == [0, 0.005, 0.015]


@origin(
    137, "controller_test :: should retain the priority on requeue, RequeueAfter and error", "P7"
)
@pytest.mark.parametrize("answer", [CONFLICT, After(1)])
@pytest.mark.parametrize("priority", [Priority.LOW, Priority.HIGH])
async def test_a_key_comes_again_in_the_class_that_it_came_in(
    stage: Stage, answer: Outcome | Exception, priority: Priority
) -> None:
    seen: list[Priority] = []
    answers = [answer, Done()]

    async def reconcile(key: ObjectKey) -> Outcome:
        seen.append(stage.queue.priority(key))
        said = answers.pop(0)
        if isinstance(said, Exception):
            raise said
        return said

    controller = stage.controller(reconcile)
    async with running(controller):
        controller.enqueue(A, priority=priority)
        await stage.clock.sleep(10)

    assert seen == [priority, priority]


@origin(138, "controller_test :: reconcile_total and the time histogram", "1.14")
@pytest.mark.parametrize(
    ("answer", "result"),
    [(Done(), "success"), (After(5000), "requeue_after"), (CONFLICT, "error")],
)
async def test_every_run_is_counted_by_its_result_and_timed(
    stage: Stage, answer: Outcome | Exception, result: str
) -> None:
    controller = stage.controller(Scripted(stage.clock, answer, takes=3))
    assert stage.sample("reconcile_total", result=result) == 0
    async with running(controller):
        controller.enqueue(A)
        await stage.clock.sleep(3.001)

    assert stage.sample("reconcile_total", result=result) == 1
    assert stage.sample("reconcile_time_seconds_sum") == pytest.approx(3)


@origin(139, "controller_test :: should return an error if it gets started more than once", "K8")
async def test_a_controller_is_started_once(stage: Stage) -> None:
    controller = stage.controller(Scripted(stage.clock))
    async with running(controller):
        await stage.clock.sleep(1)
        with pytest.raises(RuntimeError, match="was started before"):
            await controller.run()


@origin(
    141, "eventhandler_test :: lower priority for initial list create and unchanged-RV update", "P7"
)
async def test_the_first_list_and_resyncs_come_after_what_users_change(stage: Stage) -> None:
    store, writer = a_store()
    reconcile = Scripted(stage.clock, takes=1)
    controller = stage.controller(reconcile, workers=1)
    controller.watch(store, by_label)
    writer.replace([a_widget("one", 1, owner="one"), a_widget("two", 2, owner="two")], "2")
    async with running(controller):
        await stage.clock.sleep(0.5)
        writer.upsert(a_widget("made", 3, owner="made"))
        await stage.clock.sleep(5)
        store.resync()
        writer.upsert(a_widget("made", 4, owner="changed"))
        await stage.clock.sleep(10)

    order = [key.name for key, _ in reconcile.runs]
    assert order == ["one", "made", "two", "made", "changed", "one", "two"]
