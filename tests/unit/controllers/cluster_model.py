"""Small models of the cluster's own controllers, as far as a Registry depends on them.

In flow Deployments and Services of an API server in memory; out flow ReplicaSets, Pods,
EndpointSlices and the status of Deployments. A pod becomes ready when every Secret that it refers
to exists and `is_well` says so; new pods come before old ones go (maxUnavailable 0).
"""

import asyncio
from collections.abc import Callable
from typing import Any

from controllers.kinds import DEPLOYMENT, ENDPOINT_SLICE, POD, REPLICA_SET, SECRET, SERVICE
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.intent import digest
from registry_operator.testing.builders import controlled_by
from registry_operator.testing.fake_api import FakeApi

Body = dict[str, Any]
_STEP_SECONDS = 0.25


class ClusterModel:
    """Runs until cancelled; does nothing while nobody writes."""

    def __init__(self, api: FakeApi) -> None:
        self._api = api
        self._seen = 0
        # Lists of a server with a hundred Registries are dear; keys are not.
        self._made: dict[ObjectKey, set[ObjectKey]] = {}
        self.is_well: Callable[[Body], bool] = lambda _pod: True

    async def run(self) -> None:
        while True:
            await asyncio.sleep(_STEP_SECONDS)
            if self._api.revision != self._seen:
                self._seen = self._api.revision
                self.step()

    def look_again(self) -> None:
        """Something that no write shows has changed: the health of pods."""
        self._seen = 0

    def step(self) -> None:
        for deployment in self._api.objects(DEPLOYMENT):
            self._deploy(deployment)
        for service in self._api.objects(SERVICE):
            self._serve(service)

    def _deploy(self, deployment: Body) -> None:
        template = deployment["spec"]["template"]
        suffix = digest(template)[:8]
        newest = self._replica_set(deployment, template, suffix)
        replicas = deployment["spec"]["replicas"]
        pods = self._pods(_key(deployment))
        new = [pod for pod in pods if pod["metadata"]["labels"]["hash"] == suffix]
        for number in range(replicas):
            made = self._pod(newest, template, f"{newest['metadata']['name']}-{number}")
            self._made.setdefault(_key(deployment), set()).add(made)
        ready = [pod for pod in new if _is_ready(pod)]
        for pod in pods:
            is_old = pod not in new and len(ready) >= replicas
            is_extra = pod in new and int(pod["metadata"]["name"].rpartition("-")[2]) >= replicas
            if is_old or is_extra:
                self._api.delete(POD, _key(pod))
        for pod in self._pods(_key(deployment)):
            self._start(pod)
        self._report(deployment, suffix)

    def _replica_set(self, deployment: Body, template: Body, suffix: str) -> Body:
        metadata = deployment["metadata"]
        name = f"{metadata['name']}-{suffix}"
        known = self._api.get(REPLICA_SET, ObjectKey(metadata["namespace"], name))
        return known or self._api.put(
            REPLICA_SET,
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "metadata": {
                    "namespace": metadata["namespace"],
                    "name": name,
                    "labels": template["metadata"]["labels"] | {"hash": suffix},
                    "ownerReferences": [controlled_by(deployment)],
                },
                "spec": {"template": template},
            },
        )

    def _pod(self, replica_set: Body, template: Body, name: str) -> ObjectKey:
        namespace = replica_set["metadata"]["namespace"]
        key = ObjectKey(namespace, name)
        if self._api.get(POD, key) is not None:
            return key
        metadata = {
            "namespace": namespace,
            "name": name,
            "labels": replica_set["metadata"]["labels"],
            "ownerReferences": [controlled_by(replica_set)],
        }
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
        self._api.put(POD, body | {"status": {"phase": "Pending"}})
        return key

    def _start(self, pod: Body) -> None:
        missing = self._missing_secret(pod)
        is_ready = missing is None and self.is_well(pod)
        status: Body = {
            "phase": "Pending" if missing else "Running",
            "podIP": "10.0.0.1",
            "conditions": [{"type": "Ready", "status": "True" if is_ready else "False"}],
            "containerStatuses": [{"name": "registry", "ready": is_ready, "state": {}}],
        }
        if missing:
            told = {"reason": "CreateContainerConfigError", "message": f"no secret {missing}"}
            status["containerStatuses"][0]["state"] = {"waiting": told}
        self._update(POD, pod, status=status)

    def _missing_secret(self, pod: Body) -> str | None:
        spec = pod["spec"]
        names = [volume["secret"]["secretName"] for volume in spec["volumes"] if "secret" in volume]
        for variable in spec["containers"][0]["env"]:
            source = variable.get("valueFrom", {}).get("secretKeyRef")
            names += [source["name"]] if source else []
        namespace = pod["metadata"]["namespace"]
        missing = [n for n in names if self._api.get(SECRET, ObjectKey(namespace, n)) is None]
        return missing[0] if missing else None

    def _report(self, deployment: Body, suffix: str) -> None:
        pods = self._pods(_key(deployment))
        new = [pod for pod in pods if pod["metadata"]["labels"]["hash"] == suffix]
        ready = sum(_is_ready(pod) for pod in pods)
        status = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": len(pods),
            "updatedReplicas": len(new),
            "readyReplicas": ready,
            "availableReplicas": ready,
        }
        self._update(DEPLOYMENT, deployment, status=status)

    def _serve(self, service: Body) -> None:
        metadata, selector = service["metadata"], service["spec"]["selector"]
        endpoints = [
            {
                "addresses": [pod["metadata"]["name"]],
                "conditions": {"ready": _is_ready(pod)},
                "targetRef": {"uid": pod["metadata"]["uid"]},
            }
            for pod in self._pods(_key(service))
            if selector.items() <= pod["metadata"]["labels"].items()
        ]
        key = ObjectKey(metadata["namespace"], f"{metadata['name']}-slice")
        known = self._api.get(ENDPOINT_SLICE, key)
        if known is None:
            known = {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {
                    "namespace": key.namespace,
                    "name": key.name,
                    "labels": metadata.get("labels", {}),
                    "ownerReferences": [controlled_by(service)],
                },
            }
        self._update(ENDPOINT_SLICE, known, endpoints=endpoints)

    def _pods(self, key: ObjectKey) -> list[Body]:
        """The pods of the Deployment of this key, which a Service of the same name serves."""
        found = (self._api.get(POD, pod) for pod in sorted(self._made.get(key, ())))
        return [pod for pod in found if pod is not None]

    def _update(self, resource: Any, body: Body, **changed: Any) -> None:
        if any(body.get(name) != value for name, value in changed.items()):
            metadata = {n: v for n, v in body["metadata"].items() if n != "resourceVersion"}
            self._api.put(resource, body | changed | {"metadata": metadata})


def _is_ready(pod: Body) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _key(body: Body) -> ObjectKey:
    return ObjectKey(body["metadata"]["namespace"], body["metadata"]["name"])
