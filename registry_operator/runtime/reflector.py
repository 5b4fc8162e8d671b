"""Keeps one store true to the API server, for ever.

In flow the events of a watcher; out flow complete lists and single changes into the store's writer,
of which this is the only holder. A picture is gathered beside the store and swapped in at once.
What goes wrong is kept as state (`store.stats().error`, `stats()`), never raised: a reflector ends
by cancellation only.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NoReturn

import structlog

from registry_operator.kube.errors import Forbidden, KubeError
from registry_operator.kube.object import Object
from registry_operator.runtime.backoff import Jittered
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.contents import Contents
from registry_operator.runtime.overlay import same_version
from registry_operator.runtime.recovery import Recovery, reason_of
from registry_operator.runtime.store import Store
from registry_operator.runtime.watcher import (
    Apply,
    Delete,
    Event,
    Following,
    Init,
    InitApply,
    InitDone,
    Interrupted,
    Progressed,
    Selection,
    Watcher,
)
from registry_operator.runtime.writer import Failure

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ReflectorStats:
    """How the following goes.

    `restarts` counts ended lists and watches by reason; `sync_seconds` is what the last complete
    list took, None before; `last_event_age` is in seconds since the server last said something
    of the kind, None before.
    """

    restarts: Mapping[str, int]
    lists: int
    watches: int
    sync_seconds: float | None
    last_event_age: float | None
    resource_version: str


class Reflector:
    """Feeds `store` from `watcher`.

    `observer` is called after each list with None, and after each interruption with its reason.
    """

    def __init__(
        self,
        watcher: Watcher,
        store: Store,
        *,
        clock: Clock,
        rng: random.Random,
        observer: Callable[[str | None], None] = lambda _reason: None,
    ) -> None:
        self._watcher = watcher
        self._store = store
        self._writer = store.writer()
        self._clock = clock
        self._backoff = Jittered(clock=clock, rng=rng)
        self._observer = observer
        self._picture: Contents | None = None
        self._picture_began = 0.0
        self._sync_seconds: float | None = None
        self._last_event: float | None = None
        self._restarts: Counter[str] = Counter()
        self._lists = 0
        self._watches = 0
        self._told: str | None = None

    @property
    def selection(self) -> Selection:
        return self._watcher.selection

    def stats(self) -> ReflectorStats:
        """Return how the following goes."""
        last = self._last_event
        return ReflectorStats(
            restarts=MappingProxyType(dict(self._restarts)),
            lists=self._lists,
            watches=self._watches,
            sync_seconds=self._sync_seconds,
            last_event_age=None if last is None else self._clock.monotonic() - last,
            resource_version=self._store.stats().resource_version,
        )

    async def run(self) -> NoReturn:
        """Follow until cancelled. A fault of our own is logged and begins everything anew."""
        while True:
            try:
                await self._watcher.run(self._sink)
            except Exception:
                delay = self._backoff.delay()
                log.exception("reflector failed", kind=str(self.selection), retry_in=delay)
                self._picture = None
                self._watcher.restart()
                self._writer.failed(Failure("InternalError", "the reflector failed; see the log"))
                self._count("InternalError")
                await self._clock.sleep(delay)

    def relist(self) -> None:
        """Read everything anew, now: what is in memory may be older than it looks."""
        self._watcher.relist()

    def _sink(self, event: Event) -> Awaitable[None] | None:
        if isinstance(event, InitDone):
            self._last_event = self._clock.monotonic()
            return self._complete_in_turns(event.resource_version)
        self.take(event)
        return None

    def take(self, event: Event) -> None:
        """Take one event of the watcher into the store."""
        self._heard(event)
        match event:
            case Apply(obj):
                self._writer.upsert(obj)
            case InitApply(obj):
                self._gather(obj)
            case Delete(obj):
                self._delete(obj)
            case Progressed(version):
                self._writer.bookmark(version)
            case Init():
                self._picture = self._writer.picture()
                self._picture_began = self._clock.monotonic()
            case InitDone(version):
                list(self._complete(version))
            case Following():
                self._watches += 1
                self._healed()
            case Interrupted(verb, error, recovery, delay):
                self._picture = None
                if error is not None:
                    self._interrupted(verb, error, recovery, delay)
                self._count(recovery.reason)

    def _heard(self, event: Event) -> None:
        # What we begin, and what nobody answers, is no word of the server.
        if not isinstance(event, (Init, Interrupted)):
            self._last_event = self._clock.monotonic()

    def _gather(self, obj: Object) -> None:
        assert self._picture is not None
        # An object that did not change since is kept, not held twice.
        known = self._store.get(obj.key)
        kept = known if known is not None and same_version(known, obj) else obj
        self._picture.put(kept)

    def _delete(self, obj: Object) -> None:
        if self._picture is None:
            self._writer.remove(obj)
        else:
            self._picture.discard(obj.key)

    async def _complete_in_turns(self, version: str) -> None:
        rest = self._complete(version)
        try:
            for _ in rest:
                await asyncio.sleep(0)
        finally:
            # Broken off, as by `relist`: what is in the store already must be told all the same.
            list(rest)

    def _complete(self, version: str) -> Iterator[None]:
        assert self._picture is not None
        picture, self._picture = self._picture, None
        yield from self._writer.swap(picture, version)
        self._lists += 1
        self._sync_seconds = self._clock.monotonic() - self._picture_began
        log.debug("listed", kind=str(self.selection), objects=len(picture.objects))
        self._observer(None)

    def _healed(self) -> None:
        self._writer.failed(None)
        if self._told is not None:
            log.info("following again", kind=str(self.selection), after=self._told)
        self._told = None

    def _interrupted(self, verb: str, error: KubeError, recovery: Recovery, delay: float) -> None:
        failure = Failure(reason_of(error), self._describe(verb, error))
        if recovery.absent:
            self._writer.unavailable(failure)
        else:
            self._writer.failed(failure)
        if self._told != failure.reason:
            log.warning(
                "not following",
                kind=str(self.selection),
                reason=failure.reason,
                message=failure.message,
                retry_in=round(delay, 1),
            )
        self._told = failure.reason

    def _describe(self, verb: str, error: KubeError) -> str:
        """Say what failed; a missing right by verb and resource, as in an RBAC rule."""
        if not isinstance(error, Forbidden):
            return str(error)
        selection = self.selection
        where = (
            f"in namespace {selection.namespace}" if selection.namespace else "in all namespaces"
        )
        return f'the right to "{verb}" {selection.resource} {where} is missing: {error.message}'

    def _count(self, reason: str) -> None:
        self._restarts[reason] += 1
        self._observer(reason)
