"""A Registry whose pods run one image while another is wanted."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from controllers.registry import canary, revision
from controllers.registry.inputs import RegistryInputs
from controllers.registry.pod_template import render
from registry_operator.api.names import CANARY, LABEL_COMPONENT
from registry_operator.testing.builders import (
    a_deployment,
    a_pod,
    a_registry,
    an_object,
    owned_metadata,
)
from tests.unit.controllers.registry.snapshots import serving

OLD, NEW = "registry:3.0.0", "registry:3.1.2"
Body = dict[str, Any]
_DONE = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}
LATE = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}


def template_of(image: str, **spec: Any) -> Mapping[str, Any]:
    """The template of the pods of a Registry of this image, with its revision."""
    return render(serving(a_registry(image=image, **spec)))


def revision_of(image: str, **spec: Any) -> str:
    return revision.of_template(template_of(image, **spec))


def deployed(image: str, *, annotations: Mapping[str, str] = {}, **spec: Any) -> Body:
    """The Deployment, rolled out with an image."""
    body = a_deployment(a_registry(image=image, **spec))
    body["spec"]["template"] = dict(template_of(image, **spec))
    told = {revision.ANNOTATION: revision_of(image, **spec), **annotations}
    body["metadata"]["annotations"] = told
    body["status"]["conditions"] = [_DONE]
    return body


def history(image: str, name: str = "images-1", **metadata: Any) -> Body:
    """A ReplicaSet of an image."""
    template = dict(template_of(image))
    labels = {**template["metadata"]["labels"], "pod-template-hash": name}
    template["metadata"] = {**template["metadata"], "labels": labels}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": owned_metadata(a_registry(), name, **metadata),
        "spec": {"template": template},
    }


def pod_of(image: str, name: str, **told: Any) -> Body:
    """A pod of an image."""
    body = a_pod(a_registry(), name, **{"ready": True, **told})
    body["metadata"]["annotations"] = {revision.ANNOTATION: revision_of(image)}
    body["spec"] = dict(template_of(image)["spec"])
    return body


def canary_of(image: str, **status: Any) -> Body:
    """The Deployment of a canary."""
    inputs = serving(a_registry(image=image))
    body = canary.body(inputs, template_of(image))
    body |= {"apiVersion": "apps/v1", "kind": "Deployment", "status": status}
    metadata = owned_metadata(a_registry(), "images-canary")
    body["metadata"] = {**metadata, **body["metadata"]}
    return body


def canary_pod_of(image: str, **told: Any) -> Body:
    body = pod_of(image, "images-canary-1", **told)
    body["metadata"]["labels"] = {**body["metadata"]["labels"], LABEL_COMPONENT: CANARY}
    return body


def changing(
    to: str = NEW,
    *,
    deployment: Body | None = None,
    replica_sets: Sequence[Body] = (),
    pods: Sequence[Body] = (),
    canary_pods: Sequence[Body] = (),
    canary: Body | None = None,
    annotations: Mapping[str, str] = {},
    upgrade: Mapping[str, Any] = {},
    **rest: Any,
) -> RegistryInputs:
    """The snapshot; `annotations` are the user's, on the Registry."""
    registry = a_registry(image=to, upgrade=dict(upgrade))
    registry["metadata"]["annotations"] = dict(annotations)
    inputs = serving(registry)
    children = replace(
        inputs.children,
        deployment=an_object(deployment or deployed(OLD)),
        replica_sets=tuple(an_object(body) for body in replica_sets or [history(OLD)]),
        pods=tuple(an_object(pod) for pod in pods or [pod_of(OLD, "images-1-a")]),
        canary=an_object(canary) if canary else None,
        canary_pods=tuple(an_object(pod) for pod in canary_pods),
    )
    return replace(inputs, children=children, **rest)
