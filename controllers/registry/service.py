"""The Service in front of the registry pods: the client port and nothing else."""

from typing import Any

from controllers.kinds import SERVICE
from controllers.registry import child
from controllers.registry.inputs import RegistryInputs
from controllers.registry.pod_template import CLIENT_PORT_NAME
from registry_operator.api.names import selector_labels
from registry_operator.runtime.owned import Desired, OwnedKind


def desired(inputs: RegistryInputs) -> Desired:
    """One Service."""
    wanted = inputs.wanted.service
    metadata = child.metadata(inputs.owner)
    metadata["labels"] = dict(wanted.labels or {})
    metadata["annotations"] = dict(wanted.annotations or {})
    port: dict[str, Any] = {
        "name": CLIENT_PORT_NAME,
        "port": wanted.port,
        "protocol": "TCP",
        "targetPort": CLIENT_PORT_NAME,
        "appProtocol": "http",
    }
    if wanted.node_port is not None:
        port["nodePort"] = wanted.node_port
    spec: dict[str, Any] = {
        "type": wanted.type,
        "selector": dict(selector_labels(inputs.owner.name)),
        "ports": [port],
    }
    optional = {
        "loadBalancerClass": wanted.load_balancer_class,
        "loadBalancerSourceRanges": wanted.load_balancer_source_ranges,
        "externalTrafficPolicy": wanted.external_traffic_policy,
        "internalTrafficPolicy": wanted.internal_traffic_policy,
        "trafficDistribution": wanted.traffic_distribution,
        "sessionAffinity": wanted.session_affinity,
    }
    spec.update({name: value for name, value in optional.items() if value is not None})
    return ({"metadata": metadata, "spec": spec},)


KIND = OwnedKind(name="service", resource=SERVICE, desired=desired)
