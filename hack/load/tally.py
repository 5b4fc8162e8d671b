"""What became of each request: counts, latencies and a timeline of seconds.

In flow requests that ended; out flows a `Report` at any moment. A request belongs to the second in
which it was due, whatever time it took: so a second tells how those fared who came in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hack.bench.quantile import quantile
from hack.load.failure import RequestError

_REMEMBERED = 500


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that failed; `at` are seconds since the load began."""

    at: float
    seconds: float
    operation: str
    kind: str
    words: str

    def __str__(self) -> str:
        after = f"{self.at:.2f} s, after {self.seconds:.2f} s"
        return f"{after}: {self.operation}: {self.kind}: {self.words}"


@dataclass(frozen=True, slots=True)
class Latency:
    """Quantiles, in seconds, of requests that went well."""

    median: float = 0.0
    p99: float = 0.0
    most: float = 0.0

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Latency:
        """The quantiles of some latencies; all 0 when there are none."""
        if not seconds:
            return cls()
        return cls(quantile(seconds, 0.5), quantile(seconds, 0.99), max(seconds))


@dataclass(frozen=True, slots=True)
class Row:
    """What became of the requests of one operation."""

    requests: int
    failed: Mapping[str, int]
    latency: Latency


@dataclass(frozen=True, slots=True)
class Second:
    """What became of the requests due in one second; `slowest` is of those that went well."""

    requests: int
    failed: int
    slowest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of a load so far. `failures` are the first 500, `failed` counts all.

    `resent` are requests that met a kept connection which the server had just closed (wire.py);
    `opened` are connections. `late` is by how much the latest journey began after its time, as too
    many others were still under way. `last_failure` is when the last request was due that failed.
    """

    seconds: float
    requests: int
    failed: int
    resent: int
    opened: int
    journeys: int
    late: float
    latency: Latency
    operations: Mapping[str, Row]
    timeline: Sequence[Second]
    failures: Sequence[Failure]
    last_failure: float | None

    @property
    def rate(self) -> float:
        """How many requests were due in a second, while any were."""
        busy = [number for number, second in enumerate(self.timeline) if second.requests]
        return self.requests / (busy[-1] + 1) if busy else 0.0

    def none_failed_after(self, at: float) -> float:
        """How many seconds after `at` the last request was due that failed; 0 when none did."""
        return max(0.0, self.last_failure - at) if self.last_failure is not None else 0.0


@dataclass(slots=True)
class _Operation:
    latencies: list[float] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)

    def row(self) -> Row:
        requests = len(self.latencies) + self.failed.total()
        return Row(requests, dict(self.failed), Latency.of(self.latencies))


@dataclass(slots=True)
class _Second:
    requests: int = 0
    failed: int = 0
    slowest: float = 0.0


@dataclass(frozen=True, slots=True)
class Count:
    """How many requests ended so far, and how many of them failed."""

    requests: int
    failed: int


class Tally:
    """Counts; `began` is when the load did, on the clock that all times here are of."""

    def __init__(self, began: float) -> None:
        self._began = began
        self._operations: dict[str, _Operation] = {}
        self._seconds: dict[int, _Second] = {}
        self._failures: list[Failure] = []
        self._last_failure: float | None = None
        self._late = 0.0
        self.count = Count(0, 0)
        self.resent = 0
        self.opened = 0
        self.journeys = 0

    def went_well(self, operation: str, *, due: float, ended: float) -> None:
        """Count a request that was answered as it should be."""
        latency = ended - due
        self._of(operation).latencies.append(latency)
        second = self._second(due)
        second.slowest = max(second.slowest, latency)
        self.count = Count(self.count.requests + 1, self.count.failed)

    def failed(self, operation: str, failed: RequestError, *, due: float, ended: float) -> None:
        """Count a request that failed."""
        at = due - self._began
        self._of(operation).failed[failed.kind] += 1
        self._second(due).failed += 1
        self.count = Count(self.count.requests + 1, self.count.failed + 1)
        self._last_failure = max(at, self._last_failure or 0.0)
        if len(self._failures) < _REMEMBERED:
            told = Failure(at, ended - due, operation, failed.kind, str(failed))
            self._failures.append(told)

    def journey(self, *, late: float) -> None:
        """Count a journey that begins."""
        self.journeys += 1
        self._late = max(self._late, late)

    def report(self, now: float) -> Report:
        """Everything so far."""
        rows = {name: one.row() for name, one in sorted(self._operations.items())}
        every = [took for one in self._operations.values() for took in one.latencies]
        return Report(
            seconds=now - self._began,
            requests=self.count.requests,
            failed=self.count.failed,
            resent=self.resent,
            opened=self.opened,
            journeys=self.journeys,
            late=self._late,
            latency=Latency.of(every),
            operations=rows,
            timeline=self._timeline(now),
            failures=tuple(self._failures),
            last_failure=self._last_failure,
        )

    def _of(self, operation: str) -> _Operation:
        return self._operations.setdefault(operation, _Operation())

    def _second(self, due: float) -> _Second:
        second = self._seconds.setdefault(int(due - self._began), _Second())
        second.requests += 1
        return second

    def _timeline(self, now: float) -> list[Second]:
        every = (self._seconds.get(n, _Second()) for n in range(int(now - self._began) + 1))
        return [Second(one.requests, one.failed, one.slowest) for one in every]
