"""The objects of one kind, as the API server last told us and as we wrote them since.

In flow complete lists and single events from one reflector (the only holder of the `Writer`) and
the answers to our own writes (`wrote`, `deleted`); out flow reads, always of memory, and changes
to subscribers. The rules, after client-go's store and informer (tools/cache) and KEP-5504:

- the store is written before any handler runs, and a list replaces everything at once: deletions
  are told, then the rest;
- the later resourceVersion wins, so the echo of our own write is silent and an older event never
  takes anything back;
- what the watch has passed is the watch's to say: an own write that it did not show is not of this
  store's selection, or history; of what came after it who wrote hears, even if nobody saw it come.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.change import Applied, Change, Removed, Subscribers
from registry_operator.runtime.contents import Contents
from registry_operator.runtime.index import IndexFunc
from registry_operator.runtime.overlay import Overlay, is_older, same_version, version_number
from registry_operator.runtime.writer import Failure, Writer

__all__ = ["Applied", "Change", "Failure", "Removed", "Store", "StoreStats", "Writer"]

# How many changes may be told before other tasks get their turn.
_STRIDE: Final = 50

Objects: TypeAlias = list[Object]
Keys: TypeAlias = list[ObjectKey]


@dataclass(frozen=True, slots=True)
class StoreStats:
    """What a store holds; `pending` counts own writes that the watch has not passed."""

    objects: int
    bytes: int
    pending: int
    subscribers: int
    resource_version: str
    synced: bool
    available: bool
    error: Failure | None
    stale_events: int
    handler_failures: int
    index_failures: int


class Store:
    """Reads of one kind. `on_handler_failure` is called each time a subscriber raised."""

    def __init__(
        self,
        resource: Resource,
        *,
        indexes: Mapping[str, IndexFunc] | None = None,
        on_handler_failure: Callable[[], None] = lambda: None,
    ) -> None:
        self.resource = resource
        self._functions = dict(indexes or {})
        self._held = Contents(self._functions)
        self._index_failures = 0
        self._overlay = Overlay()
        self._subscribers: Subscribers[Change] = Subscribers(
            str(resource), on_failure=on_handler_failure
        )
        self._availability: Subscribers[bool] = Subscribers(
            f"{resource} availability", on_failure=on_handler_failure
        )
        self._came: Subscribers[None] = Subscribers(
            f"{resource} synced", on_failure=on_handler_failure
        )
        self._version = 0
        self._synced = False
        self._filled_once = False
        self._available = True
        self._error: Failure | None = None
        self._stale_events = 0
        self._has_writer = False

    # Reading

    @property
    def synced(self) -> bool:
        """A complete list was taken in, and the kind is still served."""
        return self._synced

    @property
    def available(self) -> bool:
        """False while the server does not serve the kind (no CRD); True until that is known."""
        return self._available

    @property
    def error(self) -> Failure | None:
        """What keeps the kind from being told now; None while nothing does."""
        return self._error

    def get(self, key: ObjectKey) -> Object | None:
        """Return the object, or None: gone, never there or, before `synced`, not known yet."""
        return self._held.objects.get(key)

    def list(self, namespace: str | None = None) -> Objects:
        """Return all objects, or those of one namespace, in no particular order."""
        if namespace is None:
            return list(self._held.objects.values())
        return [obj for key, obj in self._held.objects.items() if key.namespace == namespace]

    def by_index(self, name: str, value: str) -> Objects:
        """Return the objects that have the value, sorted by key.

        Raises KeyError for an index that was not declared.
        """
        objects = self._held.objects
        return [objects[key] for key in self.keys_by_index(name, value)]

    def keys_by_index(self, name: str, value: str) -> Keys:
        """Return the keys of the objects that have the value, sorted.

        Raises KeyError for an index that was not declared.
        """
        return self._held.indexes[name].keys(value)

    def keys(self) -> Keys:
        """Return the keys of all objects."""
        return [*self._held.objects]

    def has_passed(self, resource_version: str) -> bool:
        """Whether the watch has told everything up to this resourceVersion of the kind."""
        return version_number(resource_version) <= self._version

    def stats(self) -> StoreStats:
        """Return what the store holds and whether it is up to date."""
        return StoreStats(
            objects=len(self._held.objects),
            bytes=self._held.bytes,
            pending=len(self._overlay),
            subscribers=len(self._subscribers),
            resource_version=str(self._version) if self._version else "",
            synced=self._synced,
            available=self._available,
            error=self._error,
            stale_events=self._stale_events,
            handler_failures=self._subscribers.failures + self._availability.failures,
            index_failures=self._index_failures + self._held.index_failures,
        )

    # Subscribing

    def subscribe(self, handler: Callable[[Change], None]) -> Callable[[], None]:
        """Call `handler` for what is there (as initial) and every change; the result ends that."""
        unsubscribe = self._subscribers.add(handler)
        list(self._recount(handler))
        return unsubscribe

    def follow(self, handler: Callable[[Change], None], *, recount: bool = True) -> Iterator[None]:
        """Like `subscribe`, for good, and with a pause after every few of what is there.

        Without `recount` only changes are told.
        """
        self._subscribers.add(handler)
        if recount:
            yield from self._recount(handler)

    def _recount(self, handler: Callable[[Change], None]) -> Iterator[None]:
        for number, obj in enumerate(self.list(), start=1):
            # What changed during a pause was told then.
            if self.get(obj.key) is obj:
                self._subscribers.call(handler, Applied(None, obj, initial=True))
            if number % _STRIDE == 0:
                yield

    def on_availability(self, handler: Callable[[bool], None]) -> Callable[[], None]:
        """Call `handler` whenever `available` changes; the result ends that."""
        return self._availability.add(handler)

    def on_synced(self, handler: Callable[[None], None]) -> Callable[[], None]:
        """Call `handler` whenever `synced` becomes true; the result ends that."""
        return self._came.add(handler)

    def resync(self) -> None:
        """Tell every object once more, unchanged; nothing is asked of the server."""
        for obj in self.list():
            self._subscribers.tell(Applied(obj, obj, resync=True))

    # Own writes

    def wrote(self, obj: Object) -> None:
        """Show the answer to our own create, apply or patch until the watch catches up.

        Subscribers hear at once, and not again when the watch brings the same; where it brought
        something later already, they hear that this came after the write. What the watch leaves out
        is left out here too, or the echo would look like a change of annotations.
        """
        obj = obj.without_managed_fields()
        version = version_number(obj.resource_version)
        old = self._held.objects.get(obj.key)
        if self._overlay.hides(obj):
            return
        if version <= self._version:
            self._tell_what_followed(obj, old)
        elif old is None or version > version_number(old.resource_version):
            self._overlay.wrote(obj)
            self._held.put(obj)
            self._subscribers.tell(Applied(old, obj, own=True))

    def _tell_what_followed(self, written: Object, held: Object | None) -> None:
        """An own write is history before its answer came: somebody changed or deleted the object.

        Whoever compares what was before the write with what is now may see no difference, and
        would never look again: a list, or a watch that tells the latest, skips what was between.
        """
        if held is None:
            self._subscribers.tell(Removed(written))
        elif not same_version(held, written):
            self._subscribers.tell(Applied(written, held))

    def deleted(self, key: ObjectKey, uid: str) -> None:
        """Hide what we deleted until the watch says so.

        One with finalizers stays visible, as it stays on the server.
        """
        old = self._held.objects.get(key)
        if old is not None and old.uid == uid and not old.metadata.finalizers:
            self._overlay.deleted(old)
            self._held.discard(old.key)
            self._subscribers.tell(Removed(old))

    # Writing, by the reflector only

    def writer(self) -> Writer:
        """Hand out the writing half; raises RuntimeError the second time."""
        if self._has_writer:
            raise RuntimeError(f"the store of {self.resource} has its writer already")
        self._has_writer = True
        return Writer(
            picture=lambda: Contents(self._functions),
            swap=self._swap,
            replace=self._replace,
            upsert=self._upsert,
            remove=self._remove,
            bookmark=self._bookmark,
            failed=self._failed,
            unavailable=self._unavailable,
        )

    def _replace(self, objects: Iterable[Object], resource_version: str) -> None:
        picture = Contents(self._functions)
        for obj in objects:
            picture.put(obj)
        list(self._swap(picture, resource_version))

    def _swap(self, picture: Contents, resource_version: str) -> Iterator[None]:
        """Swap at once and tell who is gone, then the rest with a pause after every few."""
        self._version = version_number(resource_version)
        self._lay_own_writes_over(picture)
        before, self._held = self._held, picture
        self._index_failures += before.index_failures
        self._error = None
        now, initial = [*picture.objects.values()], not self._filled_once
        self._tell(
            [Removed(old) for key, old in before.objects.items() if key not in picture.objects]
        )
        for number, obj in enumerate(now, start=1):
            former = before.objects.get(obj.key)
            # What changed again during a pause was told by whoever changed it.
            if picture.objects.get(obj.key) is obj and not (former and same_version(former, obj)):
                self._subscribers.tell(Applied(former, obj, initial=initial))
            if number % _STRIDE == 0:
                yield
        was_synced, self._synced, self._filled_once = self._synced, True, True
        self._set_available(available=True)
        if not was_synced:
            self._came.tell(None)

    def _lay_own_writes_over(self, picture: Contents) -> None:
        hidden = {
            key
            for key in self._overlay.tombstones()
            if (obj := picture.objects.get(key)) is not None and self._overlay.hides(obj)
        }
        self._overlay.pass_tombstones(self._version, still_shown=hidden)
        self._overlay.pass_writes(self._version)
        for key in hidden:
            picture.discard(key)
        for key in self._overlay.written():
            picture.put(self._held.objects[key])

    def _upsert(self, obj: Object) -> None:
        if not self._overlay.hides(obj):
            self._show(obj)
        self._bookmark(obj.resource_version)

    def _show(self, obj: Object) -> None:
        old = self._held.objects.get(obj.key)
        if old is not None and same_version(old, obj):
            self._held.put(obj)  # the echo of our own write, and lighter: without managedFields
            self._overlay.settle(obj.key)
        elif old is not None and is_older(obj, old):
            self._stale_events += 1
        else:
            self._held.put(obj)
            self._overlay.settle(obj.key)
            self._subscribers.tell(Applied(old, obj))

    def _remove(self, obj: Object) -> None:
        self._overlay.buried(obj)
        old = self._held.objects.get(obj.key)
        if old is not None and is_older(obj, old):
            self._stale_events += 1
        elif old is not None:
            self._overlay.settle(obj.key)
            self._held.discard(old.key)
            self._subscribers.tell(Removed(old))
        self._bookmark(obj.resource_version)

    def _bookmark(self, resource_version: str) -> None:
        self._version = max(self._version, version_number(resource_version))
        self._error = None
        for key in self._overlay.pass_writes(self._version):
            # Passed without an event: not of our selection, or gone before the answer came.
            old = self._held.objects[key]
            self._held.discard(old.key)
            self._subscribers.tell(Removed(old))

    def _failed(self, failure: Failure | None) -> None:
        self._error = failure

    def _unavailable(self, failure: Failure) -> None:
        removed = self.list()
        for obj in removed:
            self._held.discard(obj.key)
        self._overlay = Overlay()
        self._version = 0
        self._synced = False
        self._error = failure
        self._set_available(available=False)
        self._tell([Removed(obj) for obj in removed])

    def _set_available(self, *, available: bool) -> None:
        if available != self._available:
            self._available = available
            self._availability.tell(available)

    def _tell(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self._subscribers.tell(change)
