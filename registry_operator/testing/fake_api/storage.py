"""What the API server keeps: objects, one resourceVersion for all, and the history for watches.

In flow finished bodies; out flow bodies and changes. Nothing is decided here. Stored bodies are
never changed in place, so handing them out costs nothing; whoever wants to change one copies it
first.
"""

import asyncio
import bisect
import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from registry_operator.kube.errors import Gone, NotFound
from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.testing.fake_api.apply import Owners

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the history; `at` is the loop's time in seconds.

    `new` of what is DELETED is its last state. `request` is the one that asked for just this; None
    is the test, or the server itself (garbage, what is left in an ending namespace). The bodies
    must not be changed.
    """

    revision: int
    at: float
    resource: Resource
    kind: Literal["ADDED", "MODIFIED", "DELETED"]
    old: Body | None
    new: Body
    request: Request | None = None


Listener = Callable[[Change], None]


def key_of(body: Body) -> ObjectKey:
    """Return the key of a body."""
    return ObjectKey(body["metadata"].get("namespace", ""), body["metadata"]["name"])


class Storage:
    """Objects by resource and key. Remembers the last `history` changes of each kind."""

    def __init__(self, resources: Iterable[Resource], *, history: int) -> None:
        self._objects: dict[Resource, dict[ObjectKey, Body]] = {r: {} for r in resources}
        self._owners: dict[str, Owners] = {}
        self._changes: dict[Resource, list[Change]] = {}
        self._history = history
        self._compacted = 0
        self._uids = itertools.count(1)
        self._listeners: list[Listener] = []
        self._request: Request | None = None
        self.revision = 1

    @property
    def resources(self) -> frozenset[Resource]:
        """The kinds that are served."""
        return frozenset(self._objects)

    def declare(self, resource: Resource) -> None:
        """Serve one more kind."""
        self._objects.setdefault(resource, {})

    def withdraw(self, resource: Resource) -> None:
        """Stop serving a kind; its objects are gone."""
        for key in list(self._objects[resource]):
            self.remove(resource, key)
        del self._objects[resource]

    def new_uid(self) -> str:
        """Return a uid that was never used; deterministic."""
        return f"00000000-0000-4000-8000-{next(self._uids):012x}"

    def find(self, resource: Resource, key: ObjectKey) -> Body | None:
        """Return an object, which the caller must not change."""
        return self._objects.get(resource, {}).get(key)

    def get(self, resource: Resource, key: ObjectKey) -> Body:
        """Return an object. Raises NotFound."""
        body = self.find(resource, key)
        if body is None:
            message = f'{resource} "{key.name}" not found'
            raise NotFound(404, reason="NotFound", message=message)
        return body

    def objects(self, resource: Resource, namespace: str = "") -> list[Body]:
        """Return the objects of a kind, ordered by key, of one namespace or of all."""
        objects = self._objects.get(resource, {})
        return [objects[key] for key in sorted(objects) if namespace in {"", key.namespace}]

    def everything(self) -> Iterator[tuple[Resource, Body]]:
        """Yield all objects of all kinds, as of now."""
        for resource in list(self._objects):
            for body in self.objects(resource):
                yield resource, body

    def owners(self, body: Body) -> Owners:
        """Return who owns the fields of an object."""
        return self._owners.get(body["metadata"].get("uid", ""), {})

    def put(self, resource: Resource, body: Body, owners: Owners) -> Body:
        """Store a new state under the next resourceVersion and return it."""
        self.revision += 1
        metadata = body["metadata"] | {"resourceVersion": str(self.revision)}
        stored = body | {"metadata": metadata}
        key = key_of(stored)
        old = self._objects[resource].get(key)
        self._objects[resource][key] = stored
        self._owners[metadata["uid"]] = owners
        self._record(resource, "MODIFIED" if old else "ADDED", old=old, new=stored)
        return stored

    def remove(self, resource: Resource, key: ObjectKey) -> Body:
        """Remove an object and return its last state, with the resourceVersion of its removal."""
        old = self._objects[resource].pop(key)
        self.revision += 1
        last = old | {"metadata": old["metadata"] | {"resourceVersion": str(self.revision)}}
        self._owners.pop(old["metadata"]["uid"], None)
        self._record(resource, "DELETED", old=old, new=last)
        return last

    def since(self, resource: Resource, revision: int) -> list[Change]:
        """Return the later changes of a kind. Raises Gone when some of them are forgotten."""
        if revision < self._compacted:
            message = f"too old resource version: {revision} ({self._compacted})"
            raise Gone(410, reason="Expired", message=message)
        changes = self._changes.get(resource, [])
        return changes[bisect.bisect_right(changes, revision, key=lambda c: c.revision) :]

    def compact(self) -> None:
        """Forget the history up to now, as etcd does every five minutes."""
        self._compacted = self.revision
        self._changes.clear()

    def is_compacted(self, revision: int) -> bool:
        """Whether a list at that resourceVersion cannot be continued."""
        return revision < self._compacted

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

    def _record(
        self,
        resource: Resource,
        kind: Literal["ADDED", "MODIFIED", "DELETED"],
        *,
        old: Body | None,
        new: Body,
    ) -> None:
        at = asyncio.get_running_loop().time()
        changes = self._changes.setdefault(resource, [])
        change = Change(self.revision, at, resource, kind, old, new, self._request)
        changes.append(change)
        if len(changes) > self._history:
            self._compacted = max(self._compacted, changes.pop(0).revision)
        for listener in tuple(self._listeners):
            listener(change)
