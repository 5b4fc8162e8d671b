"""A store that follows a scripted API server, with what was asked, told and interrupted.

In flow the server's answers, by `serve_list` and `serve_watch`; out flow the store, the changes that
a subscriber heard, and the moments at which lists and watches ended. The seed is the only chance.
"""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from structlog.testing import capture_logs

from registry_operator.kube.client import Client
from registry_operator.kube.exchange import Request
from registry_operator.runtime.reflector import Reflector
from registry_operator.runtime.store import Applied, Change, Store
from registry_operator.runtime.watcher import Selection, Watcher
from registry_operator.testing.fake_transport import (
    FakeStream,
    FakeTransport,
    a_list,
    an_answer,
    on,
)
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.runtime.secrets_stage import PATH, SECRETS, a_body


class Following:
    """A reflector on a fake server; `stream` asks for WatchList (KEP-3157) instead of pages."""

    def __init__(self, clock: VirtualClock, *, stream: bool = False, seed: int = 7) -> None:
        self.clock = clock
        self.server = FakeTransport()
        self.store = Store(SECRETS)
        self.heard: list[Change] = []
        self.interruptions: list[tuple[str, float]] = []
        self._news = asyncio.Event()
        rng = random.Random(seed)
        self.reflector = Reflector(
            Watcher(Client(self.server), Selection(SECRETS), clock=clock, rng=rng, stream=stream),
            self.store,
            clock=clock,
            rng=rng,
            observer=self._observe,
        )
        self.store.subscribe(self._hear)

    def serve_list(self, version: str, **versions: int) -> None:
        """Answer the next list by objects `name=resourceVersion`, as of `version`."""
        bodies = [a_body(name, number) for name, number in versions.items()]
        self.server.expect(on("GET", PATH), an_answer(a_list("Secret", bodies, version)))

    def serve_watch(self, **query: str) -> FakeStream:
        """Serve the next watch that is asked for with `query`."""
        return self.server.expect_stream(on("GET", PATH, watch="true", **query))

    def serve_watch_list(self) -> FakeStream:
        """Serve the next watch that brings the initial events too."""
        return self.serve_watch(sendInitialEvents="true")

    @property
    def held(self) -> dict[str, str]:
        """The resourceVersion of every object in the store, by name."""
        return {obj.name: obj.resource_version for obj in self.store.list()}

    @property
    def version(self) -> str:
        """How far the store has followed."""
        return self.store.stats().resource_version

    @property
    def told(self) -> list[str]:
        """What the subscriber heard, in short: `+added ~changed -removed`."""
        return [in_short(change) for change in self.heard]

    def lists(self) -> list[Request]:
        """The requests that were lists."""
        return [request for request in self.server.requests if asked(request, "watch") is None]

    def watches(self) -> list[Request]:
        """The requests that were watches."""
        return [request for request in self.server.requests if asked(request, "watch")]

    def reasons(self) -> list[str]:
        """Why lists and watches ended, in order."""
        return [reason for reason, _ in self.interruptions]

    def waits(self) -> list[float]:
        """The seconds between one interruption and the next."""
        moments = [moment for _, moment in self.interruptions]
        return [later - earlier for earlier, later in itertools.pairwise(moments)]

    async def until(self, done: Callable[[], bool]) -> None:
        """Wait until `done`, looked at after each change and each interruption."""
        while not done():
            self._news.clear()
            await self._news.wait()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow meanwhile; on leaving, the reflector ends by cancellation and nothing else.

        A request that the script does not have is a fault, which a reflector survives: told here.
        """
        task = asyncio.create_task(self.reflector.run())
        try:
            with capture_logs() as logs:
                yield
        finally:
            task.cancel()
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(outcome, asyncio.CancelledError), outcome
        assert not [entry for entry in logs if entry["event"] == "reflector failed"]

    def _observe(self, reason: str | None) -> None:
        if reason is not None:
            self.interruptions.append((reason, self.clock.monotonic()))
        self._news.set()

    def _hear(self, change: Change) -> None:
        self.heard.append(change)
        self._news.set()


def asked(request: Request, name: str) -> str | None:
    """The value of a query parameter, None when it was not sent."""
    return dict(request.query).get(name)


def in_short(change: Change) -> str:
    """`+a` for an object that came, `~a` for one that changed, `-a` for one that went."""
    if isinstance(change, Applied):
        return f"{'~' if change.old else '+'}{change.new.name}"
    return f"-{change.old.name}"
