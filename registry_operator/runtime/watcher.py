"""LIST and WATCH of one kind, told as one endless sequence of events.

In flow pages and watch events from the API server, and its failures; out flow, to one synchronous
sink, events that are enough to keep a copy:

             ┌──────────────── 410, or a failure that a watch cannot outlive ─────────────┐
             ▼                                                                            │
    Init  InitApply*  InitDone ──▶ Following  (Apply | Delete | Progressed)*  Interrupted ┤
             ▲                         ▲                                                  │
             └─ Interrupted ◀─ failed  └── closed, 429, no connection: same version ──────┘

After client-go's reflector (tools/cache) and kube-rs's watcher. All waiting happens here; what is
made of the events is the reflector's business. Lists are asked for without a resourceVersion, so
that a restart never goes back in time (kubernetes/kubernetes#59848).
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from typing import Final, NoReturn, TypeAlias

from registry_operator.kube.client import Client
from registry_operator.kube.errors import CodecError, KubeError
from registry_operator.kube.object import Object
from registry_operator.kube.resource import Resource
from registry_operator.kube.watch import Added, Bookmark, Deleted, Failed, Modified, WatchEvent
from registry_operator.runtime.backoff import Jittered
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.recovery import EndedEarlyError, Recovery, recover

_PAGE: Final = 500
# How many objects may pass before other tasks get their turn.
_STRIDE: Final = 25
# The server ends a watch after a time of our choice; its spread keeps clients from returning as one
# herd. The connection counts as dead after this much silence: bookmarks come each minute.
_WATCH_SECONDS: Final = (240, 300)
_IDLE_SECONDS: Final = 150.0
_SHORTEST_WATCH: Final = 1.0


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects to copy, and whether with more than their metadata."""

    resource: Resource
    namespace: str | None = None
    label_selector: str | None = None
    field_selector: str | None = None
    metadata_only: bool = False

    def __str__(self) -> str:
        return f"{self.resource}{' metadata' if self.metadata_only else ''}"


@dataclass(frozen=True, slots=True)
class Init:
    """A complete picture begins; what was gathered of an unfinished one is void."""


@dataclass(frozen=True, slots=True)
class InitApply:
    object: Object


@dataclass(frozen=True, slots=True)
class InitDone:
    """The picture is complete, as of this resourceVersion."""

    resource_version: str


@dataclass(frozen=True, slots=True)
class Following:
    """The server accepted a watch."""


@dataclass(frozen=True, slots=True)
class Apply:
    object: Object


@dataclass(frozen=True, slots=True)
class Delete:
    """The object is gone, or left the selection; within a picture it is taken out again."""

    object: Object


@dataclass(frozen=True, slots=True)
class Progressed:
    """Nothing up to this resourceVersion is still to come."""

    resource_version: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A list or a watch ended, well if `error` is None; `delay` seconds pass before the next."""

    verb: str
    error: KubeError | None
    recovery: Recovery
    delay: float


Event: TypeAlias = (
    Init | InitApply | InitDone | Following | Apply | Delete | Progressed | Interrupted
)
# Only a complete picture may take its time.
Sink: TypeAlias = Callable[[Event], Awaitable[None] | None]


class Watcher:
    """Follows one selection for ever; `stream` asks for WatchList (KEP-3157) instead of pages."""

    def __init__(
        self,
        client: Client,
        selection: Selection,
        *,
        clock: Clock,
        rng: random.Random,
        stream: bool = False,
    ) -> None:
        self.selection = selection
        self._client = client
        self._clock = clock
        self._rng = rng
        self._stream = stream
        self._backoff = Jittered(clock=clock, rng=rng)
        self._leisure = Jittered(clock=clock, rng=rng, base=1.0, cap=15.0)
        self._version = ""
        self._in_pages = True
        self._may_stream = stream
        self._failures = 0
        self._scope: asyncio.Timeout | None = None

    def restart(self) -> None:
        """Begin with a complete picture next time."""
        self._version = ""

    def relist(self) -> None:
        """Break off what is under way, waits included, and take a complete picture now."""
        self._version = ""
        if self._scope is not None:
            self._scope.reschedule(asyncio.get_running_loop().time())

    async def run(self, sink: Sink) -> NoReturn:
        """Tell `sink` everything, until cancelled; raises what the sink raises."""
        while True:
            try:
                async with asyncio.timeout(None) as self._scope:
                    await self.step(sink)
            except TimeoutError:
                if self._scope is None or not self._scope.expired():
                    raise
                self._version = ""
                sink(Interrupted("watch", None, Recovery("Relisted"), 0.0))
            finally:
                self._scope = None

    async def step(self, sink: Sink) -> None:
        """Do one list or one watch to its end and, after a failure, wait as long as is due."""
        try:
            if self._version:
                await self._watch(sink)
            elif self._may_stream:
                await self._stream_picture(sink)
            else:
                await self._list(sink)
        except KubeError as error:
            await self._interrupted(error, sink)

    async def _interrupted(self, error: KubeError, sink: Sink) -> None:
        self._failures += 1
        verb = "watch" if self._version else "list"
        streaming = verb == "list" and self._may_stream
        recovery = recover(error, verb=verb, streaming=streaming, failures=self._failures)
        if recovery.relist:
            self._in_pages = not recovery.expired
            self._version = ""
        self._may_stream = self._may_stream and not recovery.without_stream
        backoff = self._leisure if recovery.refused else self._backoff
        delay = 0.0 if recovery.without_stream else max(backoff.delay(), recovery.retry_after)
        sink(Interrupted(verb, error, recovery, delay))
        await self._clock.sleep(delay)

    async def _list(self, sink: Sink) -> None:
        sink(Init())
        version = ""
        passed = 0
        pages = self._client.pages(
            self.selection.resource,
            namespace=self.selection.namespace,
            label_selector=self.selection.label_selector,
            field_selector=self.selection.field_selector,
            limit=_PAGE if self._in_pages else 0,
            metadata_only=self.selection.metadata_only,
            without_managed_fields=True,
        )
        async with aclosing(pages):
            async for page in pages:
                for obj in page.items:
                    sink(InitApply(obj))
                    passed += 1
                    if passed % _STRIDE == 0:
                        await asyncio.sleep(0)
                version = page.resource_version
        await self._complete(version, sink)

    async def _complete(self, version: str, sink: Sink) -> None:
        if not version:
            raise CodecError(f"the list of {self.selection.resource} has no resourceVersion")
        taking = sink(InitDone(version))
        if taking is not None:
            await taking
        self._version = version
        self._failures = 0
        self._in_pages = True
        self._may_stream = self._stream

    async def _watch(self, sink: Sink) -> None:
        began = self._clock.monotonic()
        passed = 0
        async with self._open(self._version, initial=False) as events:
            sink(Following())
            async for event in events:
                self._take(event, sink)
                passed += 1
                if passed % _STRIDE == 0:
                    await asyncio.sleep(0)
        if not passed and self._clock.monotonic() - began < _SHORTEST_WATCH:
            raise EndedEarlyError("the watch ended at once, without any event")
        sink(Interrupted("watch", None, Recovery("Closed"), 0.0))

    async def _stream_picture(self, sink: Sink) -> None:
        sink(Init())
        passed = 0
        async with self._open("", initial=True) as events:
            async for event in events:
                if self._version:
                    self._take(event, sink)
                else:
                    await self._gather(event, sink)
                passed += 1
                if passed % _STRIDE == 0:
                    await asyncio.sleep(0)
        if not self._version:
            raise EndedEarlyError("the watch ended before its initial events did")
        sink(Interrupted("watch", None, Recovery("Closed"), 0.0))

    def _open(
        self, version: str, *, initial: bool
    ) -> AbstractAsyncContextManager[AsyncIterator[WatchEvent]]:
        seconds = self._rng.randint(*_WATCH_SECONDS)
        return self._client.watch(
            self.selection.resource,
            namespace=self.selection.namespace,
            label_selector=self.selection.label_selector,
            field_selector=self.selection.field_selector,
            resource_version=version,
            timeout_seconds=seconds,
            send_initial_events=initial,
            metadata_only=self.selection.metadata_only,
            without_managed_fields=True,
            latest_only=True,
            idle_seconds=_IDLE_SECONDS,
        )

    async def _gather(self, event: WatchEvent, sink: Sink) -> None:
        match event:
            case Added(obj) | Modified(obj):
                sink(InitApply(obj))
            case Deleted(obj):
                sink(Delete(obj))
            case Bookmark(version, initial_events_end=True):
                await self._complete(version, sink)
                sink(Following())
            case Failed(error):
                raise error
            case _:
                return  # a bookmark amid the initial events says nothing yet

    def _take(self, event: WatchEvent, sink: Sink) -> None:
        match event:
            case Added(obj) | Modified(obj):
                sink(Apply(obj))
                self._version = obj.resource_version or self._version
            case Deleted(obj):
                sink(Delete(obj))
                self._version = obj.resource_version or self._version
            case Bookmark(version):
                sink(Progressed(version))
                self._version = version or self._version
            case Failed(error):
                raise error
        self._failures = 0
