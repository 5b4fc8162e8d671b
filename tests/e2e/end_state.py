"""How a namespace ended, in words that two runs of one script must share.

Left out: what the server makes up (uids, versions, times, addresses), the one random value
(http-secret) and what is made of its uid, and old configurations, which depend on what was rolled
out in between.
"""

import json
from collections.abc import Mapping
from typing import Any

from controllers.kinds import (
    BUCKET_ACCESS,
    BUCKET_CLAIM,
    DEPLOYMENT,
    POD,
    POD_DISRUPTION_BUDGET,
    REGISTRY,
    REPLICA_SET,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
)
from controllers.registry import revision
from controllers.registry.pod_template import HTTP_SECRET_ANNOTATION
from controllers.registry.upgrade_plan import HEALTHY
from hack.world import World
from registry_operator.api.names import ANNOTATION_INTENT, LABEL_REGISTRY
from registry_operator.kube.resource import Resource

Body = Mapping[str, Any]
CHILDREN = (SERVICE_ACCOUNT, SECRET, DEPLOYMENT, SERVICE, POD_DISRUPTION_BUDGET)
DATA = (BUCKET_CLAIM, BUCKET_ACCESS)
_OF_THE_SERVER = ("deployment.kubernetes.io/revision", ANNOTATION_INTENT)
_REVISIONS = (revision.ANNOTATION, HEALTHY)
_ADDRESSES = ("clusterIP", "clusterIPs")


def end_state(world: World) -> dict[str, Any]:
    """Specification and status of each Registry, and the intent of each child."""
    state = {
        f"{resource.kind}/{body['metadata']['name']}": _intent(body)
        for resource in (*CHILDREN, *DATA)
        for body in labelled(world, resource)
        if not is_old_configuration(world, body)
    }
    for body in world.items(REGISTRY):
        state[f"Registry/{body['metadata']['name']}"] = {
            "finalizers": body["metadata"].get("finalizers"),
            "spec": body["spec"],
            "status": _timeless(body["status"]),
        }
    text = json.dumps(state, sort_keys=True).replace(world.namespace, "NAMESPACE")
    told: dict[str, Any] = json.loads(text)
    return told


def labelled(world: World, resource: Resource) -> list[dict[str, Any]]:
    """What carries the label of any Registry."""
    return [
        body
        for body in world.items(resource)
        if LABEL_REGISTRY in body["metadata"].get("labels", {})
    ]


def orphans(world: World) -> list[str]:
    """What belongs to no Registry that exists; claims and accesses are data and may stay."""
    uids = {body["metadata"]["uid"] for body in world.items(REGISTRY)}
    names = {body["metadata"]["name"] for body in world.items(REGISTRY)}
    lost = [
        f"{resource.kind}/{body['metadata']['name']}"
        for resource in CHILDREN
        for body in labelled(world, resource)
        if not uids & {one["uid"] for one in body["metadata"].get("ownerReferences", ())}
    ]
    further = [
        f"{resource.kind}/{body['metadata']['name']}"
        for resource in (REPLICA_SET, POD)
        for body in labelled(world, resource)
        if body["metadata"]["labels"][LABEL_REGISTRY] not in names
    ]
    return lost + further


def unused_configurations(world: World) -> list[str]:
    """Configurations that no Deployment and no ReplicaSet refers to: forgotten by pruning."""
    pods = json.dumps(
        [body["spec"] for resource in (DEPLOYMENT, REPLICA_SET) for body in world.items(resource)]
    )
    names = [body["metadata"]["name"] for body in labelled(world, SECRET)]
    return [name for name in names if "-config-" in name and name not in pods]


def is_old_configuration(world: World, body: Body) -> bool:
    """Whether this is a configuration that its Registry does not run with any more."""
    name, registry = body["metadata"]["name"], body["metadata"]["labels"][LABEL_REGISTRY]
    if not name.startswith(f"{registry}-config-"):
        return False
    deployment = world.get(DEPLOYMENT, registry)
    return deployment is None or name not in json.dumps(deployment["spec"])


def _intent(body: Body) -> dict[str, Any]:
    metadata = body["metadata"]
    kept = {name: value for name, value in body.items() if name not in {"metadata", "status"}}
    kept["labels"] = metadata["labels"]
    annotations = metadata.get("annotations", {})
    named = {k: v for k, v in annotations.items() if k not in _OF_THE_SERVER}
    kept["annotations"] = {k: v for k, v in named.items() if k not in _REVISIONS}
    # Of one that was never changed, nothing is remembered.
    kept["healthy"] = len({named[k] for k in _REVISIONS if k in named}) <= 1
    owners = metadata.get("ownerReferences", ())
    kept["owners"] = [(owner["kind"], owner["name"]) for owner in owners]
    if metadata["name"].endswith("-http-secret"):
        kept["data"] = sorted(kept["data"])
    spec = dict(kept.get("spec", {}))
    for field in _ADDRESSES:
        spec.pop(field, None)
    if "template" in spec:
        for name in (HTTP_SECRET_ANNOTATION, revision.ANNOTATION):
            del spec["template"]["metadata"]["annotations"][name]
    return {**kept, "spec": spec}


def _timeless(status: Body) -> dict[str, Any]:
    conditions = [
        {name: value for name, value in condition.items() if name != "lastTransitionTime"}
        for condition in status["conditions"]
    ]
    return {**status, "conditions": conditions}
