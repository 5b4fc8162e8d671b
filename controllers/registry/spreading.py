"""How the registry pods are spread over nodes and zones.

In: the specification. Out: the topologySpreadConstraints of the pod template. Pure. Where nobody
says otherwise they are soft: pods on one node are better than pods that wait for a second one. Each
revision is counted by itself (`pod-template-hash`), as in a roll the old pods, which are about to
go, would crowd the new ones together.
"""

from typing import Any, Final

from registry_operator.api.names import selector_labels
from registry_operator.api.registry import RegistrySpec
from registry_operator.kube.object import Object

_TOPOLOGIES: Final = ("kubernetes.io/hostname", "topology.kubernetes.io/zone")


def constraints(owner: Object, wanted: RegistrySpec) -> list[dict[str, Any]]:
    """As asked for, or over nodes and zones; an empty list asks for none at all."""
    selector = {"labelSelector": {"matchLabels": dict(selector_labels(owner.name))}}
    asked = wanted.topology_spread_constraints
    if asked is not None:
        # Without a selector a constraint would count no pods at all.
        return [{**selector, **constraint.wire()} for constraint in asked]
    return [
        {
            "maxSkew": 1,
            "topologyKey": topology,
            "whenUnsatisfiable": "ScheduleAnyway",
            **selector,
            "matchLabelKeys": ["pod-template-hash"],
        }
        for topology in _TOPOLOGIES
    ]
