"""Full objects of a kind, but only of the keys that somebody refers to.

In flow a metadata-only store of the kind, references (`refer`) and live GETs of what they name; out
flow those objects and their changes. Why so: a Secret that a user names must be read and followed,
yet the other Secrets of the cluster have no business in our memory (cert-manager issue 4722), and a
watch by name would be one connection for each.
"""

import asyncio
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NoReturn

from registry_operator.kube.client import Client
from registry_operator.kube.errors import KubeError, NotFound
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.backoff import Exponential
from registry_operator.runtime.change import Applied, Change, Removed, Subscribers
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.metrics import Metrics
from registry_operator.runtime.overlay import is_older, same_version
from registry_operator.runtime.recovery import reason_of
from registry_operator.runtime.store import Store
from registry_operator.runtime.workqueue import WorkQueue
from registry_operator.runtime.writer import Failure

_WORKERS: Final = 4
_BACKOFF_SECONDS: Final = (0.1, 30.0)


@dataclass(frozen=True, slots=True)
class ReferencedStats:
    """`keys` are referred to; `objects` of them are held, in `bytes`; `failing` cannot be read."""

    referrers: int
    keys: int
    objects: int
    bytes: int
    failing: int


class Referenced:
    """Reads what is referred to; `store` must hold the metadata of all that may be."""

    def __init__(
        self, client: Client, store: Store, *, clock: Clock, metrics: Metrics | None = None
    ) -> None:
        self._client = client
        self._store = store
        self._wants: dict[Hashable, frozenset[ObjectKey]] = {}
        self._referrers: dict[ObjectKey, set[Hashable]] = {}
        # None: the server says that there is no such object.
        self._found: dict[ObjectKey, Object | None] = {}
        self._failures: dict[ObjectKey, Failure] = {}
        self._objects = 0
        self._bytes = 0
        self._subscribers: Subscribers[Change] = Subscribers(f"referenced {store.resource}")
        self._failed: Subscribers[ObjectKey] = Subscribers(f"unreadable {store.resource}")
        base, cap = _BACKOFF_SECONDS
        self._queue: WorkQueue[ObjectKey] = WorkQueue(
            f"referenced-{store.resource}",
            clock=clock,
            limiter=Exponential(base, cap),
            metrics=metrics,
        )
        if metrics is not None:
            kind = f"{store.resource} referenced"
            metrics.cached_objects.labels(kind).set_function(lambda: self._objects)
            metrics.cached_bytes.labels(kind).set_function(lambda: self._bytes)
        store.subscribe(self._on_change)

    def refer(self, referrer: Hashable, keys: Iterable[ObjectKey]) -> None:
        """Say what `referrer` wants from now on, instead of what it wanted; nothing to let go."""
        wanted = frozenset(keys)
        before = self._wants.pop(referrer, frozenset())
        if wanted:
            self._wants[referrer] = wanted
        for key in sorted(wanted - before):
            referrers = self._referrers.setdefault(key, set())
            referrers.add(referrer)
            if len(referrers) == 1 and self._store.get(key) is not None:
                self._queue.add(key)
        for key in before - wanted:
            self._release(key, referrer)

    def get(self, key: ObjectKey) -> Object | None:
        """Return the object; None if absent, not referred to, or not read yet (see `known`)."""
        return self._found.get(key)

    def known(self, key: ObjectKey) -> bool:
        """Whether `get` tells the truth: the object was read, or there is none."""
        return key in self._found or (self._store.synced and self._store.get(key) is None)

    def referrers(self, key: ObjectKey) -> frozenset[Hashable]:
        """Return who refers to the object."""
        return frozenset(self._referrers.get(key, ()))

    def failure(self, key: ObjectKey) -> Failure | None:
        """Return why the object cannot be read now, if it cannot."""
        return self._failures.get(key)

    def subscribe(self, handler: Callable[[Change], None]) -> Callable[[], None]:
        """Call `handler` for what is held (as initial) and every change; the result ends that."""
        unsubscribe = self._subscribers.add(handler)
        for obj in [obj for obj in self._found.values() if obj is not None]:
            self._subscribers.call(handler, Applied(None, obj, initial=True))
        return unsubscribe

    def follow(self, handler: Callable[[Change], None], *, recount: bool = True) -> Iterator[None]:
        """Like `subscribe`, for good; what is held is too little to pause for.

        Without `recount` only changes are told.
        """
        if recount:
            self.subscribe(handler)
        else:
            self._subscribers.add(handler)
        return iter(())

    def on_failure(self, handler: Callable[[ObjectKey], None]) -> Callable[[], None]:
        """Call `handler` with a key that turns out to be unreadable; the result ends that.

        And with one that is no longer, where what is held of it is the same: then no change tells.
        """
        return self._failed.add(handler)

    def stats(self) -> ReferencedStats:
        """Return how much is referred to, held and failing."""
        return ReferencedStats(
            referrers=len(self._wants),
            keys=len(self._referrers),
            objects=self._objects,
            bytes=self._bytes,
            failing=len(self._failures),
        )

    async def run(self) -> None:
        """Read what is referred to, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(_WORKERS):
                group.create_task(self._work(), name=f"{self._queue.name} {number}")

    async def _work(self) -> NoReturn:
        while True:
            key = await self._queue.get()
            try:
                await self._read(key)
            finally:
                self._queue.done(key)

    async def _read(self, key: ObjectKey) -> None:
        try:
            found = await self._fetch(key)
        except KubeError as error:
            if key in self._referrers:
                self._note_failure(key, error)
                self._queue.add_rate_limited(key)
            return
        self._queue.forget(key)
        if key in self._referrers:
            failed = self._failures.pop(key, None)
            if not self._take(key, found) and failed is not None:
                self._failed.tell(key)

    async def _fetch(self, key: ObjectKey) -> Object | None:
        if key not in self._referrers:
            return None
        try:
            answer = await self._client.get(self._store.resource, key)
        except NotFound:
            return None
        if self._store.get(key) is None and self._store.has_passed(answer.resource_version):
            return None  # deleted while the answer was under way
        return Object.decode(answer.raw, without_managed_fields=True)

    def _take(self, key: ObjectKey, found: Object | None) -> bool:
        """Hold what was read; whether it is another than before, which is told."""
        old = self._hold(key, found)
        if found is not None and (old is None or not same_version(old, found)):
            self._subscribers.tell(Applied(old, found))
        elif found is None and old is not None:
            self._subscribers.tell(Removed(old))
        else:
            return False
        return True

    def _hold(self, key: ObjectKey, obj: Object | None) -> Object | None:
        """Keep what the server says, counted; return what was held before."""
        old = self._found.get(key)
        self._found[key] = obj
        self._objects += (obj is not None) - (old is not None)
        self._bytes += (obj.size if obj else 0) - (old.size if old else 0)
        return old

    def _note_failure(self, key: ObjectKey, error: KubeError) -> None:
        failure = Failure(reason_of(error), str(error))
        is_new = self._failures.get(key) != failure
        self._failures[key] = failure
        if is_new:
            self._failed.tell(key)

    def _on_change(self, change: Change) -> None:
        key = change.old.key if isinstance(change, Removed) else change.new.key
        if key not in self._referrers:
            return
        if isinstance(change, Removed):
            old = self._hold(key, None)
            self._failures.pop(key, None)
            self._subscribers.tell(Removed(old or change.old))
        elif self._is_behind(key, change.new):
            self._queue.add(key)

    def _is_behind(self, key: ObjectKey, metadata: Object) -> bool:
        held = self._found.get(key)
        return held is None or not (same_version(held, metadata) or is_older(metadata, held))

    def _release(self, key: ObjectKey, referrer: Hashable) -> None:
        referrers = self._referrers[key]
        referrers.discard(referrer)
        if not referrers:
            del self._referrers[key]
            self._hold(key, None)
            self._found.pop(key, None)
            self._failures.pop(key, None)
            self._queue.forget(key)
