"""The only place that writes children: server-side apply and guarded deletion.

In: a sealed intent or an observed object. Out: a request to the API server, its answer laid over
the store (so that the next read sees our own write), a word to the observer (events, metrics).

Server-side apply (KEP-555): one fixed field manager per reconciler, `force`, never PUT. A child
that our cache does not hold may still exist without our labels, so the first write of a child says
that there must be none, and goes without `force` (docs/adr/0008-first-write-asserts-absence.md).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from registry_operator.kube.client import Client
from registry_operator.kube.errors import Conflict, Invalid, NotFound
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.store import Store

Observer = Callable[[Object, str, Store, str], None]

# The revision of an empty etcd: no object has it, so whatever exists is at another one.
_BEFORE_ANYTHING: Final = "1"


class NameTakenError(Exception):
    """Under the name of a child that is to be made stands an object, unless a look denies it."""


def key_of(body: Mapping[str, Any]) -> ObjectKey:
    """The key of a body: its namespace ("" for cluster-scoped) and name."""
    metadata = body["metadata"]
    return ObjectKey(metadata.get("namespace", ""), metadata["name"])


class Applier:
    """Writes for one reconciler, under one field manager."""

    def __init__(self, client: Client, *, field_manager: str, observer: Observer) -> None:
        self._client = client
        self._field_manager = field_manager
        self._observer = observer

    async def find(self, store: Store, key: ObjectKey) -> Object | None:
        """What the server holds under a key that our cache does not: metadata only.

        By a list of that one name, which the server answers by one read too: the right to list is
        needed anyway, and the right to get is not.
        """
        listing = await self._client.list(
            store.resource,
            namespace=key.namespace or None,
            field_selector=f"metadata.name={key.name}",
            metadata_only=True,
        )
        return next(iter(listing.items), None)

    async def is_alive(self, resource: Resource, owner: Object) -> bool:
        """Whether the server, not our cache, still holds this very owner and means to keep it."""
        try:
            found = await self._client.get(resource, owner.key, metadata_only=True)
        except NotFound:
            return False
        return found.uid == owner.uid and not found.is_deleting

    async def make(self, store: Store, body: Mapping[str, Any], *, owner: Object) -> Object:
        """Applies a sealed intent where there is no object of its name, and nowhere else.

        Server-side apply has no precondition "must not exist", but one on the resourceVersion, and
        it is checked against an existing object only.

        Raises:
            NameTakenError: the server refused by a conflict; nothing was written.
            KubeError: the write was refused or its fate is unknown.
        """
        metadata = {**body["metadata"], "resourceVersion": _BEFORE_ANYTHING}
        try:
            return await self.apply(store, {**body, "metadata": metadata}, owner=owner, found=None)
        except Conflict as error:
            raise NameTakenError(f"{store.resource} {key_of(body)}") from error

    async def apply(
        self, store: Store, body: Mapping[str, Any], *, owner: Object, found: Object | None
    ) -> Object:
        """Applies a sealed intent and returns what the server made of it.

        To what was `found`, by its uid: where that is gone meanwhile, the apply is refused (409, or
        422 where there is another) instead of making the child anew for an owner that may be gone.
        An apply leaves items of others in the lists that it shares with them. Where these make the
        object invalid (somebody changed the port of a Service, and ours comes back beside it under
        the same name), the lists are replaced.

        Raises:
            KubeError: the write was refused or its fate is unknown.
        """
        if found is not None:
            body = {**body, "metadata": {**body["metadata"], "uid": found.uid}}
        try:
            written = await self._client.apply(
                store.resource,
                body,
                field_manager=self._field_manager,
                force=found is not None,
                without_managed_fields=True,
            )
        except Invalid:
            if found is None:
                raise
            written = await self._replace(store, body, found)
        store.wrote(written)
        self._observer(owner, "Created" if found is None else "Updated", store, written.name)
        return written

    async def _replace(self, store: Store, body: Mapping[str, Any], found: Object) -> Object:
        """A merge patch of the intent: lists become ours, other fields of others stay.

        Owners are a list too; those of others stay.
        """
        metadata = body["metadata"]
        marks = {name: metadata.get(name, {}) for name in ("labels", "annotations")}
        guard = {"uid": found.uid, "resourceVersion": found.resource_version}
        patch = {**body, "metadata": {**marks, **_owners(found, metadata), **guard}}
        return await self._client.patch(
            store.resource, found.key, patch, kind="merge", field_manager=self._field_manager
        )

    async def restore_marks(
        self, store: Store, found: Object, *, intent: Mapping[str, Any], owner: Object
    ) -> None:
        """Gives a child the labels and the owner of the intent, and touches nothing else of it.

        Raises:
            KubeError: the write was refused or its fate is unknown.
        """
        wanted = intent["metadata"]
        metadata = {
            "uid": found.uid,
            "resourceVersion": found.resource_version,
            "labels": wanted["labels"],
            **_owners(found, wanted),
        }
        written = await self._client.patch(
            store.resource,
            found.key,
            {"metadata": metadata},
            kind="merge",
            field_manager=self._field_manager,
        )
        store.wrote(written)
        self._observer(owner, "Updated", store, written.name)

    async def delete(self, store: Store, child: Object, *, owner: Object) -> None:
        """Deletes exactly the child that was looked at, by its uid and resourceVersion.

        Raises:
            KubeError: the write was refused or its fate is unknown.
        """
        try:
            await self._client.delete(
                store.resource,
                child.key,
                uid=child.uid,
                resource_version=child.resource_version,
            )
        except NotFound:
            return
        if not child.metadata.finalizers:
            store.deleted(child.key, child.uid)
        self._observer(owner, "Deleted", store, child.name)


def _owners(found: Object, wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """`ownerReferences` for a patch that replaces the list: ours, besides those of others."""
    ours = wanted.get("ownerReferences")
    if not ours:
        return {}
    uids = {reference["uid"] for reference in ours}
    others = found.body()["metadata"].get("ownerReferences") or ()
    return {"ownerReferences": [*(one for one in others if one["uid"] not in uids), *ours]}
