"""client-go's work queue: no key twice at once, none lost, and an end that waits for all."""

import asyncio
import gc
import weakref

import pytest

from registry_operator.runtime.workqueue import QueueClosedError, WorkQueue
from registry_operator.testing.virtual_loop import VirtualClock
from tests.conformance.origin import origin
from tests.conformance.queue_stage import QueueStage


@pytest.fixture
def stage(clock: VirtualClock) -> QueueStage:
    return QueueStage(clock)


@origin(1, "queue_test :: TestBasic", "W5")
async def test_many_producers_and_workers_work_on_every_key_and_never_twice_at_once(
    stage: QueueStage,
) -> None:
    async def produce(number: int) -> None:
        for step in range(50):
            stage.queue.add(f"key-{step}")
            await stage.clock.sleep(0.01 * number)

    workers = [stage.start_worker(seconds=0.003) for _ in range(10)]
    await asyncio.gather(*(produce(number) for number in range(1, 51)))
    await stage.queue.drain()
    await asyncio.gather(*workers)

    assert set(stage.worked) == {f"key-{step}" for step in range(50)}


@origin(2, "queue_test :: TestAddWhileProcessing", "W4")
async def test_adding_again_while_processing_gives_exactly_one_more_pass(stage: QueueStage) -> None:
    worker = stage.start_worker(seconds=1)
    for key in "abc":
        stage.queue.add(key)
    await stage.clock.sleep(0.5)
    stage.queue.add("a")
    await stage.queue.drain()
    await worker

    assert stage.worked == ["a", "b", "c", "a"]


@origin(3, "queue_test :: TestLen", "W6")
async def test_the_length_counts_a_key_once(stage: QueueStage) -> None:
    lengths = []
    for key in ("a", "b", "a"):
        stage.queue.add(key)
        lengths.append(len(stage.queue))

    assert lengths == [1, 2, 2]


@origin(4, "queue_test :: TestReinsert", "W4")
async def test_a_key_added_while_processing_is_returned_again_and_then_the_queue_is_empty(
    stage: QueueStage,
) -> None:
    stage.queue.add("a")
    await stage.take(1)
    stage.queue.add("a")
    stage.queue.done("a")

    assert await stage.take(1) == ["a"]
    stage.queue.done("a")
    assert len(stage.queue) == 0


@origin(5, "queue_test :: TestCollapse", "W2")
async def test_adding_twice_before_anybody_asks_gives_one_run(stage: QueueStage) -> None:
    stage.queue.add("a")
    stage.queue.add("a")
    await stage.run()

    assert len(stage.queue) == 0


@origin(6, "queue_test :: TestCollapseWhileProcessing", "W5")
async def test_many_adds_while_processing_give_one_further_run(stage: QueueStage) -> None:
    worker = stage.start_worker(seconds=10)
    stage.queue.add("a")
    for _ in range(8):
        await stage.clock.sleep(1)
        stage.queue.add("a")
    await stage.queue.drain()
    await worker

    assert stage.worked == ["a", "a"]


@origin(7, "queue_test :: TestQueueDrainageUsingShutDownWithDrain", "W7")
async def test_draining_waits_until_every_key_is_given_back(stage: QueueStage) -> None:
    stage.queue.add("a")
    stage.queue.add("b")
    await stage.take(2)
    draining = asyncio.create_task(stage.queue.drain())
    for key in "ab":
        await stage.clock.sleep(1)
        assert not draining.done()
        stage.queue.done(key)
    await draining

    with pytest.raises(QueueClosedError):
        await stage.queue.get()


@origin(8, "queue_test :: TestNoQueueDrainageUsingShutDown", "W7")
@origin(35, "priorityqueue_test :: TestGetFromPriorityQueueIsUnblockedOnShutdown", "P6")
async def test_a_shutdown_waits_for_nobody_and_frees_who_waits_for_a_key(stage: QueueStage) -> None:
    stage.queue.add("a")
    await stage.take(1)
    waiting = asyncio.create_task(stage.queue.get())
    await stage.clock.sleep(1)
    stage.queue.shutdown()

    with pytest.raises(QueueClosedError):
        await waiting
    assert stage.clock.monotonic() == 1
    assert stage.queue.stats().processing == 1


@origin(9, "queue_test :: TestForceQueueShutdownUsingShutDown", "W7")
async def test_a_shutdown_breaks_a_drain_that_waits_in_vain(stage: QueueStage) -> None:
    stage.queue.add("a")
    await stage.take(1)
    draining = asyncio.create_task(stage.queue.drain())
    await stage.clock.sleep(1)
    stage.queue.shutdown()
    await draining

    assert stage.queue.stats().processing == 1


@origin(10, "queue_test :: TestQueueDrainageUsingShutDownWithDrainWithDirtyItem", "W8")
async def test_draining_hands_out_what_was_added_meanwhile_and_waits_for_it_too(
    stage: QueueStage,
) -> None:
    stage.queue.add("a")
    await stage.take(1)
    stage.queue.add("a")
    draining = asyncio.create_task(stage.queue.drain())
    await stage.clock.sleep(1)
    stage.queue.done("a")
    assert await stage.take(1) == ["a"]
    await stage.clock.sleep(1)
    assert not draining.done()

    stage.queue.done("a")
    await draining


@origin(11, "queue_test :: TestGarbageCollection", "W9")
async def test_a_key_that_is_done_with_can_be_collected(clock: VirtualClock) -> None:
    class Key:
        pass

    queue: WorkQueue[Key] = WorkQueue("keys", clock=clock)
    key = Key()
    reference = weakref.ref(key)
    queue.add(key)
    queue.done(await queue.get())
    del key
    gc.collect()

    assert reference() is None


@origin(12, "delaying_queue_test :: TestSimpleQueue", "D1")
@origin(40, "priorityqueue_test :: TestItemIsOnlyReturnedAfterAfterHasPassed", "P1")
async def test_nothing_comes_before_its_delay_and_nothing_stays_after_its_run(
    stage: QueueStage,
) -> None:
    stage.queue.add("a", after=0.05)
    await stage.clock.sleep(0.049)
    assert len(stage.queue) == 0

    assert await stage.run() == ("a", 0.05)
    await stage.clock.sleep(1)
    assert len(stage.queue) == 0


@origin(13, "delaying_queue_test :: TestDeduping", "D2")
@origin(33, "priorityqueue_test :: retains the lowest after duration", "P1")
@origin(50, "scheduler.rs :: scheduler_dedupe_should_keep_earlier_item", "D2")
@origin(51, "scheduler.rs :: scheduler_dedupe_should_replace_later_item", "D2")
@pytest.mark.parametrize(("first", "second"), [(50, 70), (50, 30)])
async def test_of_two_delays_of_a_key_the_earlier_holds_and_the_later_never_fires(
    stage: QueueStage, first: float, second: float
) -> None:
    stage.queue.add("a", after=first)
    stage.queue.add("a", after=second)

    assert await stage.run() == ("a", min(first, second))
    await stage.clock.sleep(100)
    assert len(stage.queue) == 0


@origin(14, "delaying_queue_test :: TestAddTwoFireEarly", "D2")
async def test_two_delayed_keys_come_each_at_its_own_time(stage: QueueStage) -> None:
    stage.queue.add("late", after=1)
    stage.queue.add("early", after=0.05)

    assert [await stage.run(), await stage.run()] == [("early", 0.05), ("late", 1)]


@origin(15, "delaying_queue_test :: TestCopyShifting", "D2")
@origin(42, "priorityqueue_test :: TestMultipleItemsWithAfterAreReturnedInCorrectOrder", "P3")
@origin(49, "scheduler.rs :: scheduler_should_emit_items_as_requested", "D2")
async def test_delayed_keys_come_in_the_order_of_their_times(stage: QueueStage) -> None:
    for key, delay in (("first", 1), ("second", 0.5), ("third", 0.25)):
        stage.queue.add(key, after=delay)
    await stage.clock.sleep(2)

    assert await stage.take(3) == ["third", "second", "first"]


@origin(21, "rate_limiting_queue_test :: TestRateLimitingQueue", "D4")
async def test_a_rate_limited_key_waits_longer_each_time_until_it_is_forgotten(
    stage: QueueStage,
) -> None:
    waits = [stage.queue.add_rate_limited("a") for _ in range(3)]
    others = [stage.queue.add_rate_limited("b") for _ in range(2)]
    assert stage.queue.stats().delayed == 2
    stage.queue.forget("a")

    assert (waits, others) == ([0.001, 0.002, 0.004], [0.001, 0.002])
    assert stage.queue.add_rate_limited("a") == 0.001
    assert stage.queue.failures("b") == 2


@origin(22, "metrics_test :: TestMetricShutdown", "1.14")
async def test_a_queue_that_is_shut_down_leaves_no_task_to_update_its_metrics(
    stage: QueueStage,
) -> None:
    stage.queue.add("a", after=60)
    stage.queue.add("b")
    await stage.take(1)
    stage.queue.shutdown()
    await stage.clock.sleep(5)

    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert stage.queue.stats().delayed == 0
    assert stage.sample("unfinished_work_seconds") == 5


@origin(23, "metrics_test :: TestMetrics", "1.14")
async def test_metrics_tell_depth_adds_waiting_and_working_time_of_each_cycle(
    stage: QueueStage,
) -> None:
    for cycle in (1, 2):
        stage.queue.add("a")
        assert (stage.sample("adds_total"), stage.depth()) == (cycle, {"0": 1})
        await stage.clock.sleep(0.5)
        await stage.take(1)
        await stage.clock.sleep(0.25)
        assert stage.depth() == {}
        assert stage.sample("unfinished_work_seconds") == 0.25
        assert stage.sample("longest_running_processor_seconds") == 0.25
        stage.queue.done("a")

        assert stage.sample("queue_duration_seconds_sum") == 0.5 * cycle
        assert stage.sample("work_duration_seconds_sum") == 0.25 * cycle
        assert stage.sample("work_duration_seconds_count") == cycle
        assert stage.sample("unfinished_work_seconds") == 0
