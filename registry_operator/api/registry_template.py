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


class RegistryTemplateStatus(Model):
    """Who uses the template, and how far its latest generation has come."""

    observed_generation: Int64 | None = None
    """The generation of spec that the numbers speak of."""
    registries: Int32 | None = None
    """Number of Registries that name this template."""
    up_to_date: Int32 | None = None
    """Number of those that this generation is applied to."""
    conditions: (
        Annotated[list[Condition], Field(max_length=8, json_schema_extra=listed_by("type"))] | None
    ) = None
    """Ready: every Registry that uses the template is up to date. Reconciling is there only while
    true."""


class RegistryTemplate(Model):
    """Settings that Registries share: each names the template, and overrides what it says itself.

    Maps merge deeply; lists, and the kind of storage, are replaced whole; null removes.
    """

    api_version: Literal["registry-operator.dev/v1alpha1"] = "registry-operator.dev/v1alpha1"
    kind: Literal["RegistryTemplate"] = "RegistryTemplate"
    metadata: dict[str, Any] = Field(default_factory=dict)
    spec: RegistrySpec = RegistrySpec()
    """Any field of a Registry's spec."""
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
        Column("Ready", ready("status")),
        Column("Reason", ready("reason")),
        Column("Age", ".metadata.creationTimestamp", type="date"),
    ),
)
