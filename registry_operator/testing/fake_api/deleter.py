"""DELETE: what goes at once, what waits for finalizers or dependents.

In flow objects and DeleteOptions; out flow removals, and whatever follows from them: garbage, and
what is left in an ending namespace.
"""

from collections.abc import Callable, Mapping
from typing import Any

from registry_operator.kube.resource import Resource
from registry_operator.testing.fake_api import namespaces
from registry_operator.testing.fake_api.collector import FOREGROUND, ORPHAN, Collector
from registry_operator.testing.fake_api.namespaces import NAMESPACES, Namespaces
from registry_operator.testing.fake_api.refusals import precondition
from registry_operator.testing.fake_api.storage import Body, Storage, key_of

_ADDED = {"Foreground": (FOREGROUND,), "Orphan": (ORPHAN,)}


class Deleter:
    """Carries out deletions on a storage; `now` tells the time as meta/v1 writes it."""

    def __init__(self, storage: Storage, *, now: Callable[[], str]) -> None:
        self._storage = storage
        self._now = now
        self._collector = Collector(storage, delete=self._delete)
        self.namespaces = Namespaces(storage, delete=self._delete)

    def delete(self, resource: Resource, body: Body, wanted: Mapping[str, Any]) -> Body | None:
        """Delete an object; return it as it is while something holds it, None when it is gone.

        Raises Conflict when a precondition does not hold.
        """
        _check_preconditions(resource, body, wanted.get("preconditions") or {})
        propagation = wanted.get("propagationPolicy") or "Background"
        held = [
            name
            for name in body["metadata"].get("finalizers") or ()
            if name not in {FOREGROUND, ORPHAN}
        ]
        self._mark(resource, body, [*held, *_ADDED.get(propagation, ())])
        self.settle()
        return self._storage.find(resource, key_of(body))

    def release(self, resource: Resource, body: Body) -> None:
        """Remove what was on its way out and is held by nobody any more."""
        self._storage.remove(resource, key_of(body))
        self.settle()

    def is_free(self, resource: Resource, body: Body) -> bool:
        """Whether nothing holds an object that is on its way out."""
        metadata = body["metadata"]
        holds = metadata.get("finalizers")
        if resource == NAMESPACES:
            holds = holds or body.get("spec", {}).get("finalizers")
        return "deletionTimestamp" in metadata and not holds

    def settle(self) -> None:
        """Do what follows from the changes so far."""
        before = None
        while before != self._storage.revision:
            before = self._storage.revision
            self._collector.run()
            self.namespaces.run()

    def _delete(self, resource: Resource, body: Body, *finalizers: str) -> None:
        held = body["metadata"].get("finalizers") or ()
        self._mark(resource, body, [*held, *finalizers])

    def _mark(self, resource: Resource, body: Body, finalizers: list[str]) -> None:
        metadata = body["metadata"]
        if not finalizers and resource != NAMESPACES:
            self._storage.remove(resource, key_of(body))
            return
        marks: dict[str, Any] = {"finalizers": finalizers} if finalizers else {}
        if "deletionTimestamp" not in metadata:
            marks |= {"deletionTimestamp": self._now(), "deletionGracePeriodSeconds": 0}
            if "generation" in metadata:
                marks["generation"] = metadata["generation"] + 1
        new = body | {"metadata": metadata | marks}
        if resource == NAMESPACES:
            new = namespaces.ending(new)
        if new != body:
            self._storage.put(resource, new)


def _check_preconditions(resource: Resource, body: Body, wanted: Mapping[str, str]) -> None:
    metadata = body["metadata"]
    uid, version = wanted.get("uid"), wanted.get("resourceVersion")
    if uid and uid != metadata["uid"]:
        message = (
            f"the UID in the precondition ({uid}) does not match the UID in record"
            f" ({metadata['uid']}). The object might have been deleted and then recreated"
        )
        raise precondition(resource, metadata["name"], message)
    if version and version != metadata["resourceVersion"]:
        message = (
            f"the ResourceVersion in the precondition ({version}) does not match the"
            f" ResourceVersion in record ({metadata['resourceVersion']}). The object might have"
            " been modified"
        )
        raise precondition(resource, metadata["name"], message)
