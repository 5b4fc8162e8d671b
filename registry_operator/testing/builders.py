"""Bodies with sane defaults: what users write, and what the cluster's own controllers make of it.

In flow only the parts that a test is about; out flow complete bodies, as dictionaries that the test
may change, or an `Object` of one (`an_object`), as if the server had sent it. Everything that
belongs to a Registry carries the labels that its children carry, and everything that Kubernetes
deletes with it carries the owner reference.
"""

import base64
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from registry_operator.api.names import API_VERSION, child_labels, selector_labels
from registry_operator.kube.object import Object

Body = dict[str, Any]

NAMESPACE = "team-a"
EMPTY_DIR: Mapping[str, Any] = {"emptyDir": {}}
S3: Mapping[str, Any] = {
    "s3": {
        "bucket": "images",
        "region": "eu-1",
        "endpoint": "http://s3.example.com:9000",
        "secretRef": {"name": "s3-keys"},
    }
}
SELECTED: Mapping[str, Any] = {
    "s3": {
        "bucketName": {"name": "s3-place", "key": "bucket"},
        "region": {"name": "s3-place", "key": "region"},
        "endpointURL": {"name": "s3-place", "key": "endpoint"},
        "accessKey": {"name": "s3-keys", "key": "accessKey"},
        "secretKey": {"name": "s3-keys", "key": "secretKey"},
    }
}
"""The same bucket, told by two Secrets, as the Go project of the API group has it."""
CERTIFICATES: Mapping[str, str] = {"ca.crt": "-----BEGIN CERTIFICATE-----\nYWJj\n"}
TRUSTING: Mapping[str, Any] = {
    "s3": {"bucket": "trusted", "caBundle": {"configMapRef": {"name": "store-ca"}}}
}
CLAIM: Mapping[str, Any] = {
    "persistentVolumeClaimTemplate": {
        "storageClassName": "fast",
        "resources": {"requests": {"storage": "10Gi"}},
    }
}
NAMED_CLAIM: Mapping[str, Any] = {"persistentVolumeClaim": {"claimName": "theirs"}}
COSI: Mapping[str, Any] = {"bucketClassName": "fast", "bucketAccessClass": "fast-keys"}
CLAIMED: Mapping[str, Any] = {"bucketClaimName": "theirs", "bucketAccessClass": "fast-keys"}

_versions = itertools.count(1000)


def an_object(body: Mapping[str, Any]) -> Object:
    """An Object of a body; a resourceVersion is given where there is none."""
    metadata = {"resourceVersion": str(next(_versions)), **body["metadata"]}
    return Object.of({**body, "metadata": metadata})


def own_folder(storage: Mapping[str, Any], name: str) -> Body:
    """The same storage; of a bucket that exists a folder of the name, which no other has."""
    if "s3" not in storage:
        return dict(storage)
    return {**storage, "s3": {**storage["s3"], "rootDirectory": name}}


def a_registry(
    name: str = "images",
    *,
    storage: Mapping[str, Any] | None = EMPTY_DIR,
    metadata: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
    template: str | None = None,
    **spec: Any,
) -> Body:
    """A Registry; further arguments are fields of its spec, camelCase."""
    body: Body = {
        "apiVersion": API_VERSION,
        "kind": "Registry",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "uid": f"uid-{name}",
            "generation": 1,
            **(metadata or {}),
        },
        "spec": {**({"storage": dict(storage)} if storage is not None else {}), **spec},
    }
    if template is not None:
        body["template"] = template
    if status is not None:
        body["status"] = dict(status)
    return body


def a_template(name: str = "base", **spec: Any) -> Body:
    """A RegistryTemplate; further arguments are fields of its spec, camelCase."""
    return {
        "apiVersion": API_VERSION,
        "kind": "RegistryTemplate",
        "metadata": {"name": name},
        "spec": spec,
    }


def deleting(body: Mapping[str, Any], *, finalizers: Sequence[str] = ("example.org/hold",)) -> Body:
    """The same object on its way out, held by finalizers."""
    metadata = body["metadata"] | {
        "deletionTimestamp": "2026-01-01T00:00:00Z",
        "finalizers": [*finalizers],
    }
    return {**body, "metadata": metadata}


def owned_metadata(registry: Mapping[str, Any], name: str = "", **metadata: Any) -> Body:
    """`metadata` of a child of a Registry, named like it unless told otherwise."""
    owner = registry["metadata"]
    name = name or owner["name"]
    return {
        "namespace": owner["namespace"],
        "name": name,
        "uid": f"uid-{name}",
        "generation": 1,
        "labels": dict(child_labels(owner["name"])),
        "ownerReferences": [controlled_by(registry)],
        **metadata,
    }


def controlled_by(owner: Mapping[str, Any]) -> Body:
    """The owner reference of an owner's child."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def a_secret(
    name: str, data: Mapping[str, str] | None = None, *, metadata: Mapping[str, Any] | None = None
) -> Body:
    """A Secret of a user; values as text."""
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in (data or {}).items()}
    own = {"namespace": NAMESPACE, "name": name, "uid": f"uid-{name}", **(metadata or {})}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": own, "data": encoded}


def a_config_map(name: str, data: Mapping[str, str] | None = None) -> Body:
    """A ConfigMap of a user."""
    own = {"namespace": NAMESPACE, "name": name, "uid": f"uid-{name}"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": own, "data": dict(data or {})}


def a_child_secret(registry: Mapping[str, Any], name: str) -> Body:
    """A Secret that a Registry owns: a configuration or the http secret."""
    return a_secret(name, {"x": "y"}, metadata=owned_metadata(registry, name))


def a_service_account(registry: Mapping[str, Any]) -> Body:
    """The ServiceAccount of a Registry."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": owned_metadata(registry)}


def a_deployment(
    registry: Mapping[str, Any],
    *,
    replicas: int = 1,
    status: Mapping[str, Any] | None = None,
    config: str = "images-config-0",
    image: str = "registry:3.1.2",
) -> Body:
    """The Deployment of a Registry, rolled out unless its status says otherwise."""
    done = {
        "observedGeneration": 1,
        **dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas"), replicas),
        "availableReplicas": replicas,
    }
    pod = {
        "containers": [{"name": "registry", "image": image}],
        "volumes": [{"name": "config", "secret": {"secretName": config}}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": owned_metadata(registry),
        "spec": {"replicas": replicas, "template": {"spec": pod}},
        "status": dict(done if status is None else status),
    }


def a_replica_set(registry: Mapping[str, Any], *, config: str, name: str = "images-1") -> Body:
    """A ReplicaSet of a Registry's Deployment, whose pods use one configuration."""
    pod = {"volumes": [{"name": "config", "secret": {"secretName": config}}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": owned_metadata(registry, name),
        "spec": {"template": {"spec": pod}},
    }


def a_pod(  # noqa: PLR0913 - what the kubelet tells of a pod
    registry: Mapping[str, Any],
    name: str = "images-1-a",
    *,
    phase: str = "Running",
    ready: bool = False,
    container: Mapping[str, Any] | None = None,
    conditions: Sequence[Mapping[str, Any]] = (),
    created: str = "2026-01-01T00:00:00Z",
) -> Body:
    """A pod of a Registry. `container` are fields of its container's status."""
    status = {"name": "registry", "ready": ready, "image": "registry:3.1.2", **(container or {})}
    told = {"type": "Ready", "status": "True" if ready else "False"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": owned_metadata(registry, name, creationTimestamp=created),
        "spec": {"containers": [{"name": "registry", "image": "registry:3.1.2"}]},
        "status": {
            "phase": phase,
            "podIP": "10.0.0.7",
            "conditions": [*conditions, told],
            "containerStatuses": [status],
        },
    }


def waiting(reason: str, message: str = "") -> Body:
    """`container` of `a_pod`: it waits."""
    return {"state": {"waiting": {"reason": reason, "message": message}}}


def a_service(registry: Mapping[str, Any], *, ingress: Sequence[Mapping[str, str]] = ()) -> Body:
    """The Service of a Registry; `ingress` are the addresses of its load balancer."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": owned_metadata(registry),
        "spec": {"selector": dict(selector_labels(registry["metadata"]["name"]))},
        "status": {"loadBalancer": {"ingress": [*ingress]}},
    }


def an_endpoint_slice(
    registry: Mapping[str, Any], *, ready: Sequence[bool | None] = (True,)
) -> Body:
    """An EndpointSlice of a Registry's Service, an endpoint for each of `ready`."""
    endpoints = [
        {"addresses": [f"10.0.0.{number}"], "conditions": {} if one is None else {"ready": one}}
        for number, one in enumerate(ready)
    ]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": owned_metadata(registry, f"{registry['metadata']['name']}-x"),
        "endpoints": endpoints,
    }
