"""Serving watches: the history of one kind as lines, from a resourceVersion on, to an end.

In flow the storage's changes and the parameters of a watch; out flow the bytes of the stream:
what the selector sees, bookmarks on time, 410 where the history is compacted. A test can delay,
end, cut or stall the streams.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from registry_operator.kube.errors import Gone, TransportError
from registry_operator.kube.resource import Resource
from registry_operator.kube.watch import INITIAL_EVENTS_END
from registry_operator.testing.fake_api.selector import Selector
from registry_operator.testing.fake_api.storage import Body, Change, Storage
from registry_operator.testing.fake_transport import a_status

BOOKMARK_INTERVAL: Final = 60.0

Ending = Literal["end", "cut", "stall"]


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """What a client asked for; `start` is None for the state of now, told as ADDED events."""

    resource: Resource
    namespace: str
    selector: Selector
    start: int | None
    seconds: float
    bookmarks: bool
    initial_events: bool
    metadata_only: bool


class _Stream:
    """One open watch."""

    def __init__(self, options: WatchOptions, *, opened_at: float) -> None:
        self.options = options
        self.wake = asyncio.Event()
        self.ending: Ending | None = None
        self.end = opened_at + options.seconds
        self._bookmark_at = opened_at + BOOKMARK_INTERVAL if options.bookmarks else math.inf

    def is_bookmark_due(self) -> bool:
        """Whether it is time for a bookmark; then the next one is a while off."""
        is_due = _time() >= self._bookmark_at
        if is_due:
            self._bookmark_at = _time() + BOOKMARK_INTERVAL
        return is_due

    async def suffer(self) -> None:
        """Raise TransportError on a cut, never return from a stall."""
        if self.ending == "cut":
            raise TransportError("the connection was cut", sent=True)
        if self.ending == "stall":
            await asyncio.Event().wait()

    async def wait(self, *, until: float) -> None:
        """Return at a change, at an ending, when a bookmark is due, or at `until`."""
        try:
            async with asyncio.timeout_at(min(until, self._bookmark_at)):
                await self.wake.wait()
        except TimeoutError:
            # Which of them it was, the caller sees.
            return


def _time() -> float:
    return asyncio.get_running_loop().time()


class Watches:
    """All open watches of one server.

    `delay` (seconds) holds every change back: a lagging watch cache.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._streams: dict[_Stream, Resource] = {}
        self.delay = 0.0
        storage.subscribe(self._wake)

    def __len__(self) -> int:
        return len(self._streams)

    def drop(self, how: Ending, resource: Resource | None = None) -> None:
        """End the open watches of a kind, or all: cleanly, by a cut, or by silence for ever."""
        for stream, watched in self._streams.items():
            if resource in {None, watched}:
                stream.ending = how
                stream.wake.set()

    @asynccontextmanager
    async def open(self, options: WatchOptions) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open one watch as of now and yield its lines. Reading raises TransportError on a cut."""
        stream = _Stream(options, opened_at=asyncio.get_running_loop().time())
        start = self._storage.revision if options.start is None else options.start
        initial = list(self._initial(options))
        self._streams[stream] = options.resource
        try:
            async with aclosing(self._lines(stream, initial, start)) as lines:
                yield lines
        finally:
            del self._streams[stream]

    async def _lines(
        self, stream: _Stream, initial: list[bytes], cursor: int
    ) -> AsyncGenerator[bytes]:
        for line in initial:
            yield line
        while True:
            stream.wake.clear()
            await stream.suffer()
            try:
                changes = self._storage.since(stream.options.resource, cursor)
            except Gone as error:
                yield _line("ERROR", a_status(error.status, error.reason, error.message))
                return
            ripe = [change for change in changes if change.at + self.delay <= _time()]
            for change in ripe:
                cursor = change.revision
                event = _event(change, stream.options)
                if event is not None:
                    yield event
            if stream.ending == "end" or _time() >= stream.end:
                return
            if stream.is_bookmark_due():
                if len(ripe) == len(changes):
                    cursor = max(cursor, self._storage.revision)
                yield _bookmark(stream.options.resource, cursor)
            held = [change.at + self.delay for change in changes[len(ripe) :]]
            await stream.wait(until=min([stream.end, *held]))

    def _wake(self, _change: Change) -> None:
        for stream in self._streams:
            stream.wake.set()

    def _initial(self, options: WatchOptions) -> Iterator[bytes]:
        if options.start is not None and not options.initial_events:
            return
        for body in self._storage.objects(options.resource, options.namespace):
            if options.selector.matches(body):
                yield _line("ADDED", shown(body, metadata_only=options.metadata_only))
        if options.initial_events and options.bookmarks:
            yield _bookmark(options.resource, self._storage.revision, ends=True)


def shown(body: Body, *, metadata_only: bool) -> Body:
    """Return what the client asked to see of an object."""
    if not metadata_only:
        return body
    kind = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    return kind | {"metadata": body["metadata"]}


def _event(change: Change, options: WatchOptions) -> bytes | None:
    """Tell a change as the selector sees it: what starts or stops matching is added or deleted."""
    if options.namespace not in {"", change.new["metadata"].get("namespace", "")}:
        return None
    before = change.old is not None and options.selector.matches(change.old)
    after = change.kind != "DELETED" and options.selector.matches(change.new)
    if not before and not after:
        return None
    body = change.new
    if before and not after and change.old is not None:
        version = {"resourceVersion": change.new["metadata"]["resourceVersion"]}
        body = change.old | {"metadata": change.old["metadata"] | version}
    kind = "MODIFIED" if before and after else "ADDED" if after else "DELETED"
    return _line(kind, shown(body, metadata_only=options.metadata_only))


def _bookmark(resource: Resource, revision: int, *, ends: bool = False) -> bytes:
    metadata: dict[str, Any] = {"resourceVersion": str(revision)}
    if ends:
        metadata["annotations"] = {INITIAL_EVENTS_END: "true"}
    body = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
    return _line("BOOKMARK", body)


def _line(kind: str, body: Body) -> bytes:
    return orjson.dumps({"type": kind, "object": body}) + b"\n"
