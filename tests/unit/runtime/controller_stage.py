"""One controller over one queue, and a reconcile function that does as the test says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from prometheus_client import CollectorRegistry

from registry_operator.kube.errors import KubeError
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.controller import Controller
from registry_operator.runtime.metrics import Metrics
from registry_operator.runtime.outcome import Done, Outcome
from registry_operator.runtime.store import Store, Writer
from registry_operator.runtime.workqueue import WorkQueue
from registry_operator.testing.virtual_loop import VirtualClock

A, B = ObjectKey("team-a", "images"), ObjectKey("team-b", "images")
WIDGETS = Resource("example.org", "v1", "Widget", "widgets")
CONFLICT = KubeError("409 Conflict")


class Scripted:
    """Answers from a script, `Done` after its end; remembers when each key ran."""

    def __init__(
        self, clock: VirtualClock, *answers: Outcome | Exception, takes: float = 0
    ) -> None:
        self._clock = clock
        self._answers = list(answers)
        self._takes = takes
        self.runs: list[tuple[ObjectKey, float]] = []
        self.running: list[ObjectKey] = []
        self.most = 0

    async def __call__(self, key: ObjectKey) -> Outcome:
        assert key not in self.running
        self.runs.append((key, self._clock.monotonic()))
        self.running.append(key)
        self.most = max(self.most, len(self.running))
        try:
            await self._clock.sleep(self._takes)
        finally:
            self.running.remove(key)
        answer = self._answers.pop(0) if self._answers else Done()
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def times(self) -> list[float]:
        return [round(when, 3) for _, when in self.runs]


class Stage:
    """One controller over one queue, with its metrics."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.metrics = Metrics(CollectorRegistry())
        self.queue: WorkQueue[ObjectKey] = WorkQueue("images", clock=clock, metrics=self.metrics)

    def controller(self, reconcile: Callable[[ObjectKey], Any], **options: Any) -> Controller:
        return Controller(
            "images",
            reconcile,
            queue=self.queue,
            clock=self.clock,
            metrics=self.metrics,
            **options,
        )

    def sample(self, name: str, **labels: str) -> float | None:
        name = f"controller_runtime_{name}"
        return self.metrics.registry.get_sample_value(name, {"controller": "images"} | labels)


@asynccontextmanager
async def running(controller: Controller) -> AsyncIterator[None]:
    run = asyncio.create_task(controller.run())
    try:
        yield
    finally:
        await controller.drain(1000)
        await run


def a_store() -> tuple[Store, Writer]:
    store = Store(WIDGETS)
    return store, store.writer()


def a_widget(name: str, version: int, *, owner: str = "") -> Object:
    labels = {"owner": owner} if owner else {}
    return Object.of(
        {
            "apiVersion": "example.org/v1",
            "kind": "Widget",
            "metadata": {
                "namespace": "team-a",
                "name": name,
                "uid": name,
                "resourceVersion": str(version),
                "labels": labels,
            },
        }
    )


def by_label(widget: Object) -> list[ObjectKey]:
    owner = widget.labels.get("owner")
    return [ObjectKey(widget.namespace, owner)] if owner else []
