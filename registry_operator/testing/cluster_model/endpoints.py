"""The one EndpointSlice of a Service: the pods behind it, and which of them are ready.

In flow a Service and the pods that may be behind it; out flows its slice.
"""

from collections.abc import Sequence

from controllers.kinds import ENDPOINT_SLICE, SERVICE
from registry_operator.kube.resource import ObjectKey
from registry_operator.testing.builders import controlled_by
from registry_operator.testing.cluster_model.deployments import Body, is_ready
from registry_operator.testing.fake_api import FakeApi


def serve(api: FakeApi, key: ObjectKey, pods: Sequence[Body]) -> None:
    """Bring the slice of a Service to the truth."""
    service = api.peek(SERVICE, key)
    if service is None:
        return
    selector = service["spec"].get("selector", {})
    endpoints = [
        {
            "addresses": [pod["metadata"]["name"]],
            "conditions": {"ready": is_ready(pod)},
            "targetRef": {"uid": pod["metadata"]["uid"]},
        }
        for pod in pods
        if selector.items() <= pod["metadata"]["labels"].items()
    ]
    labels = service["metadata"].get("labels", {})
    at = ObjectKey(key.namespace, f"{key.name}-slice")
    known = api.peek(ENDPOINT_SLICE, at)
    if known is None:
        api.put(ENDPOINT_SLICE, _new(at, service, labels, endpoints))
    elif (known.get("endpoints", []), known["metadata"].get("labels", {})) != (endpoints, labels):
        api.change(ENDPOINT_SLICE, at, lambda body: _update(body, labels, endpoints))


def _new(at: ObjectKey, service: Body, labels: Body, endpoints: list[Body]) -> Body:
    metadata = {
        "namespace": at.namespace,
        "name": at.name,
        "labels": labels,
        "ownerReferences": [controlled_by({**service, "apiVersion": "v1", "kind": "Service"})],
    }
    return {
        "apiVersion": ENDPOINT_SLICE.api_version,
        "kind": ENDPOINT_SLICE.kind,
        "metadata": metadata,
        "addressType": "IPv4",
        "endpoints": endpoints,
    }


def _update(body: Body, labels: Body, endpoints: list[Body]) -> None:
    """The labels too, as the real controller mirrors them (k8s.io/endpointslice, reconciler.go)."""
    body["endpoints"] = endpoints
    body["metadata"]["labels"] = labels
