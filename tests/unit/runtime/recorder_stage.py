"""A recorder of events before an API server in memory."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from prometheus_client import CollectorRegistry

from registry_operator.kube.client import Client
from registry_operator.kube.exchange import Request
from registry_operator.kube.object import Object
from registry_operator.runtime.metrics import Metrics
from registry_operator.runtime.recorder import EVENTS, Recorder
from registry_operator.testing.fake_api import FakeApi
from registry_operator.testing.virtual_loop import VirtualClock

IMAGES = Object.of(
    {
        "apiVersion": "registry-operator.dev/v1alpha1",
        "kind": "Registry",
        "metadata": {"namespace": "team-a", "name": "images", "uid": "u1"},
    }
)


class Stage:
    """A recorder before a fake API server."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.api = FakeApi([EVENTS], clock=clock)
        self.metrics = Metrics(CollectorRegistry())
        self.recorder = self.a_recorder()

    def a_recorder(self) -> Recorder:
        return Recorder(
            Client(self.api),
            component="registry-operator",
            clock=self.clock,
            rng=random.Random(5),
            metrics=self.metrics,
            instance="registry-operator-0",
        )

    def missing(self, note: str = "Secret s3 is missing") -> None:
        self.recorder.event(IMAGES, "Warning", "SecretMissing", note)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        run = asyncio.create_task(self.recorder.run())
        try:
            yield
            await self.recorder.flush(5)
        finally:
            run.cancel()
            await asyncio.wait({run})

    @property
    def events(self) -> list[dict[str, Any]]:
        return self.api.objects(EVENTS)

    def dropped(self, reason: str) -> float | None:
        return self.metrics.registry.get_sample_value(
            "registry_operator_events_dropped_total", {"reason": reason}
        )


def anything(_request: Request) -> bool:
    return True
