"""The garbage collector: what follows its owners, and in which order.

In flows each change, from which it learns whom to look at; out flow removals. After a write it runs
to its end at once, where the real one takes a moment; a test that needs the moment in between
holds it by a finalizer. It looks only at what a change concerns: the object, its dependents, its
owners.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.testing.fake_api.storage import Body, Change, Storage, key_of

FOREGROUND: Final = "foregroundDeletion"
ORPHAN: Final = "orphan"


class Collector:
    """Deletes what lost its owners, and ends foreground and orphaning deletions.

    `delete` asks for the deletion of an object, with finalizers added.
    """

    def __init__(self, storage: Storage, *, delete: Callable[..., None]) -> None:
        self._storage = storage
        self._delete = delete
        self._due: deque[str] = deque()
        storage.subscribe(self._notice)

    def run(self) -> None:
        """Look at all that is due, and at what becomes due by that."""
        with self._storage.on_behalf_of(None):
            while self._due:
                found = self._storage.with_uid(self._due.popleft())
                if found is not None:
                    self._look_at(*found)

    def _notice(self, change: Change) -> None:
        new = change.new["metadata"]
        old = change.old["metadata"] if change.old is not None else {}
        is_leaving = change.kind == "DELETED" or _deletes_dependents_first(change.new)
        was_leaving = change.old is not None and _deletes_dependents_first(change.old)
        owners = [owner["uid"] for owner in _owners(change.new)]
        if change.kind != "DELETED" and (owners or "deletionTimestamp" in new):
            self._due.append(new["uid"])
        if is_leaving and (change.kind == "DELETED" or not was_leaving):
            self._due.extend(b["metadata"]["uid"] for _, b in self._storage.dependents(new["uid"]))
        if change.kind == "DELETED" or old.get("ownerReferences") != new.get("ownerReferences"):
            self._due.extend(owner["uid"] for owner in _owners(change.old or {"metadata": {}}))

    def _look_at(self, resource: Resource, body: Body) -> None:
        metadata = body["metadata"]
        if "deletionTimestamp" not in metadata:
            self._judge(resource, body)
            return
        finalizers = metadata.get("finalizers") or ()
        if ORPHAN in finalizers:
            self._orphan(metadata["uid"])
            self._finish(resource, body, ORPHAN)
        elif FOREGROUND in finalizers and not self._is_blocked(metadata["uid"]):
            self._finish(resource, body, FOREGROUND)

    def _judge(self, resource: Resource, body: Body) -> None:
        """Delete what has no owner left; cut the references to the dead from what has one."""
        owners = _owners(body)
        staying = [owner for owner in owners if self._stays(body, owner)]
        if not owners or len(staying) == len(owners):
            return
        if staying:
            self._store(resource, body, ownerReferences=staying)
            return
        is_waited_for = any(self._storage.with_uid(owner["uid"]) for owner in owners)
        if is_waited_for and self._storage.dependents(body["metadata"]["uid"]):
            self._delete(resource, body, FOREGROUND)
        else:
            self._delete(resource, body)

    def _stays(self, body: Body, reference: Body) -> bool:
        """Whether this owner is there and is not deleting its dependents first.

        An owner whose kind is not served can't be looked for, so nobody is deleted for its sake.
        """
        found = self._storage.with_uid(reference["uid"])
        if found is not None:
            resource, owner = found
            if _is_named(resource, owner, reference, namespace=key_of(body).namespace):
                return not _deletes_dependents_first(owner)
        return all(not _is_kind(served, reference) for served in self._storage.resources)

    def _is_blocked(self, uid: str) -> bool:
        return any(
            owner["uid"] == uid and owner.get("blockOwnerDeletion")
            for _, body in self._storage.dependents(uid)
            for owner in _owners(body)
        )

    def _finish(self, resource: Resource, body: Body, finalizer: str) -> None:
        left = [name for name in body["metadata"]["finalizers"] if name != finalizer]
        if left:
            self._store(resource, body, finalizers=left)
        else:
            self._storage.remove(resource, key_of(body))

    def _orphan(self, uid: str) -> None:
        for resource, body in self._storage.dependents(uid):
            left = [owner for owner in _owners(body) if owner["uid"] != uid]
            self._store(resource, body, ownerReferences=left)

    def _store(self, resource: Resource, body: Body, **metadata: object) -> None:
        new = body | {"metadata": body["metadata"] | metadata}
        self._storage.put(resource, new)


def _owners(body: Body) -> list[Body]:
    owners: list[Body] = body["metadata"].get("ownerReferences") or []
    return owners


def _deletes_dependents_first(body: Body) -> bool:
    metadata = body["metadata"]
    return "deletionTimestamp" in metadata and FOREGROUND in (metadata.get("finalizers") or ())


def _is_kind(resource: Resource, reference: Body) -> bool:
    group = str(reference.get("apiVersion", "")).rpartition("/")[0]
    return (resource.group, resource.kind) == (group, reference.get("kind"))


def _is_named(resource: Resource, owner: Body, reference: Body, *, namespace: str) -> bool:
    """Whether a reference names this object: an owner lives in the same namespace, or in none."""
    where = namespace if resource.namespaced else ""
    key = ObjectKey(where, str(reference.get("name", "")))
    return _is_kind(resource, reference) and key_of(owner) == key
