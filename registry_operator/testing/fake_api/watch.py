"""Serving watches: the history of one kind as lines, from a resourceVersion on, to an end.

In flow the storage's changes and the parameters of a watch; out flow the bytes of the stream:
what the selector sees, bookmarks on time, 410 where the history is compacted. A test can delay,
end, cut or stall the streams.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator
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

    def __init__(self) -> None:
        self.wake = asyncio.Event()
        self.ending: Ending | None = None


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

    async def serve(self, options: WatchOptions) -> AsyncGenerator[bytes]:
        """Yield the lines of one watch. Raises TransportError when it is cut."""
        stream = _Stream()
        self._streams[stream] = options.resource
        loop = asyncio.get_running_loop()
        end = loop.time() + options.seconds
        bookmark_at = loop.time() + BOOKMARK_INTERVAL
        try:
            cursor = self._storage.revision if options.start is None else options.start
            for line in self._initial(options):
                yield line
            while loop.time() < end and stream.ending != "end":
                if stream.ending == "stall":
                    await asyncio.Event().wait()
                stream.wake.clear()
                try:
                    changes = self._storage.since(options.resource, cursor)
                except Gone as error:
                    yield _line("ERROR", a_status(error.status, error.reason, error.message))
                    return
                ripe = [change for change in changes if change.at + self.delay <= loop.time()]
                for change in ripe:
                    cursor = change.revision
                    event = _event(change, options)
                    if event is not None:
                        yield event
                if options.bookmarks and loop.time() >= bookmark_at:
                    bookmark_at = loop.time() + BOOKMARK_INTERVAL
                    if len(ripe) == len(changes):
                        cursor = max(cursor, self._storage.revision)
                    yield _bookmark(options.resource, cursor)
                pending = changes[len(ripe)].at + self.delay if len(ripe) < len(changes) else end
                await _wait(stream, min(end, bookmark_at, pending))
                if stream.ending == "cut":
                    raise TransportError("the connection was cut", sent=True)
        finally:
            del self._streams[stream]

    def _wake(self) -> None:
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


async def _wait(stream: _Stream, until: float) -> None:
    try:
        async with asyncio.timeout_at(until):
            await stream.wake.wait()
    except TimeoutError:
        # Time for a bookmark, a delayed change or the end: the caller looks which.
        return


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
