"""The watch protocol, without I/O: bytes in, events out.

In flow chunks of a watch response, cut anywhere; out flow typed events, one for each line. A line
may be of any length: no limit but memory, since an object with its old managedFields may be
larger than any buffer we would guess.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import orjson

from registry_operator.kube.errors import ApiError, CodecError
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey

INITIAL_EVENTS_END: Final = "k8s.io/initial-events-end"


@dataclass(frozen=True, slots=True)
class Added:
    object: Object


@dataclass(frozen=True, slots=True)
class Modified:
    object: Object


@dataclass(frozen=True, slots=True)
class Deleted:
    """The object is gone; `object` is its last state, with the resourceVersion of the deletion."""

    object: Object


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Nothing older than `resource_version` will come.

    The initial events of a WatchList may end with it (KEP-3157).
    """

    resource_version: str
    initial_events_end: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """The server ends the watch and says why, most often `Gone`."""

    error: ApiError


WatchEvent = Added | Modified | Deleted | Bookmark | Failed


class _Line(msgspec.Struct, gc=False):
    type: str
    object: msgspec.Raw


_decode_line = msgspec.json.Decoder(_Line).decode
_CHANGES: Final[dict[str, type[Added | Modified | Deleted]]] = {
    "ADDED": Added,
    "MODIFIED": Modified,
    "DELETED": Deleted,
}


def latest(events: Sequence[WatchEvent]) -> Sequence[WatchEvent]:
    """Those events that no later change of the same object, in the same life, makes old news.

    Who follows what is, and not what was, is spared work where one object changes all the time.
    It misses what a list misses.
    """
    kept: list[WatchEvent] = []
    changed: set[ObjectKey] = set()
    for event in reversed(events):
        if isinstance(event, (Added, Modified)):
            key = event.object.key
            if key in changed:
                continue
            if isinstance(event, Modified):
                changed.add(key)
        elif isinstance(event, Deleted):
            changed.discard(event.object.key)
        kept.append(event)
    kept.reverse()
    return kept


class EventDecoder:
    """Turns the chunks of one watch into events, all or, of each chunk, the `latest`.

    `skipped` counts those of a type we do not know.
    """

    def __init__(self, *, without_managed_fields: bool = False, latest_only: bool = False) -> None:
        self._without_managed_fields = without_managed_fields
        self._latest_only = latest_only
        self._partial: list[bytes] = []
        self.skipped = 0

    def feed(self, chunk: bytes) -> Sequence[WatchEvent]:
        """Return the events completed by this chunk. Raises CodecError."""
        if b"\n" not in chunk:
            self._partial.append(chunk)
            return []
        first, *lines, rest = chunk.split(b"\n")
        first = b"".join([*self._partial, first])
        self._partial = [rest] if rest else []
        events = []
        for line in (first, *lines):
            event = self._event(line) if line.strip() else None
            if event is not None:
                events.append(event)
        return latest(events) if self._latest_only and len(events) > 1 else events

    def end(self) -> None:
        """Say that the stream is over. Raises CodecError when it ended within a line."""
        if any(part.strip() for part in self._partial):
            raise CodecError("the watch ended in the middle of an event")

    def _event(self, line: bytes) -> WatchEvent | None:
        try:
            decoded = _decode_line(line)
        except msgspec.MsgspecError as error:
            raise CodecError(f"not a watch event: {error}") from error
        change = _CHANGES.get(decoded.type)
        if change is not None:
            return change(
                Object.decode(decoded.object, without_managed_fields=self._without_managed_fields)
            )
        if decoded.type == "BOOKMARK":
            metadata = Object.decode(decoded.object).metadata
            ended = metadata.annotations.get(INITIAL_EVENTS_END) == "true"
            return Bookmark(metadata.resource_version, ended)
        if decoded.type == "ERROR":
            status = orjson.loads(bytes(decoded.object))
            return Failed(ApiError.from_status(status if isinstance(status, dict) else {}))
        self.skipped += 1
        return None
