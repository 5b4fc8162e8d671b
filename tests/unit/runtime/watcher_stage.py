"""A watcher on a scripted server: what it asked, what it told, and the server's side of it."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from registry_operator.kube.client import Client
from registry_operator.kube.exchange import Request
from registry_operator.runtime.watcher import Event, Interrupted, Selection, Watcher
from registry_operator.testing.fake_transport import (
    FakeStream,
    FakeTransport,
    a_list,
    an_answer,
    on,
)
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.runtime.secrets_stage import PATH, a_body


class Stage:
    """A watcher, what it told, and the server's side of it."""

    def __init__(self, clock: VirtualClock, selection: Selection, *, stream: bool) -> None:
        self.clock = clock
        self.transport = FakeTransport()
        self.told: list[Event] = []
        self._news = asyncio.Event()
        self.watcher = Watcher(
            Client(self.transport), selection, clock=clock, rng=random.Random(7), stream=stream
        )

    def hear(self, event: Event) -> None:
        self.told.append(event)
        self._news.set()

    def serve_list(self, version: str, *names: str) -> None:
        bodies = [a_body(name, 1) for name in names]
        self.transport.expect(on("GET", PATH), an_answer(a_list("Secret", bodies, version)))

    def serve_watch(self, **query: str) -> FakeStream:
        return self.transport.expect_stream(on("GET", PATH, watch="true", **query))

    async def until(self, done: Callable[[], bool]) -> None:
        while not done():
            self._news.clear()
            await self._news.wait()

    def heard(self, kind: type[object]) -> list[Event]:
        return [event for event in self.told if isinstance(event, kind)]

    def interruptions(self) -> list[tuple[str, str]]:
        return [(e.verb, e.recovery.reason) for e in self.told if isinstance(e, Interrupted)]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.watcher.run(self.hear))
        try:
            yield
        finally:
            task.cancel()
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            assert isinstance(outcome, asyncio.CancelledError), outcome


def query(request: Request, name: str) -> str | None:
    return dict(request.query).get(name)


def kinds(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]
