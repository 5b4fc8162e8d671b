"""How the registry pods are spread over nodes and zones.

In: the specification. Out: topologySpreadConstraints and affinity of the pod template. Pure. Where
nobody says otherwise both are soft: pods on one node are better than pods that wait for a second
one. Each revision is counted by itself (`pod-template-hash`), as in a roll the old pods, which are
about to go, would crowd the new ones together.

Zones are spread by affinity and not by a second constraint: the scheduler looks only at nodes that
have the labels of all constraints, and without a label for zones, as on one's own machines, it
would spread nothing at all (k8s.io/kubernetes/pkg/scheduler/framework/plugins/podtopologyspread).
"""

from typing import Any, Final

from registry_operator.api.names import selector_labels
from registry_operator.api.registry import RegistrySpec
from registry_operator.kube.object import Object

_NODES: Final = "kubernetes.io/hostname"
_ZONES: Final = "topology.kubernetes.io/zone"


def constraints(owner: Object, wanted: RegistrySpec) -> list[dict[str, Any]]:
    """As asked for, or over nodes; an empty list asks for no spread at all."""
    asked = wanted.topology_spread_constraints
    if asked is not None:
        # Without a selector a constraint would count no pods at all.
        return [{**_own(owner), **constraint.wire()} for constraint in asked]
    soft = {"maxSkew": 1, "topologyKey": _NODES, "whenUnsatisfiable": "ScheduleAnyway"}
    return [{**soft, **_of_a_revision(owner)}]


def affinity(owner: Object, wanted: RegistrySpec) -> dict[str, Any]:
    """As asked for; and away from each other's zones, where nobody says how pods are spread."""
    asked = wanted.affinity.wire() if wanted.affinity is not None else {}
    if wanted.topology_spread_constraints is not None or "podAntiAffinity" in asked:
        return asked
    term = {"topologyKey": _ZONES, **_of_a_revision(owner)}
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    return {
        **asked,
        "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred},
    }


def _own(owner: Object) -> dict[str, Any]:
    return {"labelSelector": {"matchLabels": dict(selector_labels(owner.name))}}


def _of_a_revision(owner: Object) -> dict[str, Any]:
    return {**_own(owner), "matchLabelKeys": ["pod-template-hash"]}
