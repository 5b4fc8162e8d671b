"""Events (`kubectl describe`, `kubectl events`): what happened to an object, told to its owner.

In flow calls of `event`, from anywhere and without waiting; out flow writes of events.k8s.io/v1,
one after the other, by `run`. An event is a courtesy: when the API server does not take it, it is
counted and given up, and no reconcile is ever slower or fails for it. Needs the rights to create,
get and patch events.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog

from registry_operator.kube.client import Client
from registry_operator.kube.errors import (
    AlreadyExists,
    ApiError,
    Forbidden,
    KubeError,
    NotFound,
    TransportError,
)
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.backoff import Jittered
from registry_operator.runtime.clock import Clock, micro_time
from registry_operator.runtime.correlator import (
    Correlator,
    EventType,
    Occurrence,
    Reference,
    Series,
    Verdict,
)
from registry_operator.runtime.leader import LeadershipLost
from registry_operator.runtime.metrics import Metrics

EVENTS: Final = Resource("events.k8s.io", "v1", "Event", "events")

_LONGEST_QUEUE: Final = 1000
_TRIES: Final = 12
_LONGEST_PAUSE: Final = 10.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RecorderStats:
    """Writes that wait, series remembered, and what became of events so far."""

    pending: int
    series: int
    sent: int
    dropped: int


class Recorder:
    """Tells events under the name of one `component` (it becomes `reportingController`)."""

    def __init__(  # noqa: PLR0913 - each collaborator is named once, where the operator is put together
        self,
        client: Client,
        *,
        component: str,
        clock: Clock,
        rng: random.Random,
        metrics: Metrics,
        instance: str | None = None,
    ) -> None:
        self._client = client
        self._component = component
        self._instance = instance or component
        self._clock = clock
        self._rng = rng
        self._metrics = metrics
        self._correlator = Correlator()
        self._pending: dict[Occurrence, Series] = {}
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._gatherers: list[Callable[[], None]] = []
        self._sent = 0
        self._dropped = 0

    def event(
        self,
        regarding: Object | Reference,
        type_: EventType,
        reason: str,
        note: str,
        *,
        action: str | None = None,
    ) -> None:
        """Tell that something happened; returns at once and never raises for the API server's sake.

        `action` is what was done or tried, `reason` why it is told (both CamelCase); without an
        action it is the reason. Repetitions become a series of the same event.
        """
        if isinstance(regarding, Object):
            regarding = Reference.of(regarding)
        occurrence = Occurrence(regarding, type_, reason, note, action or reason)
        verdict, series = self._correlator.observe(occurrence, self._clock.monotonic())
        if verdict is Verdict.DROP:
            self._drop("rate-limited")
        elif verdict is Verdict.WRITE:
            self._put(series)

    async def run(self) -> None:
        """Write events until cancelled."""
        while True:
            await self._wait()
            for series in self._correlator.finished(self._clock.monotonic()):
                self._put(series)
            while self._pending:
                series = self._pending.pop(next(iter(self._pending)))
                await self._deliver(series)
            self._work.clear()
            self._idle.set()

    def before_flush(self, tell: Callable[[], None]) -> None:
        """Have somebody who gathers say what he holds, when this is about to write its last."""
        self._gatherers.append(tell)

    async def flush(self, timeout: float) -> None:  # noqa: ASYNC109 - the caller says how long it can wait
        """Write what is pending, last counts included, within the timeout; `run` must go on."""
        for tell in self._gatherers:
            tell()
        for series in self._correlator.unwritten():
            self._put(series)
        try:
            async with asyncio.timeout(timeout):
                await self._idle.wait()
        except TimeoutError:
            log.warning("events not written in time", pending=len(self._pending))

    def stats(self) -> RecorderStats:
        """What waits and what was done."""
        return RecorderStats(len(self._pending), len(self._correlator), self._sent, self._dropped)

    def __repr__(self) -> str:
        return f"Recorder({self._component!r}, {self.stats()})"

    async def _wait(self) -> None:
        """Wait for work, or for the end of a series."""
        due = self._correlator.next_end()
        left = None if due is None else max(0.001, due - self._clock.monotonic() + 0.001)
        try:
            async with asyncio.timeout(left):
                await self._work.wait()
        except TimeoutError:
            log.debug("looking for ended series")

    def _put(self, series: Series) -> None:
        if series.occurrence not in self._pending and len(self._pending) >= _LONGEST_QUEUE:
            self._drop("queue-full")
            return
        self._pending[series.occurrence] = series
        self._work.set()
        self._idle.clear()

    def _drop(self, reason: str) -> None:
        self._dropped += 1
        self._metrics.events_dropped.labels(reason).inc()

    async def _deliver(self, series: Series) -> None:
        """Write a series, again and again while nobody answers; an answer is final."""
        pause = Jittered(clock=self._clock, rng=self._rng, base=1.0, cap=_LONGEST_PAUSE)
        for _ in range(_TRIES):
            try:
                await self._write(series)
            except TransportError as error:
                log.debug("event has to wait", error=str(error))
                await self._clock.sleep(pause.delay())
            except KubeError as error:
                self._refused(series, error)
                return
            else:
                self._sent += 1
                self._metrics.events_sent.labels(series.occurrence.type).inc()
                return
        self._drop("unreachable")

    def _refused(self, series: Series, error: KubeError) -> None:
        quiet = isinstance(error, Forbidden)
        reason = "forbidden" if quiet else "refused"
        if isinstance(error, LeadershipLost):
            quiet, reason = True, "not-leading"
        if isinstance(error, ApiError) and error.is_namespace_terminating:
            quiet, reason = True, "namespace-terminating"
        self._drop(reason)
        level = log.debug if quiet else log.warning
        level("event not written", reason=series.occurrence.reason, error=str(error))

    async def _write(self, series: Series) -> None:
        count = series.count
        if series.written:
            try:
                await self._count(series)
            except NotFound:
                # It lived for its time (an hour by default); what goes on is a new event.
                series.base = 0
                await self._create(series)
        else:
            try:
                await self._create(series)
            except AlreadyExists:
                await self._adopt(series)
        series.written, series.written_at = count, self._clock.monotonic()

    async def _create(self, series: Series) -> None:
        occurrence = series.occurrence
        body: dict[str, Any] = {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.kind,
            "metadata": {"name": self._key(series).name, "namespace": self._key(series).namespace},
            "eventTime": micro_time(self._clock.now()),
            "reportingController": self._component,
            "reportingInstance": self._instance,
            "action": occurrence.action,
            "reason": occurrence.reason,
            "type": occurrence.type,
            "note": occurrence.note,
            "regarding": occurrence.regarding.body(),
        }
        if series.total > 1:
            body["series"] = self._series(series)
        await self._client.create(EVENTS, body)

    async def _adopt(self, series: Series) -> None:
        """Go on with the event that an earlier process, or an earlier series, left."""
        existing = (await self._client.get(EVENTS, self._key(series))).body()
        series.base = (existing.get("series") or {}).get("count", 1)
        await self._count(series)

    async def _count(self, series: Series) -> None:
        patch = {"series": self._series(series)}
        await self._client.patch(EVENTS, self._key(series), patch, kind="merge")

    def _series(self, series: Series) -> dict[str, Any]:
        return {"count": series.total, "lastObservedTime": micro_time(self._clock.now())}

    def _key(self, series: Series) -> ObjectKey:
        # Events about cluster-scoped objects live in "default", as those of client-go do.
        namespace = series.occurrence.regarding.namespace or "default"
        return ObjectKey(namespace, series.occurrence.event_name())
