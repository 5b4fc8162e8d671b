"""Law 9: no two pods of different ReplicaSets are on a volume of one writer at the same time.

In flow changes of pods, Deployments and Registries; judged when a pod comes to a node, where its
volumes are mounted. A volume that may be mounted by many nodes is shared where users say so, and a
pod that only reads writes to none. Pods of another Registry are excused that no operator could know
of: those of one that is gone, and those whose Deployment was robbed of its label.
"""

from collections import defaultdict
from typing import Any, NamedTuple

from controllers.kinds import DEPLOYMENT, PERSISTENT_VOLUME_CLAIM, POD, REGISTRY
from registry_operator.api.names import LABEL_INSTANCE, LABEL_REGISTRY
from registry_operator.kube.resource import ObjectKey
from registry_operator.testing.cluster_model.volumes import has_started, replica_set_of
from registry_operator.testing.fake_api import Change, FakeApi
from tests.simulation.laws.law import Court

Body = dict[str, Any]


class _Tenant(NamedTuple):
    replica_set: str
    registry: str


class Tenancy:
    """Watches who is on which claim."""

    def __init__(self, api: FakeApi, court: Court) -> None:
        self._api = api
        self._court = court
        self._on: defaultdict[ObjectKey, dict[str, _Tenant]] = defaultdict(dict)
        # Registries by name whose Deployment could not be seen for a while.
        self._hidden: set[str] = set()

    def see(self, change: Change) -> None:
        """Judge one change of anybody."""
        if change.resource == DEPLOYMENT and LABEL_REGISTRY not in _labels(change.new):
            self._hidden.add(change.new["metadata"]["name"])
        if change.resource != POD:
            return
        uid = change.new["metadata"]["uid"]
        for key in _written_by(change.new):
            if change.kind == "DELETED":
                self._on[key].pop(uid, None)
            elif has_started(change.new) and uid not in self._on[key]:
                tenant = _Tenant(replica_set_of(change.new), _labels(change.new)[LABEL_INSTANCE])
                self._judge(key, tenant)
                self._on[key][uid] = tenant

    def _judge(self, key: ObjectKey, comes: _Tenant) -> None:
        claim = self._api.peek(PERSISTENT_VOLUME_CLAIM, key)
        if claim is None or "ReadWriteMany" in claim["spec"]["accessModes"]:
            return
        for tenant in self._on[key].values():
            is_another = tenant.replica_set != comes.replica_set
            if is_another and not self._is_excused(tenant, comes, key.namespace):
                who = " and ".join(sorted({tenant.registry, comes.registry}))
                self._court.broken("tenancy", f"two ReplicaSets of {who} are on claim {key.name}")

    def _is_excused(self, tenant: _Tenant, comes: _Tenant, namespace: str) -> bool:
        if tenant.registry == comes.registry:
            return False
        registry = self._api.peek(REGISTRY, ObjectKey(namespace, tenant.registry))
        return registry is None or tenant.registry in self._hidden


def _written_by(pod: Body) -> list[ObjectKey]:
    """The claims that a pod mounts to write."""
    sources = (one.get("persistentVolumeClaim") for one in pod["spec"].get("volumes") or ())
    namespace = pod["metadata"]["namespace"]
    return [
        ObjectKey(namespace, source["claimName"])
        for source in sources
        if source and not source.get("readOnly")
    ]


def _labels(body: Body) -> dict[str, str]:
    labels: dict[str, str] = body["metadata"].get("labels") or {}
    return labels
