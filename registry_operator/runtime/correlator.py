"""Which of many things that happened are worth a write: the memory behind the event recorder.

In flow occurrences, as often as reconcilers see them; out flow series that want to be written now.
Pure: time is an argument. The first occurrence is written, the second makes it a series, further
ones are counted here and written every half hour and when silence ends the series (client-go,
`tools/events`). Two guards against floods come from its older recorder: many different notes for
one reason become one combined event, and each object has a bucket of writes.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final, Literal

from registry_operator.kube.object import Object

EventType = Literal["Normal", "Warning"]

_MOST_REMEMBERED: Final = 4096
_REFRESH_SECONDS: Final = 1800.0
_SILENCE_SECONDS: Final = 360.0
_MOST_NOTES: Final = 10
_NOTES_SECONDS: Final = 600.0
_BURST: Final = 25.0
_REFILL_SECONDS: Final = 300.0
_COMBINED: Final = "(combined from similar events): "
_LONGEST_NOTE: Final = 1024
_LONGEST_WORD: Final = 128
_LONGEST_NAME: Final = 253


@dataclass(frozen=True, slots=True)
class Reference:
    """Whom an event is about (core/v1 ObjectReference)."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str = ""

    @classmethod
    def of(cls, obj: Object) -> "Reference":
        """Refer to an object that carries its type."""
        return cls(obj.api_version, obj.kind, obj.namespace, obj.name, obj.uid)

    def body(self) -> dict[str, str]:
        """As it stands in an event; absent fields left out."""
        fields = {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "namespace": self.namespace,
            "name": self.name,
            "uid": self.uid,
        }
        return {name: value for name, value in fields.items() if value}


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened to an object; overlong texts are cut to what the API allows."""

    regarding: Reference
    type: EventType
    reason: str
    note: str
    action: str

    def fitted(self) -> "Occurrence":
        """Return it within the limits of events.k8s.io/v1: 128 characters, 1 kB of note."""
        return replace(
            self,
            reason=self.reason[:_LONGEST_WORD],
            action=self.action[:_LONGEST_WORD],
            note=_cut(self.note, _LONGEST_NOTE),
        )

    def event_name(self) -> str:
        """Name of the event: the same after a restart, so that it is found instead of doubled."""
        told = "\0".join((*self.regarding.body().values(), self.type, self.reason, self.action))
        digest = hashlib.sha256(f"{told}\0{self.note}".encode()).hexdigest()[:16]
        return f"{self.regarding.name[: _LONGEST_NAME - 17].rstrip('.-')}.{digest}"


@dataclass(slots=True)
class Series:
    """One event and how often it happened; `base` is what earlier processes had counted."""

    occurrence: Occurrence
    last: float
    count: int = 1
    base: int = 0
    written: int = 0
    written_at: float = 0.0

    @property
    def total(self) -> int:
        """Occurrences in all."""
        return self.base + self.count


class Verdict(Enum):
    """What to do about an occurrence."""

    WRITE = "write"
    COUNT = "count"
    DROP = "drop"


@dataclass(slots=True)
class _Notes:
    since: float
    seen: set[str] = field(default_factory=set)
    combined: str = ""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Correlator:
    """Remembers recent events, the least recent of too many forgotten."""

    def __init__(self) -> None:
        # The one that was silent for the longest time first.
        self._series: OrderedDict[Occurrence, Series] = OrderedDict()
        self._notes: OrderedDict[tuple[Any, ...], _Notes] = OrderedDict()
        self._buckets: OrderedDict[Reference, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        """Series in memory."""
        return len(self._series)

    def observe(self, occurrence: Occurrence, now: float) -> tuple[Verdict, Series]:
        """Take notice of what happened at monotonic time `now`; say whether to write its series."""
        occurrence = self._combined(occurrence.fitted(), now)
        series = self._series.get(occurrence)
        if series is None or now - series.last > _SILENCE_SECONDS:
            series = _remember(self._series, occurrence, Series(occurrence, last=now))
        else:
            self._series.move_to_end(occurrence)
            series.count += 1
            series.last = now
        if series.written > 1 and now - series.written_at < _REFRESH_SECONDS:
            return Verdict.COUNT, series
        return (Verdict.WRITE if self._affords(occurrence, now) else Verdict.DROP), series

    def finished(self, now: float) -> list[Series]:
        """Forget the series that silence has ended; return those not written to the end."""
        ended = []
        while self._series:
            oldest = next(iter(self._series.values()))
            if now - oldest.last <= _SILENCE_SECONDS:
                break
            ended.append(self._series.pop(oldest.occurrence))
        return [series for series in ended if series.count > series.written > 0]

    def unwritten(self) -> list[Series]:
        """Return the series that were counted further than written."""
        return [series for series in self._series.values() if series.count > series.written > 0]

    def next_end(self) -> float | None:
        """When silence will end the first of the series, as things are; None without any."""
        oldest = next(iter(self._series.values()), None)
        return None if oldest is None else oldest.last + _SILENCE_SECONDS

    def _combined(self, occurrence: Occurrence, now: float) -> Occurrence:
        group = (occurrence.regarding, occurrence.type, occurrence.reason, occurrence.action)
        notes = self._notes.get(group)
        if notes is None or now - notes.since > _NOTES_SECONDS:
            notes = _remember(self._notes, group, _Notes(now))
        if len(notes.seen) < _MOST_NOTES or occurrence.note in notes.seen:
            notes.seen.add(occurrence.note)
            return occurrence
        notes.combined = notes.combined or _cut(_COMBINED + occurrence.note, _LONGEST_NOTE)
        return replace(occurrence, note=notes.combined)

    def _affords(self, occurrence: Occurrence, now: float) -> bool:
        bucket = self._buckets.get(occurrence.regarding)
        if bucket is None:
            bucket = _remember(self._buckets, occurrence.regarding, _Bucket(_BURST, now))
        bucket.tokens = min(_BURST, bucket.tokens + (now - bucket.at) / _REFILL_SECONDS)
        bucket.at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True


def _remember(memory: "OrderedDict[Any, Any]", key: Any, value: Any) -> Any:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > _MOST_REMEMBERED:
        memory.popitem(last=False)
    return value


def _cut(text: str, limit: int) -> str:
    """Cut to a number of bytes, never within a character."""
    raw = text.encode()
    if len(raw) <= limit:
        return text
    return raw[: limit - len("…".encode())].decode(errors="ignore") + "…"
