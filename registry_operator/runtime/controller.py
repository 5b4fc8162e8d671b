"""Workers that bring keys from the queue to one reconcile function, and act on its answer.

In flow changes of stores, mapped to keys; out flow calls `reconcile(key)`, one at a time per key,
and from each answer the key's next run:

    Done, Blocked, Stalled   forget the back-off; an event brings the key back
    After(delay)             forget the back-off; run again after the delay (not a failure)
    an exception             run again after the key's back-off

The order of these rules, and what counts as which metric, is controller-runtime's
(`pkg/internal/controller`). The key stays locked until its next run is decided.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import structlog
from structlog.contextvars import bind_contextvars

from registry_operator.kube.errors import KubeError
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.change import Change, Removed
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.metrics import Metrics
from registry_operator.runtime.outcome import After, Outcome, Stalled
from registry_operator.runtime.queued import Queued
from registry_operator.runtime.runs import Run, Runs, RunStats
from registry_operator.runtime.waiting import Wait, Waiting
from registry_operator.runtime.workqueue import Priority, QueueClosedError, QueueStats, WorkQueue

Reconcile = Callable[[ObjectKey], Awaitable[Outcome]]
Mapper = Callable[[Object], Iterable[ObjectKey]]

# How many runs a worker may do before other tasks get their turn.
_STRIDE: Final = 4
# A run that takes this part of its time limit is worth a line while it still runs.
_SLOW: Final = 0.5

log = structlog.get_logger(__name__)


class Source(Protocol):
    """Whatever tells changes: a store, or the referred-to part of one."""

    def follow(self, handler: Callable[[Change], None], *, recount: bool = True) -> Iterator[None]:
        """Call `handler` for what is there, in turns, unless told not to, and for every change."""
        ...


class _Watched(NamedTuple):
    source: Source
    on_change: Callable[[Change], None]
    recount: bool


def _always(_change: Change) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class ControllerStats:
    """What the controller does now and did so far."""

    workers: int
    active: int
    reconciles: int
    errors: int
    queue: QueueStats


class Controller:
    """Runs one reconcile function over one queue.

    `timeout` is in seconds per run. One that takes `slow` seconds (half of that, unless said) is
    told with the place where it waits.
    """

    def __init__(  # noqa: PLR0913 - each collaborator is named once, where the operator is put together
        self,
        name: str,
        reconcile: Reconcile,
        *,
        queue: WorkQueue[ObjectKey],
        clock: Clock,
        metrics: Metrics,
        workers: int = 4,
        timeout: float = 60.0,
        slow: float | None = None,
    ) -> None:
        self.name = name
        self._reconcile = reconcile
        self._queue = queue
        self._clock = clock
        self._metrics = metrics.controller(name)
        self._metrics.workers.set(workers)
        self._metrics.active.set_function(lambda: self._active)
        self._workers = workers
        self._timeout = timeout
        self._runs = Runs(slow=timeout * _SLOW if slow is None else slow, limit=timeout)
        self._waiting = Waiting(clock)
        self._ids = itertools.count(1)
        self._sources: list[_Watched] = []
        self._started = False
        self._stopped = asyncio.Event()
        self._active = 0
        self._reconciles = 0
        self._errors = 0

    def enqueue(
        self, key: ObjectKey, *, priority: Priority = Priority.NORMAL, after: float = 0.0
    ) -> None:
        """Ask for a run of the key, now or after that many seconds."""
        self._queue.add(key, priority=priority, after=after)

    def watch(
        self,
        source: Source,
        mapper: Mapper,
        *,
        when: Callable[[Change], bool] = _always,
        after: float = 0.0,
        recount: bool = True,
    ) -> None:
        """Run what `mapper` makes of each changed object, from `run` on.

        Changes for which `when` is false are passed over (see predicate.py). `after` gathers what
        comes within so many seconds into one run. Without `recount` nothing is run for what is
        there when `run` begins: children need not tell of owners that are watched themselves.

        A change is mapped before and after: an object that moves from one owner to another concerns
        both. The initial list and resyncs come at low priority, so that a restart over thousands of
        objects does not hold up the user's next change.
        """

        def on_change(change: Change) -> None:
            if not when(change):
                return
            objects: Iterable[Object | None] = (change.old,)
            priority = Priority.NORMAL
            if not isinstance(change, Removed):
                objects = (change.old, change.new)
                if change.initial or change.resync:
                    priority = Priority.LOW
            keys = {key: None for obj in objects if obj is not None for key in mapper(obj)}
            for key in keys:
                self._queue.add(key, priority=priority, after=after)

        self._sources.append(_Watched(source, on_change, recount))

    async def run(self) -> None:
        """Work until drained or cancelled.

        Raises:
            RuntimeError: it was started before; a controller runs once.
        """
        if self._started:
            raise RuntimeError(f"controller {self.name} was started before")
        self._started = True
        # Not before: a standby would note every key that ever was, and forget none.
        for source, on_change, recount in self._sources:
            for _ in source.follow(on_change, recount=recount):
                await asyncio.sleep(0)
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(self._workers):
                    group.create_task(self._work(), name=f"{self.name}/{number}")
        finally:
            self._stopped.set()

    async def drain(self, grace: float) -> None:
        """Start no further run, and return when those in progress have ended.

        What waits in the queue is dropped: whoever starts next lists anew.

        Raises:
            TimeoutError: a run did not end within `grace` seconds; cancel `run` to cut it off.
        """
        self._queue.shutdown()
        if self._started:
            async with asyncio.timeout(grace):
                await self._stopped.wait()

    def stats(self) -> ControllerStats:
        """What the controller does now and did so far."""
        return ControllerStats(
            workers=self._workers,
            active=self._active,
            reconciles=self._reconciles,
            errors=self._errors,
            queue=self._queue.stats(),
        )

    def runs(self) -> list[RunStats]:
        """What its workers are busy with, and where each waits."""
        return self._runs.stats()

    def urgent(self, most: int) -> list[ObjectKey]:
        """So many keys that are not done: those that run, those that are next, the longest wait."""
        running = [run.key for run in self._runs.stats()]
        keys = (*running, *self._queue.next_keys(most), *self._waiting.longest(most))
        return list(dict.fromkeys(keys))[:most]

    def unfinished(self) -> int:
        """How many keys are not done."""
        running = {run.key for run in self._runs.stats()}
        return len(running | self._queue.keys() | self._waiting.keys())

    def look(self, key: ObjectKey) -> tuple[Queued | None, Wait | None]:
        """How the key is queued, and what it waits for since its last run."""
        return self._queue.look(key), self._waiting.look(key)

    def __repr__(self) -> str:
        return f"Controller({self.name!r}, workers={self._workers}, active={self._active})"

    async def _work(self) -> None:
        bind_contextvars(controller=self.name)
        for number in itertools.count(1):
            try:
                key = await self._queue.get()
            except QueueClosedError:
                return
            self._active += 1
            try:
                await self._run(key)
            finally:
                self._queue.done(key)
                self._active -= 1
            # Runs that had nothing to wait for must not be followed by thousands of their like
            # without a turn for the others: after a start, and for the Lease.
            if number % _STRIDE == 0:
                await asyncio.sleep(0)

    async def _run(self, key: ObjectKey) -> None:
        began = self._clock.monotonic()
        self._reconciles += 1
        number = next(self._ids)
        bind_contextvars(key=str(key), reconcile_id=number)
        with self._runs.running(key, number) as run:
            try:
                async with run.limit:
                    outcome = await self._reconcile(key)
            except asyncio.CancelledError:
                log.warning(
                    "reconcile abandoned", seconds=round(self._clock.monotonic() - began, 3)
                )
                raise
            except Exception as error:  # noqa: BLE001 - a failure is the key's own, never the controller's end
                self._failed(key, error, cut_off=run if run.limit.expired() else None)
            else:
                self._answered(key, outcome)
            finally:
                self._metrics.seconds.observe(self._clock.monotonic() - began)

    def _answered(self, key: ObjectKey, outcome: Outcome) -> None:
        self._queue.forget(key)
        self._waiting.answered(key, outcome)
        result = "success"
        if isinstance(outcome, After):
            result = "requeue_after"
            self._queue.add(key, priority=self._queue.priority(key), after=outcome.delay)
        elif isinstance(outcome, Stalled):
            self._metrics.terminal_errors.inc()
        kind, reason = type(outcome).__name__, getattr(outcome, "reason", "")
        self._metrics.total[result].inc()
        self._metrics.outcomes(kind, reason).inc()
        log.debug("reconciled", outcome=kind, reason=reason)

    def _failed(self, key: ObjectKey, error: Exception, *, cut_off: Run | None) -> None:
        self._errors += 1
        self._waiting.failed(key, error, timed_out=cut_off is not None)
        self._metrics.errors.inc()
        self._metrics.total["error"].inc()
        retry_in = self._queue.add_rate_limited(key, priority=self._queue.priority(key))
        facts = {"failures": self._queue.failures(key), "retry_in": round(retry_in, 3)}
        if cut_off is not None:
            self._metrics.timeouts.inc()
            where = cut_off.at_limit
            log.error("reconcile timed out", seconds=self._timeout, stack=where, **facts)
        elif isinstance(error, KubeError):
            log.error("reconcile failed", error=str(error), **facts)
        else:
            self._metrics.panics.inc()
            log.error("reconcile raised", error=repr(error), exc_info=error, **facts)
