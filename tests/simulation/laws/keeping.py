"""Law 3: nothing that holds data is deleted unless the user said so; nothing foreign is touched.

In flow changes, of the users to learn from, of an operator to be judged against the world as it was
at that moment. Ours is what an operator made in this world, whatever somebody did to its labels
since. Every write of a child says which object it means, so that none hits another of its name.
"""

import asyncio
from typing import Any, Final

import orjson

from controllers.kinds import (
    BUCKET_ACCESS,
    BUCKET_CLAIM,
    DEPLOYMENT,
    PERSISTENT_VOLUME_CLAIM,
    REGISTRY,
    REGISTRY_TEMPLATE,
    SECRET,
)
from controllers.registry.finalizer import FINALIZER, GOING
from controllers.registry.moving import ANNOTATION as STORAGE
from controllers.registry.moving import CLAIM
from registry_operator.api.names import LABEL_REGISTRY
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.lease import LEASES
from registry_operator.runtime.recorder import EVENTS
from registry_operator.testing.fake_api import Change, FakeApi
from tests.simulation.laws.claims import LOST_WITH_POD
from tests.simulation.laws.law import Court

Body = dict[str, Any]
_BUCKET = (BUCKET_CLAIM, BUCKET_ACCESS)
_DATA = (*_BUCKET, PERSISTENT_VOLUME_CLAIM)
_GUARDED = (BUCKET_CLAIM, PERSISTENT_VOLUME_CLAIM)
# A look at the owner and the write that follows it, each as late as the weather makes them.
_LONGEST_WAY: Final = 60.0


class Keeping:
    """Watches what becomes of data and of what is not ours."""

    def __init__(self, api: FakeApi, court: Court) -> None:
        self._api = api
        self._court = court
        self._made: set[str] = set()
        self._gone: dict[str, float] = {}
        # Registries by uid: the generation at which a status said that nothing is written now.
        self._held: dict[str, int] = {}
        # Since when which Deployment (by uid) refers to which Secret.
        self._uses: dict[str, dict[str, float]] = {}

    def learn(self, change: Change) -> None:
        """Take notice of a change of anybody."""
        if change.resource == REGISTRY and change.kind == "DELETED":
            self._gone[change.new["metadata"]["uid"]] = _now()
        if change.resource == DEPLOYMENT:
            before = self._uses.get(change.new["metadata"]["uid"], {})
            now = {name: before.get(name, _now()) for name in _secrets(change.new)}
            self._uses[change.new["metadata"]["uid"]] = now
        is_collected = change.request is None and bool(_owners(change.new))
        if change.resource in _DATA and is_collected and _is_asked_to_go(change):
            what = f"{change.resource.plural} {change.new['metadata']['name']}"
            self._court.broken("keeping", f"{what} holds data and was collected with its owner")

    def inherit(self, body: Body) -> None:
        """Take for ours what an operator made in another world."""
        self._made.add(body["metadata"]["uid"])

    def see(self, change: Change) -> None:
        """Judge one change of an operator."""
        if change.resource in {LEASES, EVENTS}:
            return
        if change.resource == REGISTRY_TEMPLATE:
            if change.old is None or change.old["spec"] != change.new["spec"]:
                self._court.broken("keeping", "a template was written")
            return
        if change.resource == REGISTRY:
            self._see_owner(change)
            return
        what = f"{change.resource.plural} {change.new['metadata']['name']}"
        for fault in (*self._faults_of_writing(change), *self._faults_of_deleting(change)):
            self._court.broken("keeping", f"{what} {fault}")
        self._made.add(change.new["metadata"]["uid"])

    def _faults_of_writing(self, change: Change) -> list[str]:
        old, owner = change.old, self._owner(change.new)
        faults = []
        if old is not None and old["metadata"]["uid"] not in self._made:
            faults.append("is foreign and was written")
        elif old is not None and self._is_anothers(old):
            faults.append("belongs to a Registry that was before")
        if not _is_precise(change):
            faults.append("was written without saying which it is")
        since = min((self._gone.get(uid, _now()) for uid in _owners(change.new)), default=_now())
        if old is None and _now() - since > _LONGEST_WAY:
            faults.append("was made for a Registry that is gone")
        if owner is not None and self._is_held(owner) and change.resource not in _DATA:
            faults.append("was written while its Registry was held")
        if old is not None and change.resource == DEPLOYMENT and _leaves_images(old, change.new):
            faults.append("was moved to another storage, where the images are not")
        if change.resource in _DATA and _owners(change.new):
            faults.append("holds data and would be collected with its owner")
        if old is None and change.resource in _GUARDED and _is_unguarded(owner):
            faults.append("was made before its deletion was guarded")
        return faults

    def _faults_of_deleting(self, change: Change) -> list[str]:
        if not _goes(change):
            return []
        key = _key(change.new)
        faults = []
        if change.resource in _DATA and not self._may_go(change.new):
            faults.append("holds data and was deleted")
        if change.resource == BUCKET_CLAIM and not self._is_its_own(change.new):
            faults.append("is a user's and was deleted")
        if change.resource == BUCKET_CLAIM and self._api.get(BUCKET_ACCESS, key) is not None:
            faults.append("was deleted before the access to it")
        if change.resource == SECRET and self._is_used(change.new):
            faults.append("was deleted while a Deployment referred to it")
        return faults

    def _see_owner(self, change: Change) -> None:
        old, new = change.old, change.new
        if old is None:
            self._court.broken("keeping", "a Registry was made")
            return
        for name in ("spec", "template"):
            if old.get(name) != new.get(name):
                self._court.broken("keeping", f"{name} of a Registry was changed")
        for name in ("labels", "ownerReferences"):
            if old["metadata"].get(name) != new["metadata"].get(name):
                self._court.broken("keeping", f"metadata.{name} of a Registry was changed")
        self._see_announcement(old["metadata"], new)
        # What goes with its last finalizer is told as it was before.
        before, after = _finalizers(old), _finalizers(new) if change.kind != "DELETED" else set()
        if before - {FINALIZER} != after - {FINALIZER}:
            self._court.broken("keeping", "somebody else's finalizer was changed")
        if FINALIZER in before - after and self._takes_along(old):
            self._court.broken("keeping", "a Registry was let go before its data")
        self._note_hold(new)

    def _see_announcement(self, old: Body, owner: Body) -> None:
        """That data goes is said of a Registry while its user wants that, and nothing else is."""
        before, after = (one.get("annotations") or {} for one in (old, owner["metadata"]))
        changed = {name for name in before | after if before.get(name) != after.get(name)}
        if changed - {GOING}:
            self._court.broken("keeping", "metadata.annotations of a Registry was changed")
        wants = owner["spec"].get("deletionPolicy") == "Delete"
        if changed and not (wants and "deletionTimestamp" in owner["metadata"]):
            self._court.broken("keeping", "a Registry that keeps its data was to lose it")

    def _note_hold(self, owner: Body) -> None:
        """Remember that an operator says, for all its reconcilers, that it holds still."""
        status = owner.get("status", {})
        generation = owner["metadata"]["generation"]
        told = {one["type"]: one["reason"] for one in status.get("conditions", ())}
        is_held = "Paused" in told or told.get("Ready") == "Terminating"
        if is_held and status["observedGeneration"] == generation:
            self._held[owner["metadata"]["uid"]] = generation

    def _is_held(self, owner: Body) -> bool:
        metadata = owner["metadata"]
        return bool(self._held.get(metadata["uid"]) == metadata["generation"])

    def _is_anothers(self, body: Body) -> bool:
        owner, uids = self._owner(body), _owners(body)
        return owner is not None and bool(uids) and owner["metadata"]["uid"] not in uids

    def _takes_along(self, owner: Body) -> bool:
        """Whether a Registry that is deleted takes data along that nobody has deleted yet."""
        wants = owner["spec"].get("deletionPolicy") == "Delete"
        storage, key = owner["spec"].get("storage") or {}, _key(owner)
        found: list[Body | None] = []
        if "bucketClassName" in storage:
            found = [self._api.get(resource, key) for resource in _BUCKET]
        if "bucketClaimName" in storage:
            # Of a bucket that is claimed already only the access is its own.
            found = [self._api.get(BUCKET_ACCESS, key)]
        if "persistentVolumeClaimTemplate" in storage:
            data = ObjectKey(key.namespace, f"{key.name}-data")
            claim = self._api.get(PERSISTENT_VOLUME_CLAIM, data)
            # It goes with the pods, which go with the Registry.
            found = [None if claim and "deletionTimestamp" in claim["metadata"] else claim]
        is_there = any(one["metadata"]["uid"] in self._made for one in found if one is not None)
        return "deletionTimestamp" in owner["metadata"] and wants and is_there

    def _may_go(self, body: Body) -> bool:
        """By the user's wish, or by what it was when the server was asked for the last time."""
        owner = self._owner(body)
        if owner is None or "deletionTimestamp" not in owner["metadata"]:
            return False
        going = (owner["metadata"].get("annotations") or {}).get(GOING)
        wants = owner["spec"].get("deletionPolicy") == "Delete"
        return bool(wants or going == body["metadata"]["uid"])

    def _is_its_own(self, claim: Body) -> bool:
        """Whether an operator made a claim, and its Registry does not say that it is a user's."""
        owner = self._owner(claim)
        storage = (owner["spec"].get("storage") or {}) if owner is not None else {}
        return claim["metadata"]["uid"] in self._made and "bucketClaimName" not in storage

    def _is_used(self, secret: Body) -> bool:
        """Whether a Deployment refers to it, and has for so long that no write of it is under way."""
        deployment = self._api.get(DEPLOYMENT, _key(self._owner(secret) or secret))
        if deployment is None:
            return False
        uses = self._uses[deployment["metadata"]["uid"]]
        return _now() - uses.get(secret["metadata"]["name"], _now()) > _LONGEST_WAY

    def _owner(self, body: Body) -> Body | None:
        metadata = body["metadata"]
        name = metadata.get("labels", {}).get(LABEL_REGISTRY, metadata["name"])
        return self._api.get(REGISTRY, ObjectKey(metadata["namespace"], name))


def _is_precise(change: Change) -> bool:
    """Whether a request that met an object named its uid."""
    assert change.request is not None
    if change.old is None:
        return True
    asked = orjson.loads(change.request.body or b"{}")
    if change.request.method == "DELETE":
        return bool({"uid", "resourceVersion"} <= asked.get("preconditions", {}).keys())
    return "uid" in asked["metadata"]


def _secrets(deployment: Body) -> list[str]:
    """The Secrets that its pods mount."""
    volumes = deployment["spec"]["template"]["spec"].get("volumes") or ()
    return [one["secret"]["secretName"] for one in volumes if "secret" in one]


def _claims(deployment: Body) -> list[str]:
    """The claims that its pods mount."""
    volumes = deployment["spec"]["template"]["spec"].get("volumes") or ()
    found = (one.get("persistentVolumeClaim") for one in volumes)
    return [source["claimName"] for source in found if source]


def _leaves_images(old: Body, new: Body) -> bool:
    """Whether pods on a bucket or a claim are put on another, and the operator saw them.

    Without its label a Deployment is as good as deleted for it (docs/registry.md).
    """
    if LABEL_REGISTRY not in old["metadata"].get("labels", {}):
        return False
    if set(_claims(old)) - set(_claims(new)):
        return True
    own = old["metadata"]["name"]
    before, after = (one["metadata"].get("annotations", {}) for one in (old, new))
    if before.get(STORAGE) not in {None, after.get(STORAGE), *LOST_WITH_POD}:
        return True
    claims = before.get(CLAIM, own), after.get(CLAIM, own)
    return bool(before.get(STORAGE) == "bucket" and claims[0] != claims[1])


def _is_unguarded(owner: Body | None) -> bool:
    """Whether a Registry that was to take its bucket along from the first has no finalizer."""
    if owner is None or owner["metadata"]["generation"] > 1:
        return False
    wants = bool(owner["spec"].get("deletionPolicy") == "Delete")
    return wants and FINALIZER not in _finalizers(owner)


def _goes(change: Change) -> bool:
    return change.kind == "DELETED" or _is_asked_to_go(change)


def _is_asked_to_go(change: Change) -> bool:
    """Whether it is this change that deletes it, at once or by and by."""
    if change.old is not None and "deletionTimestamp" in change.old["metadata"]:
        return False
    return change.kind == "DELETED" or "deletionTimestamp" in change.new["metadata"]


def _owners(body: Body) -> set[str]:
    """The Registries that an object says it is controlled by, by uid."""
    owners = body["metadata"].get("ownerReferences") or ()
    return {one["uid"] for one in owners if one["controller"] and one["kind"] == REGISTRY.kind}


def _finalizers(body: Body) -> set[str]:
    return set(body["metadata"].get("finalizers") or ())


def _key(body: Body) -> ObjectKey:
    return ObjectKey(body["metadata"]["namespace"], body["metadata"]["name"])


def _now() -> float:
    return asyncio.get_running_loop().time()
