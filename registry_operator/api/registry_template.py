"""The RegistryTemplate: what many Registries have in common, written once.

A manifest flows in; gather.py of the Registry's controllers lays a Registry's own spec over it
(effective.py). Cluster-scoped, so that one team can set it for all namespaces.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from registry_operator.api.definition import Column, Definition, ready
from registry_operator.api.names import CATEGORY
from registry_operator.api.registry import RegistrySpec
from registry_operator.api.status import Condition
from registry_operator.api.types import Int32, Int64, Model, listed_by

_MOST = 1_000_000
_PERCENT = r"^(100|[1-9][0-9]?)%$"
Count = (
    Annotated[int, Field(ge=1, le=_MOST)] | Annotated[str, Field(max_length=4, pattern=_PERCENT)]
)
"""A number of Registries, or a share of them such as 25%."""


class Rollout(Model):
    """How a change of the template reaches the Registries that name it."""

    max_unavailable: Count = "25%"
    """The most Registries, or the largest share of those that name the template, whose pods change
    at a time because of it, those included whose change failed. A share is rounded down, to one at
    least."""


class RegistryTemplateSpec(RegistrySpec):
    """Any field of a Registry's spec, and how a change of them is rolled out."""

    rollout: Rollout = Rollout()
    """How a change of the template reaches the Registries that name it."""


def most_of(bound: Count, registries: int) -> int:
    """How many of so many Registries a bound lets change at a time: one at least.

    Rounded down as Deployments do it (ResolveFenceposts in k8s.io/kubernetes
    pkg/controller/deployment/util), so that a bound never means more than it says.
    """
    if isinstance(bound, int):
        return bound
    return max(1, int(bound.removesuffix("%")) * registries // 100)


class RegistryTemplateStatus(Model):
    """Who uses the template, and how far its latest generation has come."""

    observed_generation: Int64 | None = None
    """The generation of spec that the numbers speak of."""
    registries: Int32 | None = None
    """Number of Registries that name this template."""
    up_to_date: Int32 | None = None
    """Number of those that this generation is applied to: whose pods are what it says."""
    updating: Int32 | None = None
    """Number of those whose pods change now because of it."""
    waiting: Int32 | None = None
    """Number of those that wait for others to change first."""
    failed: Int32 | None = None
    """Number of those whose change failed, and whose pods are what they were."""
    conditions: (
        Annotated[list[Condition], Field(max_length=8, json_schema_extra=listed_by("type"))] | None
    ) = None
    """Ready: every Registry that uses the template is up to date. Reconciling and Stalled are there
    only while true."""


class RegistryTemplate(Model):
    """Settings that Registries share: each names the template, and overrides what it says itself.

    Maps merge deeply; lists, and the kind of storage, are replaced whole; null removes.
    """

    api_version: Literal["registry-operator.dev/v1alpha1"] = "registry-operator.dev/v1alpha1"
    kind: Literal["RegistryTemplate"] = "RegistryTemplate"
    metadata: dict[str, Any] = Field(default_factory=dict)
    spec: RegistryTemplateSpec = RegistryTemplateSpec()
    """Any field of a Registry's spec, and how a change of them is rolled out."""
    status: RegistryTemplateStatus | None = None
    """Who uses the template."""


DEFINITION = Definition(
    model=RegistryTemplate,
    kind="RegistryTemplate",
    plural="registrytemplates",
    short_names=("regtpl",),
    categories=(CATEGORY,),
    namespaced=False,
    columns=(
        Column("Registries", ".status.registries", type="integer"),
        Column("UpToDate", ".status.upToDate", type="integer"),
        Column("Waiting", ".status.waiting", type="integer"),
        Column("Failed", ".status.failed", type="integer"),
        Column("Ready", ready("status")),
        Column("Reason", ready("reason")),
        Column("Age", ".metadata.creationTimestamp", type="date"),
    ),
)
