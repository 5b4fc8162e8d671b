"""The kinds of the suite, and what is made of them."""

from typing import Any

from registry_operator.kube.resource import Resource
from tests.behaviour.server import Body, Server

CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps")
SECRETS = Resource("", "v1", "Secret", "secrets")
SERVICES = Resource("", "v1", "Service", "services")
PODS = Resource("", "v1", "Pod", "pods")
NAMESPACES = Resource("", "v1", "Namespace", "namespaces", namespaced=False)
CLAIMS = Resource("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
CLASSES = Resource("storage.k8s.io", "v1", "StorageClass", "storageclasses", namespaced=False)
ACCOUNTS = Resource("", "v1", "ServiceAccount", "serviceaccounts")
DEPLOYMENTS = Resource("apps", "v1", "Deployment", "deployments")
REPLICA_SETS = Resource("apps", "v1", "ReplicaSet", "replicasets")
LEASES = Resource("coordination.k8s.io", "v1", "Lease", "leases")
SLICES = Resource("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices")
BUDGETS = Resource("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
AUTOSCALERS = Resource("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
WIDGETS = Resource("behaviour.example.org", "v1", "Widget", "widgets")
GADGETS = Resource("behaviour.example.org", "v1", "Gadget", "gadgets")
DEFINITIONS = Resource(
    "apiextensions.k8s.io",
    "v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
    namespaced=False,
)
BUILT_IN = (
    *(CONFIG_MAPS, SECRETS, SERVICES, PODS, NAMESPACES, ACCOUNTS),
    *(DEPLOYMENTS, REPLICA_SETS, LEASES, SLICES, CLAIMS, CLASSES),
    *(BUDGETS, AUTOSCALERS),
)

_ANY: Body = {"x-kubernetes-preserve-unknown-fields": True}
_SPEC: Body = {
    "type": "object",
    "required": ["size"],
    "properties": {
        "size": {"type": "integer", "minimum": 1, "maximum": 10},
        "colour": {"type": "string", "enum": ["red", "green"], "default": "red"},
        "word": {"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 5},
        "nested": {
            "type": "object",
            "default": {},
            "properties": {
                "depth": {"type": "integer", "default": 3},
                "deep": {
                    "type": "object",
                    "properties": {"x": {"type": "string", "default": "y"}},
                },
            },
        },
        "free": {"type": "object", **_ANY},
        "words": {"type": "object", "additionalProperties": {"type": "string"}},
        "selector": {
            "type": "object",
            "x-kubernetes-map-type": "atomic",
            "additionalProperties": {"type": "string"},
        },
        "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
        "parts": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "weight": {"type": "integer", "default": 1},
                    "note": {"type": "string"},
                },
            },
        },
        "list": {"type": "array", "maxItems": 3, "items": {"type": "string"}},
        "port": {"x-kubernetes-int-or-string": True},
        "either": {
            "maxLength": 5,
            "required": ["key"],
            "properties": {"key": {"type": "string"}},
            "not": {"pattern": "$.", "maxProperties": 0},
            **_ANY,
        },
        "maybe": {"type": "string", "nullable": True},
        "replicas": {"type": "integer"},
    },
}
_STATUS: Body = {
    "type": "object",
    "properties": {
        "replicas": {"type": "integer"},
        "selector": {"type": "string"},
        "phase": {"type": "string"},
        "conditions": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
            "items": {
                "type": "object",
                "required": ["type", "status"],
                "properties": {
                    "type": {"type": "string"},
                    "status": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}


def _definition(resource: Resource, schema: Body, **subresources: Any) -> Body:
    version = {
        "name": resource.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        **({"subresources": subresources} if subresources else {}),
    }
    return {
        "metadata": {"name": f"{resource.plural}.{resource.group}"},
        "spec": {
            "group": resource.group,
            "scope": "Namespaced",
            "names": {
                "plural": resource.plural,
                "singular": resource.kind.lower(),
                "kind": resource.kind,
                "listKind": f"{resource.kind}List",
            },
            "versions": [version],
        },
    }


# A kind with everything, and one without subresources.
WIDGET_DEFINITION = _definition(
    WIDGETS,
    {"type": "object", "required": ["spec"], "properties": {"spec": _SPEC, "status": _STATUS}},
    status={},
    scale={
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    },
)
GADGET_DEFINITION = _definition(
    GADGETS,
    {
        "type": "object",
        "properties": {"spec": {"type": "object", **_ANY}, "status": {"type": "object", **_ANY}},
    },
)


def a_config_map(server: Server, name: str = "one", **data: str) -> Body:
    labels = {"app": data.pop("app", "x")}
    return {"metadata": server.metadata(name, labels=labels), "data": data}


def a_widget(server: Server, name: str = "one", **spec: Any) -> Body:
    metadata = server.metadata(name, **spec.pop("metadata", {}))
    return {"metadata": metadata, "spec": {"size": 1, **spec}}


def a_container(name: str = "main", **extra: Any) -> Body:
    return {"name": name, "image": "a:1", **extra}


def a_deployment(server: Server, *containers: Body, name: str = "one", **spec: Any) -> Body:
    labels = {"app": "x"}
    ports = [{"containerPort": 5000}]
    pod = {"containers": list(containers) or [a_container(ports=ports)]}
    return {
        "metadata": server.metadata(name),
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
            **spec,
        },
    }


def a_service(server: Server, *ports: Body, name: str = "one", **spec: Any) -> Body:
    return {
        "metadata": server.metadata(name),
        "spec": {"selector": {"app": "x"}, "ports": list(ports) or [{"port": 5000}], **spec},
    }


def a_claim(server: Server, name: str = "one", **spec: Any) -> Body:
    size = {"requests": {"storage": "1Gi"}}
    return {
        "metadata": server.metadata(name),
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": size, **spec},
    }


def owned_by(owner: Body, *, blocks: bool = True) -> Body:
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "blockOwnerDeletion": blocks,
    }
