"""How clients inside and outside the cluster reach a Registry: the Service in front of its pods.

Manifests flow in, the Service reconciler reads them. Only what users of a registry need of core/v1
ServiceSpec; combinations that the API server would refuse on the Service are refused here, where
the user sees it.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from registry_operator.api.types import Annotations, Labels, Model, Port, Rule, rules

ServiceType = Literal["ClusterIP", "NodePort", "LoadBalancer"]

_RULES = (
    Rule(
        rule="!has(self.nodePort) || self.type != 'ClusterIP'",
        message="service.nodePort needs service.type NodePort or LoadBalancer: change the type or "
        "remove nodePort",
    ),
    Rule(
        rule="!has(self.externalTrafficPolicy) || self.type != 'ClusterIP'",
        message="service.externalTrafficPolicy needs service.type NodePort or LoadBalancer: "
        "change the type or remove it",
    ),
    Rule(
        rule="!has(self.loadBalancerClass) || self.type == 'LoadBalancer'",
        message="service.loadBalancerClass needs service.type LoadBalancer: change the type or "
        "remove it",
    ),
    Rule(
        rule="!has(self.loadBalancerSourceRanges) || self.type == 'LoadBalancer'",
        message="service.loadBalancerSourceRanges needs service.type LoadBalancer: change the "
        "type or remove it",
    ),
    Rule(
        rule="self.type != 'LoadBalancer' || oldSelf.type != 'LoadBalancer' || "
        "(has(self.loadBalancerClass) ? self.loadBalancerClass : '') == "
        "(has(oldSelf.loadBalancerClass) ? oldSelf.loadBalancerClass : '')",
        message="service.loadBalancerClass cannot change while the Service is a load balancer: "
        "set service.type to ClusterIP first, then to LoadBalancer with the new class",
    ),
)
_CIDR = Rule(
    rule="self.all(range, isCIDR(range))",
    message="service.loadBalancerSourceRanges must hold address ranges such as 10.0.0.0/8",
)

SourceRanges = Annotated[
    list[Annotated[str, Field(max_length=64)]],
    Field(max_length=64, json_schema_extra=rules(_CIDR)),
]


class Service(Model):
    """The Service in front of the registry pods."""

    model_config = ConfigDict(json_schema_extra=rules(*_RULES))

    type: ServiceType = "ClusterIP"
    """ClusterIP: inside the cluster only. NodePort: on every node. LoadBalancer: by the cloud or
    its like."""
    port: Port = 5000
    """Port of the Service."""
    node_port: (
        Annotated[int, Field(ge=1, le=65535, json_schema_extra={"format": "int32"})] | None
    ) = None
    """Port on every node, chosen when absent. Only for NodePort and LoadBalancer."""
    annotations: Annotations | None = None
    """Annotations added to the Service, for example for a cloud's load balancer."""
    labels: Labels | None = None
    """Labels added to the Service."""
    load_balancer_class: Annotated[str, Field(min_length=1, max_length=316)] | None = None
    """Which load balancer implementation serves. Only for LoadBalancer."""
    load_balancer_source_ranges: SourceRanges | None = None
    """Client address ranges (CIDR) that the load balancer lets through. Only for LoadBalancer."""
    external_traffic_policy: Literal["Cluster", "Local"] | None = None
    """Local keeps client addresses and skips nodes without a registry pod. Only for NodePort and
    LoadBalancer."""
    internal_traffic_policy: Literal["Cluster", "Local"] | None = None
    """Local sends clients to registry pods of their own node only."""
    session_affinity: Literal["None", "ClientIP"] | None = None
    """ClientIP keeps a client on one pod. A registry does not need it."""
