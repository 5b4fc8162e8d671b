"""Law 3: nothing that holds data is deleted unless the user said so; nothing foreign is touched.

In flow changes that an operator made, each judged against the world as it was at that moment. Ours
is what an operator made in this world, whatever somebody did to its labels since.
"""

from typing import Any

from controllers.kinds import BUCKET_ACCESS, BUCKET_CLAIM, REGISTRY
from controllers.registry.finalizer import FINALIZER
from registry_operator.api.names import LABEL_REGISTRY
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.lease import LEASES
from registry_operator.runtime.recorder import EVENTS
from registry_operator.testing.fake_api import Change, FakeApi
from tests.simulation.laws.law import Court

Body = dict[str, Any]
_DATA = (BUCKET_CLAIM, BUCKET_ACCESS)


class Keeping:
    """Watches what becomes of data and of what is not ours."""

    def __init__(self, api: FakeApi, court: Court) -> None:
        self._api = api
        self._court = court
        self._made: set[str] = set()

    def see(self, change: Change) -> None:
        """Judge one change of an operator."""
        if change.resource in {LEASES, EVENTS}:
            return
        if change.resource == REGISTRY:
            self._see_owner(change)
            return
        what = f"{change.resource.plural} {change.new['metadata']['name']}"
        if change.old is None:
            self._made.add(change.new["metadata"]["uid"])
        elif change.old["metadata"]["uid"] not in self._made:
            self._court.broken("keeping", f"{what} is foreign and was written")
        elif self._is_anothers(change.old):
            self._court.broken("keeping", f"{what} belongs to a Registry that was before")
        if change.resource in _DATA and _goes(change) and not self._may_go(change.new):
            self._court.broken("keeping", f"{what} holds data and was deleted")

    def _see_owner(self, change: Change) -> None:
        old, new = change.old, change.new
        if old is None:
            self._court.broken("keeping", "a Registry was made")
            return
        for name in ("spec", "template"):
            if old.get(name) != new.get(name):
                self._court.broken("keeping", f"{name} of a Registry was changed")
        for name in ("labels", "annotations", "ownerReferences"):
            if old["metadata"].get(name) != new["metadata"].get(name):
                self._court.broken("keeping", f"metadata.{name} of a Registry was changed")
        if _finalizers_of_others(old) != _finalizers_of_others(new):
            self._court.broken("keeping", "somebody else's finalizer was changed")

    def _is_anothers(self, body: Body) -> bool:
        owner = self._owner(body)
        controllers = [o for o in body["metadata"].get("ownerReferences", ()) if o["controller"]]
        uids = {one["uid"] for one in controllers if one["kind"] == REGISTRY.kind}
        return owner is not None and bool(uids) and owner["metadata"]["uid"] not in uids

    def _may_go(self, body: Body) -> bool:
        owner = self._owner(body)
        return (
            owner is not None
            and "deletionTimestamp" in owner["metadata"]
            and owner["spec"].get("deletionPolicy") == "Delete"
        )

    def _owner(self, body: Body) -> Body | None:
        metadata = body["metadata"]
        name = metadata.get("labels", {}).get(LABEL_REGISTRY, metadata["name"])
        return self._api.get(REGISTRY, ObjectKey(metadata["namespace"], name))


def _goes(change: Change) -> bool:
    before = change.old is not None and "deletionTimestamp" in change.old["metadata"]
    return change.kind == "DELETED" or (
        not before and "deletionTimestamp" in change.new["metadata"]
    )


def _finalizers_of_others(body: Body) -> list[str]:
    return [name for name in body["metadata"].get("finalizers") or () if name != FINALIZER]
