"""A whole operator before an API server in memory, in virtual time."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from registry_operator.kube.client import Client
from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.operator import Address, Operator, Settings
from registry_operator.runtime.recorder import EVENTS
from registry_operator.testing.fake_api import Declaration, FakeApi
from registry_operator.testing.virtual_loop import VirtualClock

LOCAL = Address("127.0.0.1", 0)


class OperatorStage:
    """`install` declares the operator's controllers; each `running` is a process of its own."""

    def __init__(
        self,
        clock: VirtualClock,
        kinds: Iterable[Declaration],
        install: Callable[[Operator], object],
    ) -> None:
        self.clock = clock
        self.api = FakeApi([*kinds, EVENTS], clock=clock)
        self._install = install
        self._seen = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Operator]:
        settings = Settings(name="stage", metrics=LOCAL, probes=LOCAL)
        operator = Operator(Client(self.api), settings, clock=self.clock, rng=random.Random(7))
        self._install(operator)
        manager = operator.manager()
        task = asyncio.create_task(manager.run())
        try:
            await self.settle()
            yield operator
        finally:
            manager.stop()
            await task

    async def settle(self, seconds: float = 10.0) -> None:
        """Lets virtual time pass."""
        await self.clock.sleep(seconds)

    def get(self, resource: Resource, namespace: str, name: str) -> dict[str, Any]:
        body = self.api.get(resource, ObjectKey(namespace, name))
        assert body is not None, f"there is no {resource} {namespace}/{name}"
        return body

    def new_writes(self) -> list[Request]:
        """What was written since the last call, Events aside."""
        writes, self._seen = self.api.writes()[self._seen :], len(self.api.writes())
        return [request for request in writes if "/events" not in request.path]

    def events(self) -> list[tuple[str, str, str]]:
        """Type, reason and note of every Event."""
        return [(e["type"], e["reason"], e["note"]) for e in self.api.objects(EVENTS)]
