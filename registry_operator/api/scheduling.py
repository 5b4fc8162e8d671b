"""Where registry pods run: core/v1 affinity, tolerations and topology spread, as models of our own.

Manifests flow in, `wire()` flows into the pod template unchanged. The shapes are spelled out, not
left open, so that a slip of the pen is an admission error and not a Deployment that never gets a
pod; what only core/v1 can judge (an operator that takes no values) it judges when the Deployment is
applied.

Source of names and enums: k8s.io/api core/v1 types.go, Kubernetes 1.37.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from registry_operator.api.types import (
    ATOMIC_MAP,
    Int32,
    Int64,
    Labels,
    LabelValue,
    Model,
    listed_by,
)

Key = Annotated[str, Field(min_length=1, max_length=316)]
Values = Annotated[list[LabelValue], Field(max_length=128)]
Keys = Annotated[list[Key], Field(max_length=32)]
Weight = Annotated[int, Field(ge=1, le=100, json_schema_extra={"format": "int32"})]


class NodeSelectorRequirement(Model):
    """A requirement on one label or field of a node."""

    key: Key
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
    values: Annotated[list[Annotated[str, Field(max_length=253)]], Field(max_length=128)] | None = (
        None
    )


Requirements = Annotated[list[NodeSelectorRequirement], Field(max_length=64)]


class NodeSelectorTerm(Model):
    """Requirements that a node must all meet."""

    model_config = ConfigDict(json_schema_extra=ATOMIC_MAP)

    match_expressions: Requirements | None = None
    match_fields: Requirements | None = None


class NodeSelector(Model):
    """Terms of which a node must meet one."""

    model_config = ConfigDict(json_schema_extra=ATOMIC_MAP)

    node_selector_terms: Annotated[list[NodeSelectorTerm], Field(min_length=1, max_length=32)]


class PreferredSchedulingTerm(Model):
    """A preference for nodes, with its weight."""

    weight: Weight
    preference: NodeSelectorTerm


class NodeAffinity(Model):
    """Which nodes pods must or should run on."""

    required_during_scheduling_ignored_during_execution: NodeSelector | None = None
    preferred_during_scheduling_ignored_during_execution: (
        Annotated[list[PreferredSchedulingTerm], Field(max_length=32)] | None
    ) = None


class LabelSelectorRequirement(Model):
    """A requirement on one label."""

    key: Key
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: Values | None = None


class LabelSelector(Model):
    """Requirements on labels, as in meta/v1; the empty selector matches everything."""

    model_config = ConfigDict(json_schema_extra=ATOMIC_MAP)

    match_labels: Labels | None = None
    match_expressions: Annotated[list[LabelSelectorRequirement], Field(max_length=32)] | None = None


class PodAffinityTerm(Model):
    """Pods, and the topology in which to be near to or away from them."""

    topology_key: Key
    label_selector: LabelSelector | None = None
    namespaces: (
        Annotated[list[Annotated[str, Field(max_length=63)]], Field(max_length=32)] | None
    ) = None
    namespace_selector: LabelSelector | None = None
    match_label_keys: Keys | None = None
    mismatch_label_keys: Keys | None = None


class WeightedPodAffinityTerm(Model):
    """A preference about other pods, with its weight."""

    weight: Weight
    pod_affinity_term: PodAffinityTerm


class PodAffinity(Model):
    """Which pods these pods must or should be near to, or, as podAntiAffinity, away from."""

    required_during_scheduling_ignored_during_execution: (
        Annotated[list[PodAffinityTerm], Field(max_length=32)] | None
    ) = None
    preferred_during_scheduling_ignored_during_execution: (
        Annotated[list[WeightedPodAffinityTerm], Field(max_length=32)] | None
    ) = None


class Affinity(Model):
    """Scheduling constraints, as in core/v1 Affinity."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAffinity | None = None


class Toleration(Model):
    """A taint that the pods tolerate, as in core/v1 Toleration."""

    key: Annotated[str, Field(max_length=316)] | None = None
    operator: Literal["Exists", "Equal", "Lt", "Gt"] | None = None
    value: Annotated[str, Field(max_length=63)] | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    toleration_seconds: Int64 | None = None


class TopologySpreadConstraint(Model):
    """How pods are spread; without labelSelector it counts the pods of this Registry."""

    max_skew: Annotated[Int32, Field(ge=1)]
    topology_key: Key
    when_unsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"]
    label_selector: LabelSelector | None = None
    match_label_keys: Keys | None = None
    min_domains: Annotated[Int32, Field(ge=1)] | None = None
    node_affinity_policy: Literal["Honor", "Ignore"] | None = None
    node_taints_policy: Literal["Honor", "Ignore"] | None = None


Tolerations = Annotated[list[Toleration], Field(max_length=64)]
TopologySpreadConstraints = Annotated[
    list[TopologySpreadConstraint],
    Field(max_length=16, json_schema_extra=listed_by("topologyKey", "whenUnsatisfiable")),
]
