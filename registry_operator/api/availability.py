"""How many registry pods there are, and how many of them may be taken at a time.

Manifests flow in; the autoscaler, the disruption budget and whoever counts replicas read them. The
shapes are those of autoscaling/v2 and policy/v1, cut to what means something for a registry.

Source of names and bounds: k8s.io/api autoscaling/v2 and policy/v1 types.go, Kubernetes 1.37.
"""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from registry_operator.api.types import ATOMIC_LIST, Model, Quantity, Rule, rules

MOST_REPLICAS = 100

_PERCENT = r"^(100|[1-9]?[0-9])%$"
_ONE_BOUND = Rule(
    rule="!(has(self.minAvailable) && has(self.maxUnavailable))",
    message="disruptionBudget has minAvailable and maxUnavailable: keep one of them",
)
_IN_ORDER = Rule(
    rule="!has(self.minReplicas) || self.minReplicas <= self.maxReplicas",
    message="autoscaling.minReplicas must not be above autoscaling.maxReplicas",
)

PodCount = (
    Annotated[int, Field(ge=0, le=MOST_REPLICAS)]
    | Annotated[str, Field(max_length=4, pattern=_PERCENT)]
)
"""A number of pods, or a share of them such as 50%."""
Replicas = Annotated[int, Field(ge=1, le=MOST_REPLICAS, json_schema_extra={"format": "int32"})]
Utilization = Annotated[int, Field(ge=1, le=1000, json_schema_extra={"format": "int32"})]
Seconds = Annotated[int, Field(ge=0, le=3600, json_schema_extra={"format": "int32"})]


class DisruptionBudget(Model):
    """How many pods node drains may take at a time."""

    model_config = ConfigDict(json_schema_extra=rules(_ONE_BOUND))

    enabled: bool = True
    """false: no PodDisruptionBudget is made."""
    min_available: PodCount | None = None
    """The least number or share of pods that a drain leaves ready. It must be below the number of
    pods, or no node could ever be drained."""
    max_unavailable: PodCount | None = None
    """The most pods, or the largest share of them, that drains may take at a time. One when absent
    and minAvailable too."""


class ScalingPolicy(Model):
    """How far the number of pods may change within some time, as in autoscaling/v2."""

    type: Literal["Pods", "Percent"]
    """Whether value is a number of pods or a share of them."""
    value: Annotated[int, Field(ge=1, json_schema_extra={"format": "int32"})]
    """How many pods, or percent of them."""
    period_seconds: Annotated[int, Field(ge=1, le=1800, json_schema_extra={"format": "int32"})]
    """The time that value is about."""


class ScalingRules(Model):
    """How scaling goes in one direction, as in autoscaling/v2."""

    stabilization_window_seconds: Seconds | None = None
    """How long the past speaks against a change. Kubernetes: 300 for down, none for up."""
    select_policy: Literal["Max", "Min", "Disabled"] | None = None
    """Which of several policies counts. Disabled: never in this direction."""
    policies: (
        Annotated[list[ScalingPolicy], Field(max_length=8, json_schema_extra=ATOMIC_LIST)] | None
    ) = None
    """How fast it may go."""
    tolerance: Quantity | None = None
    """How far a metric may be off without a change, such as 0.05."""


class ScalingBehavior(Model):
    """How fast the number of pods changes, as in autoscaling/v2."""

    scale_up: ScalingRules | None = None
    """Towards more pods."""
    scale_down: ScalingRules | None = None
    """Towards fewer pods."""


class Autoscaling(Model):
    """Who decides the number of pods: a HorizontalPodAutoscaler, within bounds."""

    model_config = ConfigDict(json_schema_extra=rules(_IN_ORDER))

    min_replicas: Replicas = 1
    """The fewest pods."""
    max_replicas: Replicas
    """The most pods. More than one needs storage that they share."""
    target_cpu_utilization_percentage: Annotated[
        Utilization | None, Field(alias="targetCPUUtilizationPercentage")
    ] = None
    """CPU that pods use on average, in percent of what they request. 80 where nothing else is
    measured. Needs resources.requests.cpu."""
    target_memory_utilization_percentage: Utilization | None = None
    """Memory that pods use on average, in percent of what they request. Needs
    resources.requests.memory."""
    metrics: (
        Annotated[list[dict[str, Any]], Field(max_length=16, json_schema_extra=ATOMIC_LIST)] | None
    ) = None
    """Further metrics, as in autoscaling/v2 MetricSpec. The API server judges them."""
    behavior: ScalingBehavior | None = None
    """How fast the number of pods changes."""

    @property
    def is_in_order(self) -> bool:
        """Whether the bounds hold for any number at all."""
        return self.min_replicas <= self.max_replicas
