"""A cache before a scripted API server, with a garbage collector that only remembers."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from registry_operator.kube.client import Client
from registry_operator.kube.resource import Resource
from registry_operator.runtime.cache import Cache
from registry_operator.runtime.metrics import Metrics
from registry_operator.testing.fake_transport import (
    FakeStream,
    FakeTransport,
    a_list,
    an_answer,
    on,
)
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.runtime.secrets_stage import a_body


class FakeCollector:
    def __init__(self) -> None:
        self.told: list[str] = []

    def rest(self) -> None:
        self.told.append("rest")

    def resume(self) -> None:
        self.told.append("resume")


class Stage:
    def __init__(self, clock: VirtualClock, *, stream: bool = False) -> None:
        self.clock = clock
        self.transport = FakeTransport()
        self.metrics = Metrics(CollectorRegistry())
        self.collector = FakeCollector()
        self.cache = Cache(
            Client(self.transport),
            clock=clock,
            rng=random.Random(7),
            metrics=self.metrics,
            collector=self.collector,
            stream=stream,
        )

    def serve(self, resource: Resource, *names: str) -> FakeStream:
        """Answer a list of these, then serve a watch."""
        path = resource.path()
        bodies = [a_body(name, 1) for name in names]
        self.transport.expect(on("GET", path), an_answer(a_list(resource.kind, bodies, "5")))
        return self.transport.expect_stream(on("GET", path))

    def sample(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.cache.run())
        try:
            yield
        finally:
            task.cancel()
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            assert isinstance(outcome, asyncio.CancelledError), outcome
