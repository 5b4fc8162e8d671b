"""The garbage collector: what follows its owners, and in which order.

In flows the storage; out flow removals. It runs to its end after each deletion, at once, where
the real one takes a moment; a test that needs the moment in between holds it by a finalizer.
"""

from registry_operator.kube.resource import Resource
from registry_operator.testing.fake_api.storage import Body, Storage, key_of

Found = tuple[Resource, Body]


def collect(storage: Storage, *, now: str) -> None:
    """Delete objects all of whose owners are gone, and end foreground and orphaning deletions."""
    with storage.on_behalf_of(None):
        while _step(storage, now):
            pass


def _step(storage: Storage, now: str) -> bool:
    everything = list(storage.everything())
    alive = {body["metadata"]["uid"]: body for _, body in everything}
    for resource, body in everything:
        finalizers = body["metadata"].get("finalizers") or []
        if "deletionTimestamp" in body["metadata"]:
            if "orphan" in finalizers:
                _orphan(storage, everything, body["metadata"]["uid"])
                _finish(storage, resource, body, "orphan")
                return True
            if "foregroundDeletion" in finalizers and not _blockers(everything, body):
                _finish(storage, resource, body, "foregroundDeletion")
                return True
        elif _is_garbage(body, alive):
            _delete(storage, resource, body, now)
            return True
    return False


def _owners(body: Body) -> list[Body]:
    owners: list[Body] = body["metadata"].get("ownerReferences") or []
    return owners


def _is_garbage(body: Body, alive: dict[str, Body]) -> bool:
    owners = _owners(body)
    return bool(owners) and all(_is_leaving(alive.get(owner["uid"])) for owner in owners)


def _is_leaving(owner: Body | None) -> bool:
    """Whether it is gone, or deletes its dependents first."""
    if owner is None:
        return True
    metadata = owner["metadata"]
    return "deletionTimestamp" in metadata and "foregroundDeletion" in (
        metadata.get("finalizers") or []
    )


def _blockers(everything: list[Found], owner: Body) -> list[Body]:
    uid = owner["metadata"]["uid"]
    return [
        body
        for _, body in everything
        if any(o["uid"] == uid and o.get("blockOwnerDeletion") for o in _owners(body))
    ]


def _delete(storage: Storage, resource: Resource, body: Body, now: str) -> None:
    if not body["metadata"].get("finalizers"):
        storage.remove(resource, key_of(body))
        return
    metadata = body["metadata"] | {
        "deletionTimestamp": now,
        "generation": body["metadata"].get("generation", 0) + 1,
    }
    storage.put(resource, body | {"metadata": metadata}, storage.owners(body))


def _finish(storage: Storage, resource: Resource, body: Body, finalizer: str) -> None:
    left = [name for name in body["metadata"]["finalizers"] if name != finalizer]
    if not left:
        storage.remove(resource, key_of(body))
        return
    metadata = body["metadata"] | {"finalizers": left}
    storage.put(resource, body | {"metadata": metadata}, storage.owners(body))


def _orphan(storage: Storage, everything: list[Found], uid: str) -> None:
    for resource, body in everything:
        left = [owner for owner in _owners(body) if owner["uid"] != uid]
        if len(left) != len(_owners(body)):
            metadata = body["metadata"] | {"ownerReferences": left}
            storage.put(resource, body | {"metadata": metadata}, storage.owners(body))
