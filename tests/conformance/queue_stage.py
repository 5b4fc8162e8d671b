"""A work queue with its metrics, and workers that take from it."""

import asyncio

from prometheus_client import CollectorRegistry

from registry_operator.runtime.backoff import Exponential
from registry_operator.runtime.metrics import Metrics
from registry_operator.runtime.workqueue import QueueClosedError, WorkQueue
from registry_operator.testing.virtual_loop import VirtualClock


class QueueStage:
    """`base` is the first back-off in seconds."""

    def __init__(self, clock: VirtualClock, *, base: float = 0.001) -> None:
        self.clock = clock
        self.metrics = Metrics(CollectorRegistry())
        self.queue = WorkQueue(
            "images", clock=clock, limiter=Exponential[str](base), metrics=self.metrics
        )
        self.busy: list[str] = []
        self.worked: list[str] = []

    async def take(self, count: int) -> list[str]:
        """Takes keys without giving them back."""
        return [await self.queue.get() for _ in range(count)]

    async def run(self) -> tuple[str, float]:
        """Takes a key, gives it back at once; says when it came."""
        key = await self.queue.get()
        self.queue.done(key)
        return key, round(self.clock.monotonic(), 6)

    def start_worker(self, *, seconds: float) -> asyncio.Task[None]:
        """A worker that needs so long for each key, and ends with the queue."""

        async def work() -> None:
            while True:
                try:
                    key = await self.queue.get()
                except QueueClosedError:
                    return
                assert key not in self.busy, "two workers have one key"
                self.busy.append(key)
                await self.clock.sleep(seconds)
                self.busy.remove(key)
                self.worked.append(key)
                self.queue.done(key)

        return asyncio.create_task(work())

    def sample(self, name: str, **labels: str) -> float:
        """A metric of the queue."""
        value = self.metrics.registry.get_sample_value(
            f"workqueue_{name}", {"name": "images", "controller": "images"} | labels
        )
        assert value is not None, name
        return value

    def depth(self) -> dict[str, float]:
        """The depth by priority, empty ones left out."""
        found = {p: self.sample("depth", priority=p) for p in ("-100", "0", "100")}
        return {priority: depth for priority, depth in found.items() if depth}
