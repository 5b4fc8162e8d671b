"""Namespaces that end: what is in them goes first, what holds it holds them too.

In flows each change; out flow removals. Nothing is created in a namespace that is missing or
ending. All of this only where the server serves Namespaces: a test that does not care declares
none.
"""

from collections.abc import Callable
from typing import Final

from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.testing.fake_api.history import Body, Change
from registry_operator.testing.fake_api.refusals import namespace_terminating, not_found
from registry_operator.testing.fake_api.storage import Storage, key_of

NAMESPACES: Final = Resource("", "v1", "Namespace", "namespaces", namespaced=False)
_FINALIZERS: Final = ["kubernetes"]


def created(namespace: Body) -> Body:
    """Return a namespace as it begins: held by the server until it is empty."""
    return namespace | {"spec": {"finalizers": _FINALIZERS}}


def ending(namespace: Body) -> Body:
    """Return a namespace whose deletion was asked for."""
    return namespace | {"status": namespace.get("status", {}) | {"phase": "Terminating"}}


class Namespaces:
    """The namespaces of one server. `delete` asks for the deletion of an object."""

    def __init__(self, storage: Storage, *, delete: Callable[[Resource, Body], None]) -> None:
        self._storage = storage
        self._delete = delete
        self._due: dict[str, None] = {}
        storage.subscribe(self._notice)

    def check(self, resource: Resource, body: Body) -> None:
        """Refuse to create something in a namespace that is missing or ending.

        Raises NotFound, Forbidden.
        """
        name = body["metadata"].get("namespace", "")
        if not name or not self._are_served:
            return
        found = self._storage.find(NAMESPACES, ObjectKey("", name))
        if found is None:
            raise not_found(NAMESPACES, name)
        if "deletionTimestamp" in found["metadata"]:
            raise namespace_terminating(resource, body["metadata"]["name"], name)

    def run(self) -> None:
        """Empty what is ending, and let go of what is empty."""
        with self._storage.on_behalf_of(None):
            while self._due:
                name = next(iter(self._due))
                del self._due[name]
                found = self._storage.find(NAMESPACES, ObjectKey("", name))
                if found is not None and "deletionTimestamp" in found["metadata"]:
                    self._end(found)

    @property
    def _are_served(self) -> bool:
        return NAMESPACES in self._storage.resources

    def _end(self, namespace: Body) -> None:
        name = namespace["metadata"]["name"]
        for resource in tuple(self._storage.resources):
            if resource.namespaced:
                for body in self._storage.objects(resource, name):
                    if "deletionTimestamp" not in body["metadata"]:
                        self._delete(resource, body)
        if any(self._storage.objects(r, name) for r in self._storage.resources if r.namespaced):
            return
        if namespace["metadata"].get("finalizers"):
            if namespace["spec"].get("finalizers"):
                self._storage.put(NAMESPACES, namespace | {"spec": {}})
        else:
            self._storage.remove(NAMESPACES, key_of(namespace))

    def _notice(self, change: Change) -> None:
        if not self._are_served:
            return
        if change.resource == NAMESPACES:
            if change.kind != "DELETED" and "deletionTimestamp" in change.new["metadata"]:
                self._due[change.new["metadata"]["name"]] = None
        elif change.kind == "DELETED":
            name = change.new["metadata"].get("namespace", "")
            home = self._storage.find(NAMESPACES, ObjectKey("", name)) if name else None
            if home is not None and "deletionTimestamp" in home["metadata"]:
                self._due[name] = None
