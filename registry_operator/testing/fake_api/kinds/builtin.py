"""The kinds that the server knows itself, as far as an operator of registries meets them.

In flows the name of a kind; out flows the Kind. A table says what is peculiar to each; the schemas
are what a real server publishes (`python -m hack.kinds`), with the defaults that it does not.
"""

from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

import orjson

from registry_operator.kube.resource import Resource
from registry_operator.testing.fake_api.kinds import claims, rules
from registry_operator.testing.fake_api.kinds.defaults import DEFAULTS, FILLERS
from registry_operator.testing.fake_api.kinds.kind import NAMED, Generation, Kind, Rule, ScalePaths
from registry_operator.testing.fake_api.schema.model import Definitions

_FILE: Final = files("registry_operator.testing.fake_api.kinds") / "definitions.json"
_DEFINITIONS: Final = Definitions(
    orjson.loads(_FILE.read_bytes()), defaults=DEFAULTS, fillers=FILLERS
)
META: Final = _DEFINITIONS["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"]


class _Peculiar(NamedTuple):
    definition: str
    generation: Generation = "none"
    has_status: bool = False
    scale: ScalePaths | None = None
    needs_version: bool = False
    rules: tuple[Rule, ...] = ()
    selectable: tuple[str, ...] = ()
    version: str = "v1"


_REPLICAS: Final = ScalePaths(
    ("spec", "replicas"), ("status", "replicas"), ("spec", "selector", "matchLabels")
)
_TEMPLATED: Final = (
    rules.required("spec.selector", "spec.template.spec.containers"),
    rules.selects_its_template,
    rules.not_negative("spec.replicas", "status.replicas"),
    rules.immutable("spec.selector"),
)
_CONTENT: Final = (rules.valid_keys, rules.immutable_content)
_ADDRESSED: Final = (rules.required("addressType"), rules.immutable("addressType"))
_CLAIMED: Final = (claims.complete_claim, claims.lasting_claim)
_MADE_BY: Final = (
    rules.required("provisioner"),
    rules.immutable("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"),
)
_SERVED: Final = (rules.service_name, rules.service_ports, rules.one_cluster_ip)
_BUDGETED: Final = (rules.not_both("spec.minAvailable", "spec.maxUnavailable"),)
_AUTOSCALED: Final = (
    rules.required("spec.maxReplicas", "spec.scaleTargetRef.kind", "spec.scaleTargetRef.name"),
    rules.bounds_in_order,
)
_CORE: Final = "io.k8s.api.core.v1"
_APPS: Final = "io.k8s.api.apps.v1"

_KINDS: Final = {
    ("", "ConfigMap"): _Peculiar(f"{_CORE}.ConfigMap", rules=_CONTENT),
    ("", "Event"): _Peculiar(f"{_CORE}.Event"),
    ("", "Namespace"): _Peculiar(
        f"{_CORE}.Namespace", has_status=True, selectable=("status.phase",)
    ),
    ("", "Node"): _Peculiar(f"{_CORE}.Node", has_status=True),
    ("", "PersistentVolumeClaim"): _Peculiar(
        f"{_CORE}.PersistentVolumeClaim", has_status=True, rules=_CLAIMED
    ),
    ("", "Pod"): _Peculiar(
        f"{_CORE}.Pod",
        "desired",
        has_status=True,
        rules=(rules.required("spec.containers"),),
        selectable=("spec.nodeName", "spec.restartPolicy", "status.phase", "status.podIP"),
    ),
    ("", "Secret"): _Peculiar(
        f"{_CORE}.Secret", rules=(*_CONTENT, rules.immutable("type")), selectable=("type",)
    ),
    ("", "Service"): _Peculiar(f"{_CORE}.Service", has_status=True, rules=_SERVED),
    ("", "ServiceAccount"): _Peculiar(f"{_CORE}.ServiceAccount"),
    ("apps", "Deployment"): _Peculiar(
        f"{_APPS}.Deployment", "annotated", has_status=True, scale=_REPLICAS, rules=_TEMPLATED
    ),
    ("apps", "ReplicaSet"): _Peculiar(
        f"{_APPS}.ReplicaSet", "desired", has_status=True, scale=_REPLICAS, rules=_TEMPLATED
    ),
    ("autoscaling", "HorizontalPodAutoscaler"): _Peculiar(
        "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
        "desired",
        has_status=True,
        rules=_AUTOSCALED,
        version="v2",
    ),
    ("coordination.k8s.io", "Lease"): _Peculiar(
        "io.k8s.api.coordination.v1.Lease", needs_version=True
    ),
    ("discovery.k8s.io", "EndpointSlice"): _Peculiar(
        "io.k8s.api.discovery.v1.EndpointSlice", "desired", rules=_ADDRESSED
    ),
    ("events.k8s.io", "Event"): _Peculiar(
        "io.k8s.api.events.v1.Event", selectable=("reason", "type", "regarding.name")
    ),
    ("policy", "PodDisruptionBudget"): _Peculiar(
        "io.k8s.api.policy.v1.PodDisruptionBudget",
        "desired",
        has_status=True,
        rules=_BUDGETED,
    ),
    ("storage.k8s.io", "StorageClass"): _Peculiar(
        "io.k8s.api.storage.v1.StorageClass", rules=_MADE_BY
    ),
}


@cache
def builtin(resource: Resource) -> Kind | None:
    """Return what the server knows of a kind itself, None if it is none of its own."""
    peculiar = _KINDS.get((resource.group, resource.kind))
    if peculiar is None or resource.version != peculiar.version:
        return None
    return Kind(
        resource,
        _DEFINITIONS[peculiar.definition],
        is_typed=True,
        has_status=peculiar.has_status,
        scale=peculiar.scale,
        generation=peculiar.generation,
        needs_version=peculiar.needs_version,
        rules=peculiar.rules,
        selectable=NAMED | set(peculiar.selectable),
    )
