"""What a Registry says about its pods, but for where they run (scheduling.py).

The shapes are those of core/v1, cut to what works for a registry's pod; manifests flow in, and
`wire()` of these models flows into the pod template unchanged.
"""

from typing import Annotated

from pydantic import ConfigDict, Field

from registry_operator.api.names import GROUP, RESERVED_LABELS
from registry_operator.api.types import (
    ATOMIC_MAP,
    Annotations,
    Labels,
    Model,
    Name,
    Quantity,
    Rule,
    rules,
)

Quantities = Annotated[dict[str, Quantity], Field(max_length=32)]

_reserved = ", ".join(f"'{key}'" for key in RESERVED_LABELS)
_LABEL_RULE = Rule(
    rule=f"self.all(key, !(key in [{_reserved}]))",
    message=f"podTemplate.metadata.labels sets a label that the operator selects pods by: remove "
    f"{' and '.join((', '.join(RESERVED_LABELS[:-1]), RESERVED_LABELS[-1]))}",
)

_ANNOTATION_RULE = Rule(
    rule=f"self.all(key, !key.startsWith('{GROUP}/'))",
    message=f"serviceAccount.annotations sets an annotation of the operator's own: remove those "
    f"that begin with {GROUP}/",
)


class LocalObjectReference(Model):
    """The name of an object in the namespace of the Registry."""

    model_config = ConfigDict(json_schema_extra=ATOMIC_MAP)

    name: Name


class ResourceRequirements(Model):
    """Compute resources of the registry container, as in core/v1 ResourceRequirements."""

    limits: Quantities | None = None
    """The most that the container may use."""
    requests: Quantities | None = None
    """What the scheduler sets aside for the container."""


class PodMetadata(Model):
    """Metadata added to the registry pods."""

    labels: Annotated[Labels, Field(json_schema_extra=rules(_LABEL_RULE))] | None = None
    """Labels added to the pods."""
    annotations: Annotations | None = None
    """Annotations added to the pods."""


class PodTemplate(Model):
    """What is added to the template of the registry pods."""

    metadata: PodMetadata | None = None
    """Labels and annotations added to the pods, for example for a service mesh."""


class ServiceAccount(Model):
    """The ServiceAccount of the registry pods, which the operator makes."""

    annotations: Annotated[Annotations, Field(json_schema_extra=rules(_ANNOTATION_RULE))] | None = (
        None
    )
    """Annotations by which a cloud grants the pods an identity, such as
    eks.amazonaws.com/role-arn."""
