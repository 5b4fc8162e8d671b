"""A small model of those who look after volumes: provisioner, resizer, protection of claims.

In flow PersistentVolumeClaims and pods of an API server in memory; out flow volumes a while after
they were claimed, capacity that follows what is asked for, and the end of a claim that was deleted
once no pod uses it. `volumes` are those that exist, by the claim's key; a claim that goes takes its
volume along. `tenants` are the ReplicaSets, by uid, whose pods ever ran on each volume, by name.
"""

import itertools
import random
from collections import defaultdict
from typing import Any

from controllers.kinds import PERSISTENT_VOLUME_CLAIM, POD
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.quantity import parse_quantity
from registry_operator.testing.cluster_model.attendant import Attendant
from registry_operator.testing.fake_api import Change, FakeApi
from registry_operator.testing.fake_api.kinds.claims import PROTECTION

Body = dict[str, Any]


class VolumeModel(Attendant):
    """Binds claims, expands them and lets them go; while it `is_down` nothing happens."""

    def __init__(self, api: FakeApi, rng: random.Random) -> None:
        self._api = api
        super().__init__(rng)
        self.volumes: dict[ObjectKey, str] = {}
        self.tenants: defaultdict[str, set[str]] = defaultdict(set)
        self._numbers = itertools.count(1)
        self._leaving: set[ObjectKey] = set()
        # Pods, by uid, that have come to a node with the claim: only they keep it (KEP-498).
        self._on: defaultdict[ObjectKey, set[str]] = defaultdict(set)
        api.subscribe(self._see)

    def step(self) -> None:
        """Take one step for each claim."""
        for claim in self._api.objects(PERSISTENT_VOLUME_CLAIM):
            if "deletionTimestamp" in claim["metadata"]:
                self._let_go(_key(claim))
            elif claim["status"]["phase"] == "Pending":
                self._bind(claim)
            elif claim["status"]["phase"] == "Bound":
                self._expand(claim)

    def _see(self, change: Change) -> None:
        if change.resource == POD:
            self._see_pod(change)
        if change.resource != PERSISTENT_VOLUME_CLAIM:
            return
        key = _key(change.new)
        if change.kind == "DELETED":
            self._leaving.discard(key)
            self.volumes.pop(key, None)
        elif "deletionTimestamp" in change.new["metadata"]:
            self._leaving.add(key)
        self.notice()

    def _see_pod(self, change: Change) -> None:
        """Pods matter to those claims only that they use: other worlds are as they were."""
        uid, claims = change.new["metadata"]["uid"], claims_of(change.new)
        for key in claims:
            if change.kind == "DELETED":
                self._on[key].discard(uid)
            elif has_started(change.new):
                self._on[key].add(uid)
                self.tenants[self.volumes.get(key, "")].add(replica_set_of(change.new))
        if change.kind == "DELETED" and not self._leaving.isdisjoint(claims):
            self.notice()

    def _bind(self, claim: Body) -> None:
        key = _key(claim)
        volume = claim["spec"].get("volumeName") or f"pv-{next(self._numbers)}"
        self.volumes[key] = volume

        def mutate(body: Body) -> None:
            body["spec"]["volumeName"] = volume
            body["status"] = {
                "phase": "Bound",
                "accessModes": body["spec"]["accessModes"],
                "capacity": {"storage": _asked(body)},
            }

        self._api.change(PERSISTENT_VOLUME_CLAIM, key, mutate)

    def _expand(self, claim: Body) -> None:
        status = claim["status"]
        has = (status.get("capacity") or {}).get("storage") or 0
        if parse_quantity(_asked(claim)) > parse_quantity(has):
            grown = {**status, "capacity": {"storage": _asked(claim)}}
            self._api.set_status(PERSISTENT_VOLUME_CLAIM, _key(claim), grown)

    def _let_go(self, key: ObjectKey) -> None:
        """As the protection does: not before its last pod has gone."""
        if self._on[key]:
            return

        def mutate(body: Body) -> None:
            held = body["metadata"].get("finalizers") or ()
            body["metadata"]["finalizers"] = [name for name in held if name != PROTECTION]

        self._api.change(PERSISTENT_VOLUME_CLAIM, key, mutate)


def claims_of(pod: Body) -> list[ObjectKey]:
    """The claims that a pod mounts."""
    sources = (one.get("persistentVolumeClaim") for one in pod["spec"].get("volumes") or ())
    namespace = pod["metadata"]["namespace"]
    return [ObjectKey(namespace, source["claimName"]) for source in sources if source]


def has_started(pod: Body) -> bool:
    """Whether a pod has come to a node, where its volumes are mounted."""
    return bool(pod.get("status", {}).get("phase") == "Running")


def replica_set_of(pod: Body) -> str:
    """The uid of who made a pod; "" where nobody did."""
    owners = pod["metadata"].get("ownerReferences") or ()
    return next((owner["uid"] for owner in owners if owner.get("controller")), "")


def _asked(claim: Body) -> str:
    size: str = claim["spec"]["resources"]["requests"]["storage"]
    return size


def _key(body: Body) -> ObjectKey:
    return ObjectKey(body["metadata"]["namespace"], body["metadata"]["name"])
