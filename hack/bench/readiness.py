"""What the cluster's own controllers and a kubelet make of a Registry's children, once, at the end.

In flows an API server in memory that holds a Deployment and its Service; out flow a ReplicaSet, a
ready Pod, an EndpointSlice, and the status of the Deployment.
"""

from __future__ import annotations

from typing import Any

from controllers.kinds import DEPLOYMENT, ENDPOINT_SLICE, POD, REPLICA_SET, SERVICE
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.testing.builders import controlled_by
from registry_operator.testing.fake_api import FakeApi

Body = dict[str, Any]
_SINCE = "2026-01-01T00:00:00Z"
_HASH = "7d4b9c6f5"


def make_ready(api: FakeApi, key: ObjectKey) -> None:
    """Lets the one pod of the Deployment `key` serve."""
    deployment, service = api.get(DEPLOYMENT, key), api.get(SERVICE, key)
    if deployment is None or service is None:
        raise ValueError(f"{key} has no Deployment or no Service")

    template = deployment["spec"]["template"]
    labels = template["metadata"]["labels"] | {"pod-template-hash": _HASH}
    replica_set = _put(
        api,
        REPLICA_SET,
        {
            "metadata": _metadata(key, f"{key.name}-{_HASH}", labels, deployment),
            "spec": {"replicas": 1, "template": template},
            "status": {"replicas": 1, "readyReplicas": 1, "observedGeneration": 1},
        },
    )
    pod = _put(
        api,
        POD,
        {
            "metadata": _metadata(key, f"{key.name}-{_HASH}-x2k8q", labels, replica_set),
            "spec": template["spec"] | {"nodeName": "node-1"},
            "status": _pod_status(template["spec"]["containers"][0]),
        },
    )
    _put(
        api,
        ENDPOINT_SLICE,
        {
            "metadata": _metadata(key, f"{key.name}-5m7zd", service["metadata"]["labels"], service),
            "addressType": "IPv4",
            "endpoints": [_endpoint(pod)],
            "ports": [{"name": "http", "port": 5000, "protocol": "TCP"}],
        },
    )
    api.change(DEPLOYMENT, key, lambda body: body.update(status=_deployment_status(body)))


def _put(api: FakeApi, resource: Resource, body: Body) -> Body:
    return api.put(resource, {"apiVersion": resource.api_version, "kind": resource.kind, **body})


def _metadata(key: ObjectKey, name: str, labels: Body, owner: Body) -> Body:
    return {
        "namespace": key.namespace,
        "name": name,
        "labels": labels,
        "ownerReferences": [controlled_by(owner)],
    }


def _pod_status(container: Body) -> Body:
    running = {"running": {"startedAt": _SINCE}}
    status = {"name": container["name"], "image": container["image"], "restartCount": 0}

    return {
        "phase": "Running",
        "podIP": "10.244.0.7",
        "startTime": _SINCE,
        "conditions": [
            {"type": type_, "status": "True", "lastTransitionTime": _SINCE}
            for type_ in ("Initialized", "ContainersReady", "Ready", "PodScheduled")
        ],
        "containerStatuses": [{**status, "ready": True, "started": True, "state": running}],
    }


def _endpoint(pod: Body) -> Body:
    metadata = pod["metadata"]
    target = {"kind": "Pod", "namespace": metadata["namespace"], "name": metadata["name"]}

    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": True, "serving": True, "terminating": False},
        "targetRef": {**target, "uid": metadata["uid"]},
    }


def _deployment_status(deployment: Body) -> Body:
    condition = {"status": "True", "lastTransitionTime": _SINCE, "lastUpdateTime": _SINCE}

    return {
        "observedGeneration": deployment["metadata"]["generation"],
        "replicas": 1,
        "updatedReplicas": 1,
        "readyReplicas": 1,
        "availableReplicas": 1,
        "conditions": [
            {"type": "Available", "reason": "MinimumReplicasAvailable", **condition},
            {"type": "Progressing", "reason": "NewReplicaSetAvailable", **condition},
        ],
    }
