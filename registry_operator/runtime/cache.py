"""All kinds that this operator reads: one store and one reflector for each, and nothing else.

In flow declarations, then the API server's events; out flow stores. Reading a kind that was not
declared raises: a cache that grows on demand copies other people's clusters into memory
(controller-runtime issue 1491). The garbage collector rests while the first lists come in and
afterwards never looks at them again: a full collection over a filled cache stalls the event loop
for longer than a Lease can wait.
"""

import asyncio
import gc
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from registry_operator.kube.client import Client
from registry_operator.kube.resource import Resource
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.index import IndexFunc
from registry_operator.runtime.metrics import Metrics
from registry_operator.runtime.reflector import Reflector, ReflectorStats
from registry_operator.runtime.store import Store, StoreStats
from registry_operator.runtime.watcher import Selection, Watcher

# A required kind may stay away for hours: the collector does not wait for it.
_LONGEST_REST: Final = 30.0
# What keeps an optional kind from being read without keeping the operator from its work.
_SETTLING: Final = ("NotFound", "Forbidden")


class NotDeclaredError(LookupError):
    """Somebody reads a kind that the operator does not watch; the message has the line to add."""


class NotSyncedError(TimeoutError):
    """Required kinds could not be read in time; the message says which and why."""


class Collector(Protocol):
    """What the cache asks of the garbage collector."""

    def rest(self) -> None:
        """Collect nothing until `resume`."""
        ...

    def resume(self) -> None:
        """Collect again, but never look again at what is there now."""
        ...


class GarbageCollector:
    """Python's own; a process has one, so it has one cache."""

    def rest(self) -> None:
        """Switch collection off, and never look again at the modules."""
        gc.freeze()
        gc.disable()

    def resume(self) -> None:
        """Freeze what is there and switch collection on.

        Without a collection before: it would stall for what it is to spare us, and the little
        garbage of a start is not worth it.
        """
        gc.freeze()
        gc.enable()


@dataclass(frozen=True, slots=True)
class KindStats:
    """One declared kind: what its store holds and how its reflector fares."""

    optional: bool
    settled: bool
    store: StoreStats
    reflector: ReflectorStats


@dataclass(frozen=True, slots=True, eq=False)
class _Kind:
    selection: Selection
    optional: bool
    store: Store
    reflector: Reflector

    @property
    def settled(self) -> bool:
        if self.store.synced or not self.optional:
            return self.store.synced
        return self._is_excused or not self.store.available

    @property
    def _is_excused(self) -> bool:
        error = self.store.error
        return error is not None and error.reason in _SETTLING

    def is_behind(self, lists: int) -> bool:
        """Whether no list has been completed since there were so many, though one can be."""
        can_be = self.store.available and not (self.optional and self._is_excused)
        return can_be and self.reflector.stats().lists <= lists


class Cache:
    """The declared kinds: declare first, then `run`. `stream` asks for WatchList, not for pages."""

    def __init__(  # noqa: PLR0913 - what the outside world is to a cache, each replaceable
        self,
        client: Client,
        *,
        clock: Clock,
        rng: random.Random,
        metrics: Metrics,
        collector: Collector | None = None,
        stream: bool = False,
    ) -> None:
        self._client = client
        self._clock = clock
        self._rng = rng
        self._metrics = metrics
        self._collector = GarbageCollector() if collector is None else collector
        self._stream = stream
        self._kinds: dict[tuple[Resource, bool], _Kind] = {}
        self._running = False
        self._news = asyncio.Event()

    def declare(  # noqa: PLR0913 - the selectors of the list verb
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
        indexes: Mapping[str, IndexFunc] | None = None,
        metadata_only: bool = False,
        optional: bool = False,
    ) -> Store:
        """Watch a kind; a kind may be declared once in full and once as metadata only.

        An `optional` kind that is not served, or may not be read, does not hold up the start.
        Raises ValueError for a second declaration, RuntimeError once the cache runs.
        """
        if self._running:
            raise RuntimeError(f"{resource} was declared after the cache was started")
        if (resource, metadata_only) in self._kinds:
            raise ValueError(f"{resource} is declared twice")
        selection = Selection(resource, namespace, label_selector, field_selector, metadata_only)
        name = str(selection)
        store = Store(
            resource,
            indexes=indexes,
            on_handler_failure=self._metrics.handler_errors.labels(name).inc,
        )
        reflector = Reflector(
            Watcher(self._client, selection, clock=self._clock, rng=self._rng, stream=self._stream),
            store,
            clock=self._clock,
            rng=self._rng,
            observer=lambda reason: self._progressed(name, reason),
        )
        self._kinds[resource, metadata_only] = _Kind(selection, optional, store, reflector)
        self._measure(name, store, reflector)
        return store

    def store(self, resource: Resource, *, metadata_only: bool = False) -> Store:
        """Return the store of a declared kind. Raises NotDeclaredError."""
        kind = self._kinds.get((resource, metadata_only))
        if kind is None:
            form = ", metadata_only=True" if metadata_only else ""
            raise NotDeclaredError(
                f"{resource} is not watched; add cache.declare({resource.kind}{form}) at the start"
            )
        return kind.store

    @property
    def synced(self) -> bool:
        """Whether every required kind is in memory now, and every optional one or known missing."""
        return all(kind.settled for kind in self._kinds.values())

    def pending(self) -> list[str]:
        """Name the kinds that are not in memory now, each with the reason if one is known."""
        pending = []
        for kind in self._kinds.values():
            if not kind.settled:
                error = kind.store.error
                why = f" ({error.reason}: {error.message})" if error else ""
                pending.append(f"{kind.selection}{why}")
        return pending

    async def wait_synced(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - of the contract
        """Wait until `synced`. Raises NotSyncedError after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                while not self.synced:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError as error:
            raise NotSyncedError("not in memory: " + "; ".join(self.pending())) from error

    async def catch_up(
        self,
        resource_version: str,
        timeout: float | None = None,  # noqa: ASYNC109 - of the contract
    ) -> None:
        """Return when every kind shows all that was written up to now.

        A kind whose watch has passed `resource_version` does already; the others are read anew, as
        their watches may have stood still without anybody noticing. Raises NotSyncedError after
        `timeout` seconds.
        """
        before = {
            kind: kind.reflector.stats().lists
            for kind in self._kinds.values()
            if kind.store.synced and not kind.store.has_passed(resource_version)
        }
        for kind in before:
            kind.reflector.relist()
        try:
            async with asyncio.timeout(timeout):
                while any(kind.is_behind(lists) for kind, lists in before.items()):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError as error:
            late = [str(kind.selection) for kind, lists in before.items() if kind.is_behind(lists)]
            raise NotSyncedError(f"not read anew: {', '.join(late)}") from error

    async def run(self) -> None:
        """Follow all declared kinds until cancelled. Raises RuntimeError when it runs already."""
        if self._running:
            raise RuntimeError("the cache runs already")
        self._running = True
        self._collector.rest()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._resume_collector(), name="cache: garbage collector")
                for kind in self._kinds.values():
                    group.create_task(kind.reflector.run(), name=f"reflector: {kind.selection}")
        finally:
            self._running = False

    def stats(self) -> dict[str, KindStats]:
        """Return the state of every kind by name."""
        return {
            str(kind.selection): KindStats(
                kind.optional, kind.settled, kind.store.stats(), kind.reflector.stats()
            )
            for kind in self._kinds.values()
        }

    async def _resume_collector(self) -> None:
        try:
            await self.wait_synced(_LONGEST_REST)
        except NotSyncedError:
            # Whoever waits for the kinds says what is missing; this only ends the rest.
            return
        finally:
            self._collector.resume()

    def _progressed(self, name: str, interruption: str | None) -> None:
        if interruption is not None:
            self._metrics.watch_restarted(name, interruption)
        self._news.set()

    def _measure(self, name: str, store: Store, reflector: Reflector) -> None:
        metrics = self._metrics
        metrics.cached_objects.labels(name).set_function(lambda: store.stats().objects)
        metrics.cached_bytes.labels(name).set_function(lambda: store.stats().bytes)
        metrics.informer_synced.labels(name).set_function(lambda: float(store.synced))
        metrics.informer_sync_seconds.labels(name).set_function(
            lambda: reflector.stats().sync_seconds or 0.0
        )
