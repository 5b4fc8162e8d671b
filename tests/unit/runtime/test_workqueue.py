"""client-go's and controller-runtime's rules for the workqueue (framework.md 1.1 to 1.3)."""

import asyncio
import gc
import weakref

import pytest
from prometheus_client import CollectorRegistry

from registry_operator.runtime.backoff import Exponential
from registry_operator.runtime.metrics import Metrics
from registry_operator.runtime.queued import Queued
from registry_operator.runtime.workqueue import Priority, QueueClosedError, WorkQueue
from registry_operator.testing.virtual_loop import VirtualClock


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


@pytest.fixture
def queue(clock: VirtualClock, metrics: Metrics) -> WorkQueue[str]:
    return WorkQueue("images", clock=clock, metrics=metrics)


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(
        name, {"name": "images", "controller": "images"} | labels
    )


async def take(queue: WorkQueue[str], count: int) -> list[str]:
    return [await queue.get() for _ in range(count)]


async def test_hands_out_in_the_order_of_adding(queue: WorkQueue[str]) -> None:
    for key in "abc":
        queue.add(key)

    assert await take(queue, 3) == ["a", "b", "c"]


async def test_adding_twice_before_get_gives_one_item(
    queue: WorkQueue[str], metrics: Metrics
) -> None:
    queue.add("a")
    queue.add("a")

    assert len(queue) == 1
    assert sample(metrics, "workqueue_adds_total") == 1


async def test_many_adds_while_processing_give_exactly_one_more_run(queue: WorkQueue[str]) -> None:
    queue.add("a")
    await queue.get()
    for _ in range(5):
        queue.add("a")

    assert len(queue) == 0
    assert queue.stats().held == 1
    queue.done("a")
    assert await queue.get() == "a"
    queue.done("a")
    assert len(queue) == 0


async def test_a_held_key_does_not_block_the_others(queue: WorkQueue[str]) -> None:
    queue.add("a")
    await queue.get()
    queue.add("a")
    queue.add("b")

    assert await queue.get() == "b"


async def test_a_held_key_is_handed_out_as_soon_as_it_is_done(queue: WorkQueue[str]) -> None:
    queue.add("a")
    await queue.get()
    queue.add("a")
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(1)
    assert not waiting.done()

    queue.done("a")

    assert await waiting == "a"


async def test_done_without_get_is_harmless(queue: WorkQueue[str]) -> None:
    queue.add("a")
    queue.done("a")

    assert await queue.get() == "a"


async def test_a_higher_class_goes_first_and_keeps_its_own_order(queue: WorkQueue[str]) -> None:
    queue.add("low", priority=Priority.LOW)
    queue.add("one")
    queue.add("high", priority=Priority.HIGH)
    queue.add("two")

    assert await take(queue, 4) == ["high", "one", "two", "low"]


async def test_a_raised_key_goes_to_the_tail_of_its_new_class(
    queue: WorkQueue[str], metrics: Metrics
) -> None:
    for key in "ab":
        queue.add(key, priority=Priority.LOW)
    queue.add("c")
    queue.add("b")
    assert sample(metrics, "workqueue_depth", priority="-100") == 1
    assert sample(metrics, "workqueue_depth", priority="0") == 2

    assert await take(queue, 3) == ["c", "b", "a"]
    assert sample(metrics, "workqueue_depth", priority="0") == 0


async def test_a_priority_never_falls(queue: WorkQueue[str]) -> None:
    queue.add("a", priority=Priority.HIGH)
    queue.add("b", priority=Priority.HIGH)
    queue.add("a", priority=Priority.LOW)

    assert await queue.get() == "a"
    assert queue.priority("a") is Priority.HIGH


async def test_a_held_key_can_be_raised(queue: WorkQueue[str]) -> None:
    queue.add("a")
    await queue.get()
    queue.add("a", priority=Priority.LOW)
    queue.add("b")
    queue.add("a", priority=Priority.HIGH)
    queue.done("a")

    assert await take(queue, 2) == ["a", "b"]


async def test_nothing_comes_before_its_delay(queue: WorkQueue[str], clock: VirtualClock) -> None:
    queue.add("a", after=0.05)
    assert len(queue) == 0

    assert await queue.get() == "a"
    assert clock.monotonic() == pytest.approx(0.05)


@pytest.mark.parametrize(("delays", "expected"), [((50, 70), 50), ((50, 30), 30), ((50, 0), 0)])
async def test_the_earlier_of_two_times_wins(
    queue: WorkQueue[str], clock: VirtualClock, delays: tuple[float, float], expected: float
) -> None:
    for delay in delays:
        queue.add("a", after=delay)

    assert await queue.get() == "a"
    assert clock.monotonic() == pytest.approx(expected)
    queue.done("a")
    await clock.sleep(100)
    assert len(queue) == 0


async def test_a_ready_key_is_not_put_off(queue: WorkQueue[str]) -> None:
    queue.add("a")
    queue.add("a", after=60)

    assert await queue.get() == "a"
    assert queue.stats().delayed == 0


async def test_delays_come_in_the_order_of_becoming_ready(queue: WorkQueue[str]) -> None:
    for key, delay in (("a", 1.0), ("b", 0.5), ("c", 0.25)):
        queue.add(key, after=delay)
    await asyncio.sleep(2)

    assert await take(queue, 3) == ["c", "b", "a"]


async def test_priorities_merge_while_delayed(queue: WorkQueue[str]) -> None:
    queue.add("a", priority=Priority.HIGH, after=5)
    queue.add("a", priority=Priority.LOW, after=3)
    queue.add("b", priority=Priority.HIGH, after=9)
    queue.add("b", priority=Priority.LOW)
    await asyncio.sleep(4)

    assert await take(queue, 2) == ["b", "a"]
    assert queue.priority("a") is Priority.HIGH


async def test_a_delayed_key_that_is_busy_when_due_waits_for_done(queue: WorkQueue[str]) -> None:
    queue.add("a")
    await queue.get()
    queue.add("a", after=1)
    await asyncio.sleep(2)
    assert queue.stats().held == 1

    queue.done("a")

    assert await queue.get() == "a"


async def test_a_thousand_delays_of_one_key_are_one_entry(queue: WorkQueue[str]) -> None:
    for delay in range(1000, 0, -1):
        queue.add("a", after=delay)

    assert queue.stats().delayed == 1
    await asyncio.sleep(2000)
    assert len(queue) == 1


async def test_rate_limited_adds_wait_longer_and_longer_until_forgotten(
    clock: VirtualClock,
) -> None:
    queue = WorkQueue("images", clock=clock, limiter=Exponential[str](base=1.0))
    times = []
    for _ in range(3):
        queue.add_rate_limited("a")
        await queue.get()
        queue.done("a")
        times.append(clock.monotonic())

    assert times == pytest.approx([1, 3, 7])
    assert queue.failures("a") == 3
    queue.forget("a")
    queue.add_rate_limited("a")
    await queue.get()
    assert clock.monotonic() == pytest.approx(8)


async def test_a_cancelled_get_passes_its_wake_up_on(queue: WorkQueue[str]) -> None:
    first = asyncio.create_task(queue.get())
    second = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add("a")
    first.cancel()

    assert await second == "a"
    assert first.cancelled()


async def test_a_get_cancelled_while_waiting_is_forgotten(queue: WorkQueue[str]) -> None:
    first = asyncio.create_task(queue.get())
    await asyncio.sleep(1)
    first.cancel()
    queue.add("a")
    await asyncio.sleep(1)

    assert first.cancelled()
    assert await queue.get() == "a"


async def test_shutdown_frees_every_waiter_and_drops_what_waits(
    queue: WorkQueue[str], metrics: Metrics
) -> None:
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add("later", after=5)
    queue.shutdown()
    queue.add("never")
    queue.add_rate_limited("never")

    with pytest.raises(QueueClosedError):
        await waiting
    with pytest.raises(QueueClosedError):
        await queue.get()
    assert queue.stats().delayed == 0
    assert sample(metrics, "workqueue_depth", priority="0") == 0


async def test_shutdown_with_ready_keys_leaves_no_depth_behind(
    queue: WorkQueue[str], metrics: Metrics
) -> None:
    queue.add("a")
    queue.shutdown()

    assert len(queue) == 0
    assert sample(metrics, "workqueue_depth", priority="0") == 0


async def test_drain_waits_for_ready_running_and_held_keys(
    queue: WorkQueue[str], clock: VirtualClock
) -> None:
    seen: list[str] = []

    async def work() -> None:
        while True:
            try:
                key = await queue.get()
            except QueueClosedError:
                return
            await clock.sleep(1)
            seen.append(key)
            queue.done(key)

    queue.add("a")
    worker = asyncio.create_task(work())
    await clock.sleep(0.5)
    queue.add("a")
    queue.add("b")
    queue.add("dropped", after=0.1)
    await queue.drain()

    assert sorted(seen) == ["a", "a", "b"]
    assert clock.monotonic() == pytest.approx(3)
    await worker


async def test_drain_of_an_idle_queue_returns_at_once(queue: WorkQueue[str]) -> None:
    await queue.drain()

    assert queue.stats().closed


async def test_shutdown_breaks_a_drain(queue: WorkQueue[str]) -> None:
    queue.add("a")
    await queue.get()
    draining = asyncio.create_task(queue.drain())
    await asyncio.sleep(1)
    assert not draining.done()

    queue.shutdown()

    await draining
    queue.done("a")


async def test_no_reference_to_a_key_stays_behind(clock: VirtualClock) -> None:
    class Key:
        pass

    queue: WorkQueue[Key] = WorkQueue("keys", clock=clock)
    key = Key()
    gone = weakref.ref(key)
    queue.add(key, priority=Priority.LOW)
    queue.add(key, priority=Priority.HIGH)
    queue.add(key, after=3)
    assert await queue.get() is key
    queue.add(key, after=1)
    queue.add(key)
    queue.done(key)
    assert await queue.get() is key
    queue.done(key)
    del key
    gc.collect()

    assert gone() is None


async def test_metrics_tell_waiting_and_working_time(
    queue: WorkQueue[str], metrics: Metrics, clock: VirtualClock
) -> None:
    queue.add("a", after=3)
    assert sample(metrics, "workqueue_retries_total") == 1
    assert sample(metrics, "workqueue_adds_total") == 0
    await clock.sleep(5)
    await queue.get()
    await clock.sleep(7)

    assert sample(metrics, "workqueue_queue_duration_seconds_sum") == pytest.approx(2)
    assert sample(metrics, "workqueue_unfinished_work_seconds") == pytest.approx(7)
    assert sample(metrics, "workqueue_longest_running_processor_seconds") == pytest.approx(7)
    queue.done("a")
    assert sample(metrics, "workqueue_work_duration_seconds_sum") == pytest.approx(7)
    assert sample(metrics, "workqueue_longest_running_processor_seconds") == 0
    assert sample(metrics, "workqueue_unfinished_work_seconds") == 0


async def test_stats_show_what_the_queue_holds(queue: WorkQueue[str], clock: VirtualClock) -> None:
    queue.add("a")
    await queue.get()
    queue.add("a")
    queue.add("b")
    queue.add("c", after=9)
    queue.add_rate_limited("d")
    stats = queue.stats()

    assert (stats.ready, stats.held, stats.delayed, stats.processing) == (1, 1, 2, 1)
    assert stats.failing == 1
    assert not stats.closed
    assert queue.priority("nobody") is Priority.NORMAL


async def test_whoever_asks_is_told_every_key_the_next_ones_first(
    clock: VirtualClock, queue: WorkQueue[str]
) -> None:
    queue.add("held")
    await queue.get()
    await clock.sleep(1)
    queue.add("held")
    queue.add("low", priority=Priority.LOW)
    queue.add("normal")
    queue.add("late", after=60)
    queue.add_rate_limited("failed")
    await clock.sleep(0.001)

    assert {key: queue.look(key) for key in queue.next_keys(10)} == {
        "held": Queued("held", "NORMAL", 1, 0),
        "normal": Queued("ready", "NORMAL", 1, 0),
        "low": Queued("ready", "LOW", 1, 0),
        "failed": Queued("delayed", "NORMAL", 1.005, 1),
        "late": Queued("delayed", "NORMAL", 61, 0),
    }
    assert queue.next_keys(10) == ["held", "normal", "low", "failed", "late"]
    assert queue.next_keys(4) == ["held", "normal", "low", "failed"]
    assert queue.keys() == {"held", "normal", "low", "failed", "late"}
    assert queue.look("nobody") is None
