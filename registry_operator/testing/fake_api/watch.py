"""Serving watches: the history of one kind as lines, from a resourceVersion on, to an end.

In flow the storage's changes and the parameters of a watch; out flow the bytes of the stream:
what the selector sees, bookmarks on time, 410 where the history is compacted. What a change looks
like is encoded once for all watches that ask alike. A test can delay, end, cut or stall the
streams.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from registry_operator.kube.errors import Gone, TransportError
from registry_operator.kube.resource import Resource
from registry_operator.kube.watch import INITIAL_EVENTS_END
from registry_operator.testing.fake_api.history import Change
from registry_operator.testing.fake_api.selector import Selector
from registry_operator.testing.fake_api.storage import Body, Storage
from registry_operator.testing.fake_transport import a_status

BOOKMARK_INTERVAL: Final = 60.0
# A last bookmark comes that long before the end, so that the next watch has little to catch up.
_BEFORE_THE_END: Final = 2.0

Ending = Literal["end", "cut", "stall"]


@dataclass(frozen=True, slots=True)
class View:
    """What a client sees of a kind; `namespace` is empty for all of them."""

    namespace: str
    selector: Selector
    metadata_only: bool


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """What a client asked for; `start` is None for the state of now, told as ADDED events."""

    resource: Resource
    view: View
    start: int | None
    seconds: float
    bookmarks: bool
    initial_events: bool


class _Stream:
    """One open watch."""

    def __init__(self, options: WatchOptions, *, opened_at: float) -> None:
        self.options = options
        self.wake = asyncio.Event()
        self.ending: Ending | None = None
        self.end = opened_at + options.seconds
        self._bookmark_at = self._next_bookmark(opened_at)

    def is_bookmark_due(self) -> bool:
        """Whether it is time for a bookmark; then the next one is a while off."""
        is_due = _time() >= self._bookmark_at
        if is_due:
            self._bookmark_at = self._next_bookmark(_time())
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

    def _next_bookmark(self, now: float) -> float:
        at = min(now + BOOKMARK_INTERVAL, self.end - _BEFORE_THE_END)
        return at if self.options.bookmarks and at > now else math.inf


def _time() -> float:
    return asyncio.get_running_loop().time()


class Watches:
    """All open watches of one server.

    `delay` (seconds) holds every change back: a lagging watch cache.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._streams: dict[Resource, dict[_Stream, None]] = {}
        self.delay = 0.0
        storage.subscribe(self._wake)

    def __len__(self) -> int:
        return sum(map(len, self._streams.values()))

    def drop(self, how: Ending, resource: Resource | None = None) -> None:
        """End the open watches of a kind, or all: cleanly, by a cut, or by silence for ever."""
        for watched, streams in self._streams.items():
            if resource in {None, watched}:
                for stream in streams:
                    stream.ending = how
                    stream.wake.set()

    @asynccontextmanager
    async def open(self, options: WatchOptions) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open one watch as of now and yield its lines. Reading raises TransportError on a cut."""
        stream = _Stream(options, opened_at=_time())
        start = self._storage.revision if options.start is None else options.start
        initial = self._initial(options)
        streams = self._streams.setdefault(options.resource, {})
        streams[stream] = None
        try:
            async with aclosing(self._lines(stream, initial, start)) as lines:
                yield lines
        finally:
            del streams[stream]

    async def _lines(
        self, stream: _Stream, initial: list[bytes], cursor: int
    ) -> AsyncGenerator[bytes]:
        for line in initial:
            yield line
        resource, view = stream.options.resource, stream.options.view
        while True:
            stream.wake.clear()
            await stream.suffer()
            try:
                changes = self._storage.history.since(resource, cursor)
            except Gone as error:
                yield _line("ERROR", a_status(410, error.reason, error.message))
                return
            ripe = [change for change in changes if change.at + self.delay <= _time()]
            # Whoever was told everything up to now is not behind, however little that was.
            cursor = self._cursor(cursor, changes, ripe)
            for change in ripe:
                event = self._event(change, view)
                if event is not None:
                    yield event
            if stream.ending == "end" or _time() >= stream.end:
                return
            if stream.is_bookmark_due():
                yield _bookmark(resource, cursor)
            held = [change.at + self.delay for change in changes[len(ripe) :]]
            await stream.wait(until=min([stream.end, *held]))

    def _cursor(self, cursor: int, changes: list[Change], ripe: list[Change]) -> int:
        if len(ripe) == len(changes):
            return max(cursor, self._storage.revision)
        return ripe[-1].revision if ripe else cursor

    def _wake(self, change: Change) -> None:
        for stream in self._streams.get(change.resource, ()):
            stream.wake.set()

    def _initial(self, options: WatchOptions) -> list[bytes]:
        if options.start is not None and not options.initial_events:
            return []
        view = options.view
        lines = [
            self._told("ADDED", body, view)
            for body in self._storage.objects(options.resource, view.namespace)
            if view.selector.matches(body)
        ]
        if options.initial_events and options.bookmarks:
            lines.append(_bookmark(options.resource, self._storage.revision, ends=True))
        return lines

    def _event(self, change: Change, view: View) -> bytes | None:
        if view not in change.lines:
            change.lines[view] = self._seen(change, view)
        return change.lines[view]

    def _seen(self, change: Change, view: View) -> bytes | None:
        """Tell a change as a view sees it: what starts or stops matching is added or deleted."""
        if view.namespace not in {"", change.new["metadata"].get("namespace", "")}:
            return None
        before = change.old is not None and view.selector.matches(change.old)
        after = change.kind != "DELETED" and view.selector.matches(change.new)
        if not before and not after:
            return None
        body = change.new
        if before and not after and change.old is not None:
            version = {"resourceVersion": change.new["metadata"]["resourceVersion"]}
            body = change.old | {"metadata": change.old["metadata"] | version}
        kind = "MODIFIED" if before and after else "ADDED" if after else "DELETED"
        return self._told(kind, body, view)

    def _told(self, kind: str, body: Body, view: View) -> bytes:
        if view.metadata_only:
            return _line(kind, shown(body, metadata_only=True))
        return b'{"type":"%b","object":%b}\n' % (kind.encode(), self._storage.encoded(body))


def shown(body: Body, *, metadata_only: bool) -> Body:
    """Return what the client asked to see of an object."""
    if not metadata_only:
        return body
    kind = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    return kind | {"metadata": body["metadata"]}


def _bookmark(resource: Resource, revision: int, *, ends: bool = False) -> bytes:
    metadata: dict[str, Any] = {"resourceVersion": str(revision)}
    if ends:
        metadata["annotations"] = {INITIAL_EVENTS_END: "true"}
    body = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
    return _line("BOOKMARK", body)


def _line(kind: str, body: Body) -> bytes:
    return orjson.dumps({"type": kind, "object": body}) + b"\n"
