"""A Deployment's ReplicaSets and pods, as far as its owner can see them.

In flow Deployments; out flow a ReplicaSet for each template, pods of the newest, and the status.
New pods come before old ones go (maxUnavailable 0), or after (strategy Recreate). A pod waits for
the claims that it mounts; once it has started, it stays.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from controllers.kinds import DEPLOYMENT, PERSISTENT_VOLUME_CLAIM, POD, REPLICA_SET, SECRET
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.intent import digest
from registry_operator.testing.builders import controlled_by
from registry_operator.testing.cluster_model.volumes import claims_of
from registry_operator.testing.fake_api import FakeApi

Body = dict[str, Any]

# A timer of the event loop may be so much too early; nobody would look again (seed 487).
_EARLY_SECONDS = 1e-6


class Deployments:
    """All Deployments of a cluster; `is_well` judges a pod.

    `look_later` has one looked at after some seconds. `ends`: how often the process of a pod has
    ended.
    """

    def __init__(
        self,
        api: FakeApi,
        is_well: Callable[[Body], bool],
        look_later: Callable[[float, ObjectKey], None],
    ) -> None:
        self._api = api
        self._is_well = is_well
        self._look_later = look_later
        self._awaited: set[ObjectKey] = set()
        # What progress there was last, and when.
        self._progress: dict[ObjectKey, tuple[object, float]] = {}
        self._addresses: dict[str, int] = {}
        self._made: dict[ObjectKey, set[ObjectKey]] = {}
        self.ends: Callable[[Body], int] = lambda _pod: 0
        # The revision of which all pods were ready last, or still are.
        self._complete: dict[ObjectKey, str] = {}
        # Pods, by uid, that have come to a node with their volumes.
        self._started: set[str] = set()

    def known(self) -> list[ObjectKey]:
        """The Deployments that ever had pods."""
        return list(self._made)

    def is_awaited(self) -> bool:
        """Whether one may still make progress, or come to its deadline."""
        return any(self._api.peek(DEPLOYMENT, key) is not None for key in self._awaited)

    def pods(self, key: ObjectKey) -> list[Body]:
        """The pods of a Deployment, which must not be changed."""
        found = (self._api.peek(POD, pod) for pod in sorted(self._made.get(key, ())))
        return [pod for pod in found if pod is not None]

    def settle(self, key: ObjectKey) -> None:
        """Bring pods a step nearer to what a Deployment wants, and its status to the truth."""
        deployment = self._api.peek(DEPLOYMENT, key)
        if deployment is None:
            return
        template = deployment["spec"]["template"]
        suffix = digest(template)[:8]
        if not deployment["spec"].get("paused"):
            self._roll(key, deployment, suffix)
        for pod in self.pods(key):
            self._start(pod)
        self._report(key, deployment, suffix)

    def _roll(self, key: ObjectKey, deployment: Body, suffix: str) -> None:
        template = deployment["spec"]["template"]
        newest = self._replica_set(deployment, template, suffix)
        replicas = deployment["spec"]["replicas"]
        recreates = deployment["spec"]["strategy"]["type"] == "Recreate"
        if not recreates or all(_hash(pod) == suffix for pod in self.pods(key)):
            for number in range(replicas):
                self._make_pod(key, newest, template, number)
        self._clear(key, suffix, replicas, recreates=recreates)

    def _replica_set(self, deployment: Body, template: Body, suffix: str) -> Body:
        metadata = deployment["metadata"]
        key = ObjectKey(metadata["namespace"], f"{metadata['name']}-{suffix}")
        return self._api.peek(REPLICA_SET, key) or self._api.put(
            REPLICA_SET,
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "metadata": {
                    "namespace": key.namespace,
                    "name": key.name,
                    "labels": template["metadata"]["labels"] | {"hash": suffix},
                    "ownerReferences": [controlled_by(_typed(deployment, DEPLOYMENT))],
                },
                "spec": {
                    "selector": deployment["spec"]["selector"],
                    "template": template,
                },
            },
        )

    def _make_pod(self, key: ObjectKey, replica_set: Body, template: Body, number: int) -> None:
        pod = ObjectKey(key.namespace, f"{replica_set['metadata']['name']}-{number}")
        self._made.setdefault(key, set()).add(pod)
        if self._api.peek(POD, pod) is not None:
            return
        metadata = {
            "namespace": pod.namespace,
            "name": pod.name,
            "labels": replica_set["metadata"]["labels"],
            "annotations": template["metadata"].get("annotations", {}),
            "ownerReferences": [controlled_by(_typed(replica_set, REPLICA_SET))],
        }
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
        self._api.put(POD, body | {"status": {"phase": "Pending"}})

    def _clear(self, key: ObjectKey, suffix: str, replicas: int, *, recreates: bool) -> None:
        """Old pods go when all new ones are ready, or first; and new ones that are too many."""
        pods = self.pods(key)
        ready = sum(is_ready(pod) for pod in pods if _hash(pod) == suffix)
        for pod in pods:
            is_new = _hash(pod) == suffix
            number = int(pod["metadata"]["name"].rpartition("-")[2])
            may_go = number >= replicas if is_new else recreates or ready >= replicas
            if may_go:
                self._api.delete(POD, ObjectKey(key.namespace, pod["metadata"]["name"]))

    def _start(self, pod: Body) -> None:
        unbound = self._unbound_volume(pod)
        if unbound is not None:
            self._tell(pod, _unschedulable(unbound))
            return
        missing = self._missing_secret(pod)
        ready = missing is None and self._is_well(pod)
        ends = self.ends(pod)
        container: Body = {"name": "registry", "ready": ready, "state": {}, "restartCount": ends}
        if ends:
            container["lastState"] = {"terminated": {"exitCode": 2, "reason": "Error"}}
        if missing:
            told = {"reason": "CreateContainerConfigError", "message": f"no secret {missing}"}
            container["state"] = {"waiting": told}
        status = {
            "phase": "Pending" if missing else "Running",
            "podIP": self._address(pod),
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": [container],
        }
        self._tell(pod, status)

    def _address(self, pod: Body) -> str:
        """Of its own for each pod, as long as it lives."""
        number = self._addresses.setdefault(pod["metadata"]["uid"], len(self._addresses) + 1)
        return f"10.0.{number // 250 % 250}.{number % 250 + 1}"

    def _tell(self, pod: Body, status: Body) -> None:
        if pod.get("status") != status:
            key = ObjectKey(pod["metadata"]["namespace"], pod["metadata"]["name"])
            self._api.set_status(POD, key, status)

    def _unbound_volume(self, pod: Body) -> str | None:
        """Why a pod can't come to a node, in the words of the scheduler (VolumeBinding)."""
        uid, keys = pod["metadata"]["uid"], claims_of(pod)
        if not keys or uid in self._started:
            return None
        for key in keys:
            claim = self._api.peek(PERSISTENT_VOLUME_CLAIM, key)
            if claim is None:
                return f'persistentvolumeclaim "{key.name}" not found'
            if "deletionTimestamp" in claim["metadata"]:
                return f'persistentvolumeclaim "{key.name}" is being deleted'
            if claim["status"]["phase"] != "Bound":
                return "pod has unbound immediate PersistentVolumeClaims"
        self._started.add(uid)
        return None

    def _missing_secret(self, pod: Body) -> str | None:
        spec = pod["spec"]
        volumes = spec.get("volumes", ())
        names = [volume["secret"]["secretName"] for volume in volumes if "secret" in volume]
        for variable in spec["containers"][0].get("env", ()):
            source = variable.get("valueFrom", {}).get("secretKeyRef")
            names += [source["name"]] if source else []
        namespace = pod["metadata"]["namespace"]
        missing = (n for n in names if self._api.peek(SECRET, ObjectKey(namespace, n)) is None)
        return next(missing, None)

    def _report(self, key: ObjectKey, deployment: Body, suffix: str) -> None:
        pods = self.pods(key)
        ready = sum(is_ready(pod) for pod in pods)
        updated = sum(_hash(pod) == suffix for pod in pods)
        replicas = deployment["spec"]["replicas"]
        complete = updated == len(pods) == replicas == ready
        was_complete = self._complete.get(key) == suffix
        if complete:
            self._complete[key] = suffix
        status = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": len(pods),
            "updatedReplicas": updated,
            "readyReplicas": ready,
            "availableReplicas": ready,
        }
        is_done = complete or was_complete
        late = not is_done and self._is_late(key, deployment, (suffix, updated, ready, len(pods)))
        status["conditions"] = [_progressing(is_done=is_done, is_late=late)]
        if is_done or late:
            self._awaited.discard(key)
        else:
            self._awaited.add(key)
        if deployment.get("status") != status:
            self._api.set_status(DEPLOYMENT, key, status)

    def _is_late(self, key: ObjectKey, deployment: Body, progress: object) -> bool:
        """Whether there was no progress for longer than there may be none."""
        now = asyncio.get_running_loop().time()
        before, since = self._progress.get(key, (None, now))
        if before != progress:
            self._progress[key] = progress, now
            since = now
        left: float = since + deployment["spec"].get("progressDeadlineSeconds", 600) - now
        if left > _EARLY_SECONDS and before != progress:
            self._look_later(left, key)
        return left <= _EARLY_SECONDS


def _progressing(*, is_done: bool, is_late: bool) -> Body:
    """What stands while pods come and go, until there is a newer revision (progress.go)."""
    if is_late:
        return {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    reason = "NewReplicaSetAvailable" if is_done else "ReplicaSetUpdated"
    return {"type": "Progressing", "status": "True", "reason": reason}


def is_ready(pod: Body) -> bool:
    """Whether a pod says so."""
    conditions = pod.get("status", {}).get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _unschedulable(why: str) -> Body:
    told = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": why}
    return {"phase": "Pending", "conditions": [told]}


def _hash(pod: Body) -> str:
    suffix: str = pod["metadata"]["labels"]["hash"]
    return suffix


def _typed(body: Body, resource: Resource) -> Body:
    return {**body, "apiVersion": resource.api_version, "kind": resource.kind}
