"""The queue between events and reconcilers: keys go in as often as they like, each comes out once.

In flow keys with a priority and, maybe, a delay; out flow keys, each to one worker at a time. Why
not `asyncio.Queue`: it knows no duplicates, no delay, no priority, and nobody who is still busy
with a key.

         add(after=d)                  due                        get()
    ----------------> delayed ---------------------> ready ------------------> processing
                         |        add() cuts it short  ^ ^                         |  |
                         +-----------------------------+ |   added meanwhile:      |  | done()
                                                         +-- waits for done() -----+  v

The rules are client-go's (`util/workqueue`) and, for priorities and delays, those of
controller-runtime's priority queue. One event loop, no locks: no await stands between a look at the
state and its change.
"""

import asyncio
import heapq
import itertools
from collections import Counter, deque
from collections.abc import Hashable
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry

from registry_operator.runtime.backoff import Exponential
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.metrics import Metrics
from registry_operator.runtime.queued import Queued, QueuedState

K = TypeVar("K", bound=Hashable)


class Priority(IntEnum):
    """Classes, not numbers: each is a metric label. A higher class is always served first."""

    LOW = -100
    NORMAL = 0
    HIGH = 100


class QueueClosedError(Exception):
    """The queue was shut down: there is nothing more to get."""


@dataclass(frozen=True, slots=True)
class QueueStats:
    """What the queue holds now, and how often it was asked; `longest_running` is in seconds."""

    ready: int
    held: int
    delayed: int
    processing: int
    failing: int
    longest_running: float
    closed: bool


@dataclass(slots=True)
class _Ready:
    priority: Priority
    ticket: int
    since: float


@dataclass(slots=True)
class _Delayed:
    priority: Priority
    due: float
    timer: asyncio.TimerHandle


@dataclass(frozen=True, slots=True)
class _Running:
    priority: Priority
    since: float


class WorkQueue(Generic[K]):
    """Keys to work on, without duplicates, in order of priority, then of becoming ready.

    A high priority can starve a low one for as long as it keeps coming; there is no ageing.
    """

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        limiter: Exponential[K] | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self.name = name
        self._clock = clock
        self._limiter = Exponential[K]() if limiter is None else limiter
        self._metrics = (metrics or Metrics(CollectorRegistry())).queue(name)
        # What is in `_ready`, by priority: kept, because nothing is walked when figures are read.
        self._depth: Counter[int] = Counter()
        self._metrics.watch(
            depth=lambda priority: self._depth[priority],
            unfinished=self._unfinished_seconds,
            longest=self._longest_seconds,
        )
        self._ready: dict[K, _Ready] = {}
        self._delayed: dict[K, _Delayed] = {}
        self._processing: dict[K, _Running] = {}
        # Tickets only: a raised priority leaves a stale ticket behind, but never a stale key.
        self._order: list[tuple[int, int]] = []
        self._by_ticket: dict[int, K] = {}
        self._tickets = itertools.count()
        self._getters: deque[asyncio.Future[None]] = deque()
        self._drainers: deque[asyncio.Future[None]] = deque()
        self._accepting = True
        self._closed = False

    def add(self, key: K, *, priority: Priority = Priority.NORMAL, after: float = 0.0) -> None:
        """Ask for a run of the key, now or `after` seconds from now.

        Asking again changes a waiting key only for the better: the higher priority and the earlier
        time win. A key that is being processed comes again when it is done. After shutdown:
        nothing.
        """
        if not self._accepting:
            return
        if after > 0:
            self._metrics.retries.inc()
        waiting = self._ready.get(key)
        if waiting is not None:
            self._raise(key, waiting, priority)
        elif after > 0:
            self._delay(key, priority, self._clock.monotonic() + after)
        else:
            delayed = self._delayed.pop(key, None)
            if delayed is not None:
                delayed.timer.cancel()
                priority = max(priority, delayed.priority)
            self._make_ready(key, priority)

    def add_rate_limited(self, key: K, *, priority: Priority = Priority.NORMAL) -> float:
        """Ask for a run of the key after its back-off, count a failure, return the seconds."""
        delay = self._limiter.delay(key)
        self.add(key, priority=priority, after=delay)
        return delay

    def forget(self, key: K) -> None:
        """Start the key's back-off anew; what is queued stays queued."""
        self._limiter.forget(key)

    def failures(self, key: K) -> int:
        """Failures of the key since it was last forgotten."""
        return self._limiter.failures(key)

    def priority(self, key: K) -> Priority:
        """The priority that a key in processing was handed out with, to ask again in its class."""
        running = self._processing.get(key)
        return Priority.NORMAL if running is None else running.priority

    async def get(self) -> K:
        """Wait for the next key; it is the caller's until `done(key)`.

        Raises:
            QueueClosedError: shut down; what waited is dropped, for whoever starts lists anew.
        """
        while True:
            if self._closed:
                raise QueueClosedError(self.name)
            if self._by_ticket:
                return self._take()
            getter = asyncio.get_running_loop().create_future()
            self._getters.append(getter)
            try:
                await getter
            except asyncio.CancelledError:
                if not getter.cancelled():
                    # Woken and cancelled at once: the wake-up belongs to somebody else now.
                    self._wake_getter()
                elif getter in self._getters:
                    self._getters.remove(getter)
                raise

    def done(self, key: K) -> None:
        """Give the key back; harmless without `get`."""
        running = self._processing.pop(key, None)
        if running is None:
            return
        self._metrics.work_duration.observe(self._clock.monotonic() - running.since)
        waiting = self._ready.get(key)
        if waiting is not None:
            self._line_up(key, waiting)
        if not self._ready and not self._processing:
            _release(self._drainers)

    def shutdown(self) -> None:
        """Take nothing more, hand out nothing more, let every waiter go; also breaks a drain."""
        self._accepting = False
        self._closed = True
        self._drop_delayed()
        self._depth.clear()
        self._ready.clear()
        self._by_ticket.clear()
        self._order.clear()
        _release(self._getters)
        _release(self._drainers)

    async def drain(self) -> None:
        """Take nothing more, and return when all that was ready is done, runs in progress included.

        Delayed keys are dropped. Workers must go on until then; afterwards `get` raises.
        """
        self._accepting = False
        self._drop_delayed()
        if self._ready or self._processing:
            drainer = asyncio.get_running_loop().create_future()
            self._drainers.append(drainer)
            await drainer
        self.shutdown()

    def __len__(self) -> int:
        """Keys that a worker could have now."""
        return len(self._by_ticket)

    def stats(self) -> QueueStats:
        """What the queue holds now."""
        return QueueStats(
            ready=len(self._by_ticket),
            held=len(self._ready) - len(self._by_ticket),
            delayed=len(self._delayed),
            processing=len(self._processing),
            failing=len(self._limiter),
            longest_running=self._longest_seconds(),
            closed=self._closed,
        )

    def next_keys(self, most: int) -> list[K]:
        """So many keys that wait: first those that are next, then the delayed as they are due."""
        ready = heapq.nsmallest(
            most, self._ready.items(), key=lambda one: (-one[1].priority, one[1].ticket)
        )
        delayed = heapq.nsmallest(most, self._delayed.items(), key=lambda one: one[1].due)
        return [key for key, _ in (*ready, *delayed)][:most]

    def keys(self) -> set[K]:
        """All keys that wait."""
        # From the dictionaries, not their views: those would hash every key anew.
        return set(self._ready).union(self._delayed)

    def look(self, key: K) -> Queued | None:
        """How the key waits; None when it does not."""
        failures = self.failures(key)
        ready, delayed = self._ready.get(key), self._delayed.get(key)
        if ready is not None:
            state: QueuedState = "ready" if ready.ticket in self._by_ticket else "held"
            return Queued(state, ready.priority.name, ready.since, failures)
        if delayed is not None:
            return Queued("delayed", delayed.priority.name, delayed.due, failures)
        return None

    def _take(self) -> K:
        while True:
            _, ticket = heapq.heappop(self._order)
            if ticket in self._by_ticket:
                break
        key = self._by_ticket.pop(ticket)
        entry = self._ready.pop(key)
        now = self._clock.monotonic()
        self._processing[key] = _Running(entry.priority, now)
        self._depth[entry.priority] -= 1
        self._metrics.queue_duration.observe(now - entry.since)
        return key

    def _make_ready(self, key: K, priority: Priority) -> None:
        self._metrics.adds.inc()
        self._depth[priority] += 1
        entry = _Ready(priority, next(self._tickets), self._clock.monotonic())
        self._ready[key] = entry
        if key not in self._processing:
            self._line_up(key, entry)

    def _raise(self, key: K, entry: _Ready, priority: Priority) -> None:
        if priority <= entry.priority:
            return
        self._depth[entry.priority] -= 1
        self._depth[priority] += 1
        lined_up = self._by_ticket.pop(entry.ticket, None) is not None
        entry.priority, entry.ticket = priority, next(self._tickets)
        if lined_up:
            self._by_ticket[entry.ticket] = key
            heapq.heappush(self._order, (-priority, entry.ticket))

    def _line_up(self, key: K, entry: _Ready) -> None:
        self._by_ticket[entry.ticket] = key
        heapq.heappush(self._order, (-entry.priority, entry.ticket))
        self._wake_getter()

    def _delay(self, key: K, priority: Priority, due: float) -> None:
        pending = self._delayed.get(key)
        if pending is not None:
            pending.priority = max(pending.priority, priority)
            if pending.due <= due:
                return
            priority = pending.priority
            pending.timer.cancel()
        timer = asyncio.get_running_loop().call_at(due, self._ripen, key)
        self._delayed[key] = _Delayed(priority, due, timer)

    def _ripen(self, key: K) -> None:
        self._make_ready(key, self._delayed.pop(key).priority)

    def _drop_delayed(self) -> None:
        for delayed in self._delayed.values():
            delayed.timer.cancel()
        self._delayed.clear()

    def _wake_getter(self) -> None:
        while self._getters:
            getter = self._getters.popleft()
            if not getter.done():
                getter.set_result(None)
                return

    def _unfinished_seconds(self) -> float:
        now = self._clock.monotonic()
        return sum(now - running.since for running in self._processing.values())

    def _longest_seconds(self) -> float:
        oldest = min((running.since for running in self._processing.values()), default=None)
        return 0.0 if oldest is None else self._clock.monotonic() - oldest


def _release(waiters: deque[asyncio.Future[None]]) -> None:
    while waiters:
        waiter = waiters.popleft()
        if not waiter.done():
            waiter.set_result(None)
