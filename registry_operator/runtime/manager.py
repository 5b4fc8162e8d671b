"""Starts and stops everything that runs, in the order of the data and back.

In flow the parts, ready made; out flows their life. The order is the nesting of scopes:

    server                  answers probes from the first moment to the last
      recorder              the last to hear what happened
        helpers             what caches and controllers lean on
          caches            in memory before anybody decides anything
            elector         the Lease is given back only when all work has ended, and is told
              controllers   drained first

The first part that fails stops all; what fails besides, while stopping, is told with it. The order
is controller-runtime's (`pkg/manager`).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol

import structlog

from registry_operator.runtime.controller import Controller, ControllerStats
from registry_operator.runtime.http import Health
from registry_operator.runtime.recorder import Recorder

_FLUSH_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)


class Runnable(Protocol):
    """Runs until it is cancelled; ending by itself is a failure."""

    async def run(self) -> None: ...


class SyncedRunnable(Runnable, Protocol):
    """A cache, as far as its life is concerned."""

    async def wait_synced(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - as the cache has it
    ) -> None: ...

    async def catch_up(
        self,
        resource_version: str,
        timeout: float | None = None,  # noqa: ASYNC109 - as the cache has it
    ) -> None: ...

    def pending(self) -> list[str]: ...


class Leadership(Protocol):
    """An elector, in this loop or in one of its own."""

    @property
    def handed_over(self) -> str: ...

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None: ...

    def check(self) -> str | None: ...


class StopError(RuntimeError):
    """Work had to be cut off to stop."""


@dataclass(frozen=True)
class Parts:
    """What a manager runs. Without an elector controllers start once the caches are synced."""

    controllers: Sequence[Controller]
    caches: Sequence[SyncedRunnable] = ()
    helpers: Sequence[Runnable] = ()
    recorder: Recorder | None = None
    elector: Leadership | None = None
    server: AbstractAsyncContextManager[object] | None = None
    health: Health = field(default_factory=Health)


@dataclass(frozen=True, slots=True)
class ManagerStats:
    """Where in its life the manager is, and what its controllers do, by name."""

    is_leading: bool
    is_stopping: bool
    controllers: dict[str, ControllerStats]


class Manager:
    """Runs `parts` once. `grace` is how long runs in progress may take to end, in seconds.

    The whole stop takes at most `grace` and some 15 s for the last events and the Lease: a Pod's
    `terminationGracePeriodSeconds` should allow for that. Raises ValueError for two controllers of
    one name: their metrics could not be told apart.
    """

    def __init__(self, parts: Parts, *, grace: float = 30.0, sync_timeout: float = 120.0) -> None:
        names = [controller.name for controller in parts.controllers]
        if len(set(names)) != len(names):
            raise ValueError(f"two controllers have one name: {names}")
        self._parts = parts
        self._grace = grace
        self._sync_timeout = sync_timeout
        self._started = False
        self._leading = False
        self._stopping = asyncio.Event()
        self._hurrying = asyncio.Event()
        parts.health.ready["caches"] = self._unsynced
        if parts.elector is not None:
            parts.health.live["leader-election"] = parts.elector.check

    def stop(self) -> None:
        """Ask for an orderly stop; asked again, for a stop at once. Made for signal handlers."""
        if self._stopping.is_set():
            self._hurrying.set()
        self._stopping.set()

    async def run(self) -> None:
        """Run everything until `stop` is called or something fails.

        Raises:
            RuntimeError: it was run before.
            NotSyncedError: a cache could not be filled, or brought up to date, in time.
            LeadershipLost: another process may lead; this one must end.
            StopError: work was cut off by the end of the grace period or by a second `stop`.
            ExceptionGroup: several of these, or of what the parts raise, at once.
        """
        if self._started:
            raise RuntimeError("a manager runs once")
        self._started = True
        try:
            await self._run()
        except BaseExceptionGroup as group:
            leaves = _leaves(group)
            if len(leaves) == 1:
                raise leaves[0] from None
            raise BaseExceptionGroup("several parts failed", leaves) from None

    def stats(self) -> ManagerStats:
        """Where in its life it is."""
        return ManagerStats(
            is_leading=self._leading,
            is_stopping=self._stopping.is_set(),
            controllers={one.name: one.stats() for one in self._parts.controllers},
        )

    async def _run(self) -> None:
        parts = self._parts
        async with AsyncExitStack() as stack:
            if parts.server is not None:
                await stack.enter_async_context(parts.server)
            if parts.recorder is not None:
                await stack.enter_async_context(_beside([parts.recorder]))
            await stack.enter_async_context(_beside(parts.helpers))
            await stack.enter_async_context(_beside(parts.caches))
            await self._unless_stopped(self._sync())
            if not self._stopping.is_set():
                await self._unless_stopped(self._elect())

    async def _sync(self) -> None:
        for cache in self._parts.caches:
            await cache.wait_synced(self._sync_timeout)
        log.info("caches are synced")

    async def _elect(self) -> None:
        if self._parts.elector is None:
            await self._lead()
        else:
            await self._parts.elector.run(partial(self._succeed, self._parts.elector))

    async def _succeed(self, elector: Leadership) -> None:
        """Lead, but not by what was in memory while another led.

        A watch that stands still looks like one that has nothing to tell, for more than a minute;
        whoever acts on such a picture undoes what users changed and a predecessor carried out.
        """
        for cache in self._parts.caches:
            await cache.catch_up(elector.handed_over, self._sync_timeout)
        log.info("caches have caught up")
        await self._lead()

    async def _lead(self) -> None:
        if self._stopping.is_set():
            return
        self._leading = True
        try:
            await self._work()
        finally:
            try:
                await self._tell_the_rest()
            finally:
                self._leading = False

    async def _tell_the_rest(self) -> None:
        """Events are writes as any other: the last go out before the right to write is returned."""
        if self._parts.recorder is not None and not self._hurrying.is_set():
            await self._parts.recorder.flush(_FLUSH_SECONDS)

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as group:
            runs = [
                group.create_task(one.run(), name=f"controller: {one.name}")
                for one in self._parts.controllers
            ]
            await self._stopping.wait()
            try:
                await self._drain()
            finally:
                for run in runs:
                    run.cancel()

    async def _drain(self) -> None:
        """Let runs in progress end. Raises StopError."""
        log.info("stopping", grace=self._grace)
        drains = [
            asyncio.create_task(one.drain(self._grace), name=one.name)
            for one in self._parts.controllers
        ]
        hurry = asyncio.create_task(self._cut_short(drains))
        try:
            results = await asyncio.gather(*drains, return_exceptions=True)
        finally:
            hurry.cancel()
        late = [one.get_name() for one, result in zip(drains, results, strict=True) if result]
        if late:
            raise StopError(f"runs were cut off in {', '.join(late)}")
        log.info("all work has ended")

    async def _cut_short(self, drains: Sequence[asyncio.Task[None]]) -> None:
        await self._hurrying.wait()
        for drain in drains:
            drain.cancel()

    async def _unless_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        """Run it; a stop cancels it unless it leads by then (whoever leads drains first)."""
        task = asyncio.create_task(work)
        stop = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            if self._leading:
                await asyncio.wait({task})
        finally:
            stop.cancel()
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        if not task.cancelled():
            task.result()

    def _unsynced(self) -> str | None:
        pending = [kind for cache in self._parts.caches for kind in cache.pending()]
        return f"not in memory: {'; '.join(pending)}" if pending else None


@asynccontextmanager
async def _beside(parts: Sequence[Runnable]) -> AsyncIterator[None]:
    """Run the parts beside the body; cancel them after it, and the body when one of them fails."""
    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(_endless(part), name=type(part).__name__) for part in parts]
        try:
            yield
        finally:
            for run in runs:
                run.cancel()


async def _endless(part: Runnable) -> None:
    await part.run()
    raise RuntimeError(f"{part!r} ended by itself")


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for one in error.exceptions for leaf in _leaves(one)]
    return [error]
