"""What vandals do to children, and what squatters put in their place.

In flow bodies of children, to be changed; out flow bodies of others, under names that a Registry
needs.
"""

from collections.abc import Callable, Mapping
from typing import Any

from controllers.kinds import (
    DEPLOYMENT,
    PERSISTENT_VOLUME_CLAIM,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
)
from registry_operator.api.names import ANNOTATION_INTENT
from registry_operator.kube.resource import Resource
from registry_operator.testing.builders import NAMESPACE
from registry_operator.testing.claims import a_claim

Body = dict[str, Any]

KINDS: Mapping[str, Resource] = {
    "deployments": DEPLOYMENT,
    "services": SERVICE,
    "secrets": SECRET,
    "serviceaccounts": SERVICE_ACCOUNT,
    "persistentvolumeclaims": PERSISTENT_VOLUME_CLAIM,
}


def _deployment_replicas(body: Body) -> None:
    body["spec"]["replicas"] = 9


def _deployment_image(body: Body) -> None:
    body["spec"]["template"]["spec"]["containers"][0]["image"] = "registry:0.0.1"


def _service_port(body: Body) -> None:
    body["spec"]["ports"][0]["port"] = 81


def _no_owner(body: Body) -> None:
    body["metadata"]["ownerReferences"] = []


def _no_labels(body: Body) -> None:
    body["metadata"]["labels"] = {}


def _other_intent(body: Body) -> None:
    body["metadata"]["annotations"][ANNOTATION_INTENT] = "0" * 8


DAMAGES: Mapping[str, tuple[str, Callable[[Body], None]]] = {
    "replicas": ("deployments", _deployment_replicas),
    "image": ("deployments", _deployment_image),
    "owner": ("deployments", _no_owner),
    "labels": ("deployments", _no_labels),
    "intent": ("deployments", _other_intent),
    "port": ("services", _service_port),
    "service-owner": ("services", _no_owner),
    "service-labels": ("services", _no_labels),
    "account-labels": ("serviceaccounts", _no_labels),
}
"""What a vandal does to a child: the kind and the change."""


_TEMPLATE: Body = {
    "metadata": {"labels": {"app": "mine"}},
    "spec": {"containers": [{"name": "mine", "image": "mine:1", "env": []}], "volumes": []},
}
_CONTENTS: Mapping[Resource, Body] = {
    DEPLOYMENT: {
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "mine"}},
            "template": _TEMPLATE,
        }
    },
    SERVICE: {"spec": {"selector": {"app": "mine"}, "ports": [{"name": "mine", "port": 80}]}},
    SECRET: {"data": {"mine": "eWVz"}},
    SERVICE_ACCOUNT: {},
    PERSISTENT_VOLUME_CLAIM: {"spec": a_claim()["spec"]},
}


def foreign(resource: Resource, name: str) -> Body:
    body: Body = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {
            "namespace": NAMESPACE,
            "name": name,
            "labels": {"example.org/mine": "yes"},
        },
    }
    return body | _CONTENTS[resource]
