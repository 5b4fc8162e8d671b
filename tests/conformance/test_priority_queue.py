"""controller-runtime's priority queue: who comes first, and what raising and delaying do to that."""

import asyncio
import random

import pytest

from registry_operator.runtime.workqueue import Priority, QueueClosedError
from registry_operator.testing.virtual_loop import VirtualClock
from tests.conformance.origin import origin
from tests.conformance.queue_stage import QueueStage

LOW, NORMAL, HIGH = Priority.LOW, Priority.NORMAL, Priority.HIGH


@pytest.fixture
def stage(clock: VirtualClock) -> QueueStage:
    return QueueStage(clock)


@origin(24, "priorityqueue_test :: returns items in order", "P2")
async def test_keys_of_one_priority_come_in_the_order_of_adding(stage: QueueStage) -> None:
    for key in "cab":
        stage.queue.add(key)

    assert await stage.take(3) == ["c", "a", "b"]
    assert stage.sample("adds_total") == 3


@origin(25, "priorityqueue_test :: doesn't return an item that is currently locked", "P4")
@origin(26, "priorityqueue_test :: returns an item as soon as its unlocked", "P4")
@origin(28, "priorityqueue_test :: enqueues a locked item", "P4")
@origin(46, "scheduler.rs :: scheduler_should_hold_and_release_items", "D9")
async def test_a_key_in_processing_is_held_back_until_done_and_then_comes_at_once(
    stage: QueueStage,
) -> None:
    stage.queue.add("a")
    await stage.take(1)
    stage.queue.add("a")
    waiting = asyncio.create_task(stage.run())
    await stage.clock.sleep(3)
    assert not waiting.done()

    stage.queue.done("a")

    assert await waiting == ("a", 3)


@origin(48, "scheduler.rs :: scheduler_pending_message_should_not_block_head_of_line", "D9, P4")
async def test_a_key_that_is_held_back_does_not_block_those_behind_it(stage: QueueStage) -> None:
    stage.queue.add("a")
    await stage.take(1)
    stage.queue.add("a", priority=HIGH)
    stage.queue.add("b", priority=LOW)

    assert await stage.take(1) == ["b"]


@origin(27, "priorityqueue_test :: de-duplicates items", "P1")
async def test_a_key_added_twice_waits_once_and_is_counted_once(stage: QueueStage) -> None:
    stage.queue.add("a")
    stage.queue.add("a")

    assert len(stage.queue) == stage.sample("adds_total") == 1
    assert stage.depth() == {"0": 1}


@origin(29, "priorityqueue_test :: retains the highest priority", "P1")
@origin(31, "priorityqueue_test :: gets pushed to the front if the priority increases", "P2")
async def test_a_raised_key_overtakes_those_of_its_old_class(stage: QueueStage) -> None:
    for key in "abc":
        stage.queue.add(key)
    stage.queue.add("c", priority=HIGH)

    assert stage.depth() == {"0": 2, "100": 1}
    assert await stage.take(3) == ["c", "a", "b"]
    assert stage.queue.priority("c") is HIGH


@origin(30, "priorityqueue_test :: will not decrease the priority", "P2")
@pytest.mark.parametrize("delay", [0, 60])
async def test_adding_again_never_lowers_a_key(stage: QueueStage, delay: float) -> None:
    stage.queue.add("a", priority=HIGH, after=delay)
    stage.queue.add("b")
    stage.queue.add("a", priority=LOW)

    assert await stage.take(2) == ["a", "b"]
    assert stage.queue.priority("a") is HIGH


@origin(
    32,
    "priorityqueue_test :: follows FIFO order in the new priority queue when item priority changes",
    "P2",
)
async def test_a_raised_key_lines_up_behind_its_new_class(stage: QueueStage) -> None:
    stage.queue.add("a", priority=LOW)
    stage.queue.add("b")
    stage.queue.add("a")

    assert await stage.take(2) == ["b", "a"]


@origin(34, "priorityqueue_test :: doesn't include non-ready items in Len()", "P5")
@origin(43, "priorityqueue_test :: TestItemsAreInludedInLenAndMetricsOnceTheyAreReady", "P5")
async def test_a_delayed_key_is_counted_from_when_it_is_ready(stage: QueueStage) -> None:
    stage.queue.add("a", after=5)
    stage.queue.add("b", after=9, priority=LOW)
    assert (len(stage.queue), stage.sample("adds_total"), stage.depth()) == (0, 0, {})
    await stage.clock.sleep(6)
    assert (len(stage.queue), stage.sample("adds_total"), stage.depth()) == (1, 1, {"0": 1})
    await stage.clock.sleep(4)

    assert (len(stage.queue), stage.sample("adds_total")) == (2, 2)
    assert stage.depth() == {"0": 1, "-100": 1}
    assert stage.sample("retries_total") == 2


@origin(
    36,
    "priorityqueue_test :: updates metrics correctly for an item added with after and then without",
    "P5",
)
async def test_an_add_without_delay_ends_the_delay_and_is_counted_once(stage: QueueStage) -> None:
    stage.queue.add("a", after=60)
    assert (stage.sample("adds_total"), stage.depth()) == (0, {})
    stage.queue.add("a")
    assert (stage.sample("adds_total"), stage.depth()) == (1, {"0": 1})
    await stage.run()
    stage.queue.add("a", after=100)
    await stage.clock.sleep(99)
    assert (stage.sample("adds_total"), stage.depth(), len(stage.queue)) == (1, {}, 0)

    assert await stage.run() == ("a", 100)


@origin(
    37,
    "priorityqueue_test :: updates metrics for an item with after re-added with higher priority, no after",
    "P5",
)
async def test_a_delayed_key_that_is_raised_is_counted_in_its_new_class_alone(
    stage: QueueStage,
) -> None:
    stage.queue.add("a", after=60, priority=LOW)
    stage.queue.add("a", priority=HIGH)

    assert stage.depth() == {"100": 1}
    await stage.run()
    assert (stage.depth(), stage.sample("adds_total")) == ({}, 1)


@origin(38, "priorityqueue_test :: TestFuzzPriorityQueue", "W5")
@pytest.mark.parametrize("seed", range(5))
async def test_whatever_is_added_however_no_key_has_two_owners_and_none_is_lost(
    stage: QueueStage, seed: int
) -> None:
    rng = random.Random(seed)
    keys = [f"key-{number}" for number in range(30)]

    async def produce() -> None:
        for _ in range(200):
            key = rng.choice(keys)
            if rng.random() < 0.2:
                stage.queue.add_rate_limited(key, priority=rng.choice([*Priority]))
            else:
                after = rng.choice([0, 0, rng.random()])
                stage.queue.add(key, priority=rng.choice([*Priority]), after=after)
            await stage.clock.sleep(rng.random() / 100)

    workers = [stage.start_worker(seconds=rng.random() / 50) for _ in range(8)]
    await asyncio.gather(*(produce() for _ in range(10)))
    before = len(stage.worked)
    for key in keys:
        stage.queue.add(key)
    await stage.queue.drain()
    await asyncio.gather(*workers)

    assert set(stage.worked[before:]) == set(keys)
    assert stage.depth() == {}


@origin(
    39,
    "priorityqueue_test :: TestHighPriorityItemsAreReturnedBeforeLowPriorityItemMultipleTimes",
    "P2",
)
async def test_the_higher_class_comes_first_time_after_time(stage: QueueStage) -> None:
    for _ in range(20):
        for key, priority in (("low", LOW), ("one", HIGH), ("normal", NORMAL), ("two", HIGH)):
            stage.queue.add(key, priority=priority)
        taken = await stage.take(4)
        for key in taken:
            stage.queue.done(key)

        assert taken == ["one", "two", "normal", "low"]


@origin(
    41,
    "priorityqueue_test :: TestHighPriorityItemThatBecameReadyIsReturnedBeforeLowPriorityItem",
    "P3",
)
async def test_a_high_key_whose_delay_is_over_goes_before_a_lower_one_that_waited(
    stage: QueueStage,
) -> None:
    stage.queue.add("high", after=60, priority=HIGH)
    stage.queue.add("low", priority=LOW)
    await stage.clock.sleep(61)

    assert await stage.take(2) == ["high", "low"]


@origin(
    44,
    "priorityqueue_test :: TestWhenAddingMultipleItemsWithRatelimitTrueTheyDontAffectEachOther",
    "D5",
)
async def test_keys_that_fail_together_wait_each_by_its_own_failures(stage: QueueStage) -> None:
    for key in "abc":
        stage.queue.add_rate_limited(key)

    assert [await stage.run() for _ in "abc"] == [(key, 0.001) for key in "abc"]


@origin(
    45, "priorityqueue_test :: TestPriorityQueueDoesNotDeadlockOnShutdownWhileHandingOutItems", "P6"
)
async def test_a_shutdown_while_keys_are_handed_out_ends_every_worker(stage: QueueStage) -> None:
    workers = [asyncio.create_task(stage.queue.get()) for _ in range(10)]
    await stage.clock.sleep(1)
    for number in range(5):
        stage.queue.add(f"key-{number}")
    stage.queue.shutdown()
    outcomes = await asyncio.gather(*workers, return_exceptions=True)

    assert all(isinstance(one, QueueClosedError) for one in outcomes)
    assert stage.depth() == {}


@origin(47, "scheduler.rs :: scheduler_should_not_reschedule_pending_items", "D9")
async def test_asking_again_and_again_for_a_key_that_is_held_back_gives_one_run(
    stage: QueueStage,
) -> None:
    stage.queue.add("a")
    await stage.take(1)
    stage.queue.add("a")
    stage.queue.add("a", after=1)
    stage.queue.add("a", after=2)
    stage.queue.done("a")
    await stage.run()
    await stage.clock.sleep(5)

    assert (len(stage.queue), stage.queue.stats().delayed) == (0, 0)


@origin(52, "scheduler.rs :: scheduler_dedupe_should_allow_rescheduling_emitted_item", "D2")
async def test_a_key_that_came_out_can_be_asked_for_at_a_later_time(stage: QueueStage) -> None:
    stage.queue.add("a", after=1)
    first = await stage.run()
    stage.queue.add("a", after=2)

    assert (first, await stage.run()) == (("a", 1), ("a", 3))
