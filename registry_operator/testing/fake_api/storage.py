"""What the API server keeps: objects, and one resourceVersion for all of them.

In flow finished bodies; out flow bodies and changes. Nothing is decided here. Stored bodies are
never changed in place, so handing them out costs nothing; whoever wants to change one copies it
first. Everything that is asked often has an index: what stands in a namespace, who has a uid, who
names an owner.
"""

import asyncio
import bisect
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Literal

import orjson

from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.testing.fake_api.history import Body, Change, History, Listener
from registry_operator.testing.fake_api.refusals import not_found

_TYPE: Final = frozenset({"apiVersion", "kind"})

__all__ = ["Body", "Change", "Listener", "Storage", "copied", "head_of", "key_of", "path_of"]


def key_of(body: Body) -> ObjectKey:
    """Return the key of a body."""
    return ObjectKey(body["metadata"].get("namespace", ""), body["metadata"]["name"])


def path_of(key: ObjectKey) -> str:
    """Return the path of an object below its kind, by which lists are ordered."""
    return f"{key.namespace}/{key.name}" if key.namespace else key.name


def copied(body: Mapping[str, Any]) -> Body:
    """Return a copy that shares nothing with a body, which holds what JSON can say."""
    copy: Body = orjson.loads(orjson.dumps(body))
    return copy


def head_of(resource: Resource) -> bytes:
    """Return how the JSON of every object of a kind begins."""
    return orjson.dumps(_typed(resource, {}))[:-1] + b","


def _typed(resource: Resource, body: Body) -> Body:
    return {"kind": resource.kind, "apiVersion": resource.api_version} | {
        name: value for name, value in body.items() if name not in _TYPE
    }


class _Collection:
    """The objects of one kind by their paths."""

    __slots__ = ("bodies", "paths")

    def __init__(self) -> None:
        self.bodies: dict[str, Body] = {}
        self.paths: list[str] = []

    def put(self, path: str, body: Body) -> None:
        if path not in self.bodies:
            bisect.insort(self.paths, path)
        self.bodies[path] = body

    def pop(self, path: str) -> Body:
        del self.paths[bisect.bisect_left(self.paths, path)]
        return self.bodies.pop(path)

    def within(self, namespace: str, *, after: str = "") -> list[str]:
        """Return the paths of a namespace, or of all, that are later than `after`."""
        low, high = 0, len(self.paths)
        if namespace:
            # "0" is the character that follows "/".
            low = bisect.bisect_left(self.paths, f"{namespace}/")
            high = bisect.bisect_left(self.paths, f"{namespace}0")
        if after:
            low = max(low, bisect.bisect_right(self.paths, after))
        return self.paths[low:high]


class Storage:
    """Objects by resource and key, with a `history` of that many changes of each kind."""

    def __init__(self, *, history: int) -> None:
        self._collections: dict[Resource, _Collection] = {}
        self._by_uid: dict[str, tuple[Resource, Body]] = {}
        self._dependents: dict[str, dict[str, None]] = {}
        self._encoded: dict[str, tuple[str, bytes]] = {}
        self.history = History(limit=history)
        self._uids = itertools.count(1)
        self._listeners: list[Listener] = []
        self._request: Request | None = None
        self.revision = 1

    @property
    def resources(self) -> Iterable[Resource]:
        """The kinds that are served."""
        return self._collections.keys()

    def declare(self, resource: Resource) -> None:
        """Serve one more kind."""
        self._collections.setdefault(resource, _Collection())

    def withdraw(self, resource: Resource) -> None:
        """Stop serving a kind, of which nothing is left."""
        del self._collections[resource]

    def new_uid(self) -> str:
        """Return a uid that was never used; deterministic."""
        return f"00000000-0000-4000-8000-{next(self._uids):012x}"

    def find(self, resource: Resource, key: ObjectKey) -> Body | None:
        """Return an object, which the caller must not change."""
        collection = self._collections.get(resource)
        return None if collection is None else collection.bodies.get(path_of(key))

    def get(self, resource: Resource, key: ObjectKey) -> Body:
        """Return an object. Raises NotFound."""
        body = self.find(resource, key)
        if body is None:
            raise not_found(resource, key.name)
        return body

    def objects(self, resource: Resource, namespace: str = "") -> list[Body]:
        """Return the objects of a kind, in the order of lists, of one namespace or of all."""
        collection = self._collections.get(resource)
        if collection is None:
            return []
        bodies = collection.bodies
        return [bodies[path] for path in collection.within(namespace)]

    def with_uid(self, uid: str) -> tuple[Resource, Body] | None:
        """Return the object that has this uid, and its kind."""
        return self._by_uid.get(uid)

    def dependents(self, uid: str) -> list[tuple[Resource, Body]]:
        """Return the objects that name this uid as an owner, the oldest first."""
        return [self._by_uid[one] for one in self._dependents.get(uid, ())]

    def encoded(self, body: Body) -> bytes:
        """Return the JSON of a stored body; that of its present state is made once."""
        metadata = body["metadata"]
        uid, version = metadata["uid"], metadata["resourceVersion"]
        known = self._encoded.get(uid)
        if known is not None and known[0] == version:
            return known[1]
        raw = orjson.dumps(body)
        present = self._by_uid.get(uid)
        if present is not None and present[1] is body:
            self._encoded[uid] = (version, raw)
        return raw

    def put(self, resource: Resource, body: Body) -> Body:
        """Store a new state under the next resourceVersion and return it."""
        self.revision += 1
        metadata = body["metadata"] | {"resourceVersion": str(self.revision)}
        stored = _typed(resource, body) | {"metadata": metadata}
        collection, path = self._collections[resource], path_of(key_of(stored))
        old = collection.bodies.get(path)
        collection.put(path, stored)
        self._by_uid[metadata["uid"]] = (resource, stored)
        self._relate(old, stored)
        self._record(resource, "MODIFIED" if old else "ADDED", old=old, new=stored)
        return stored

    def remove(self, resource: Resource, key: ObjectKey) -> Body:
        """Remove an object and return its last state, with the resourceVersion of its removal."""
        old = self._collections[resource].pop(path_of(key))
        self.revision += 1
        last = old | {"metadata": old["metadata"] | {"resourceVersion": str(self.revision)}}
        uid = old["metadata"]["uid"]
        for known in (self._by_uid, self._encoded):
            known.pop(uid, None)
        self._relate(old, None)
        self._record(resource, "DELETED", old=old, new=last)
        return last

    def at(self, resource: Resource, namespace: str, revision: int, after: str) -> list[Body]:
        """Return the objects of a kind as they were at a resourceVersion, later than a path.

        Raises Gone when that is forgotten.
        """
        collection = self._collections[resource]
        paths = collection.within(namespace, after=after)
        then: dict[str, Body | None] = {}
        for change in self.history.since(resource, revision):
            then.setdefault(path_of(key_of(change.new)), change.old)
        if not then:
            return [collection.bodies[path] for path in paths]
        prefix = f"{namespace}/" if namespace else ""
        gone = [path for path in then if path > after and path.startswith(prefix)]
        bodies = (then.get(path, collection.bodies.get(path)) for path in sorted({*paths, *gone}))
        return [body for body in bodies if body is not None]

    def compact(self) -> None:
        """Forget the history up to now, as etcd does every five minutes."""
        self.history.compact(self.revision)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` after each change; return what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @contextmanager
    def on_behalf_of(self, request: Request | None) -> Iterator[None]:
        """Put the changes in this block down to a request, or to nobody."""
        before, self._request = self._request, request
        try:
            yield
        finally:
            self._request = before

    def _relate(self, old: Body | None, new: Body | None) -> None:
        before, after = _owner_uids(old), _owner_uids(new)
        if before == after:
            return
        uid = (new or old or {})["metadata"]["uid"]
        for owner in before - after:
            self._dependents[owner].pop(uid)
            if not self._dependents[owner]:
                del self._dependents[owner]
        for owner in after - before:
            self._dependents.setdefault(owner, {})[uid] = None

    def _record(
        self,
        resource: Resource,
        kind: Literal["ADDED", "MODIFIED", "DELETED"],
        *,
        old: Body | None,
        new: Body,
    ) -> None:
        at = asyncio.get_running_loop().time()
        change = Change(self.revision, at, resource, kind, old, new, self._request)
        self.history.add(change)
        for listener in tuple(self._listeners):
            listener(change)


def _owner_uids(body: Body | None) -> set[str]:
    if body is None:
        return set()
    return {owner["uid"] for owner in body["metadata"].get("ownerReferences") or ()}
