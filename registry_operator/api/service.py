"""How clients inside and outside the cluster reach a Registry: the Service in front of its pods.

Manifests flow in, the Service reconciler reads them. Only what users of a registry need of core/v1
ServiceSpec; combinations that the API server would refuse on the Service are refused here, where
the user sees it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from registry_operator.api.types import Annotations, Labels, Model, Port, Rule, rules

ServiceType = Literal["ClusterIP", "NodePort", "LoadBalancer"]


@dataclass(frozen=True, slots=True)
class Need:
    """A field of the Service that has a meaning for some types only."""

    field: str
    types: tuple[str, ...]

    @property
    def cure(self) -> str:
        """What the author is told who broke it."""
        return f"needs service.type {' or '.join(self.types)}: change the type or remove it"

    def is_broken_by(self, service: Mapping[str, Any]) -> bool:
        """Whether a Service, as it is on the wire and with its type, has the field in vain."""
        return self.field in service and service.get("type") not in self.types

    def as_rule(self) -> Rule:
        """The rule for one author, whose type may come from somebody else."""
        types = ", ".join(f"'{one}'" for one in self.types)

        return Rule(
            rule=f"!has(self.{self.field}) || !has(self.type) || self.type in [{types}]",
            message=f"service.{self.field} {self.cure}",
        )


NEEDS = (
    Need("nodePort", ("NodePort", "LoadBalancer")),
    Need("externalTrafficPolicy", ("NodePort", "LoadBalancer")),
    Need("loadBalancerClass", ("LoadBalancer",)),
    Need("loadBalancerSourceRanges", ("LoadBalancer",)),
)
"""What the API server asks of a Service's type, for what one author wrote and for the merged spec
(effective.py)."""

_SAME_CLASS = Rule(
    rule="!has(self.type) || !has(oldSelf.type) || "
    "self.type != 'LoadBalancer' || oldSelf.type != 'LoadBalancer' || "
    "(has(self.loadBalancerClass) ? self.loadBalancerClass : '') == "
    "(has(oldSelf.loadBalancerClass) ? oldSelf.loadBalancerClass : '')",
    message="service.loadBalancerClass cannot change while the Service is a load balancer: "
    "set service.type to ClusterIP first, then to LoadBalancer with the new class",
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

    model_config = ConfigDict(
        json_schema_extra=rules(*(need.as_rule() for need in NEEDS), _SAME_CLASS)
    )

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
    traffic_distribution: Literal["PreferSameZone", "PreferSameNode"] | None = None
    """Sends clients to a registry pod of their own zone or node where one is ready. Needs
    Kubernetes 1.35."""
    session_affinity: Literal["None", "ClientIP"] | None = None
    """ClientIP keeps a client on one pod. A registry does not need it."""
