"""What the operator reports about a Registry.

The status reconciler writes it, users and tools (kstatus, `kubectl wait`, the scale subresource)
read it. Nothing here is ever read back to decide anything: status can be lost and is then written
again, but for the outages of the past (health_check.py).
"""

from typing import Annotated, Literal

from pydantic import Field

from registry_operator.api.health_check import HealthCheckStatus
from registry_operator.api.types import Int32, Int64, Model, Timestamp, listed_by
from registry_operator.api.upgrade import UpgradeStatus


class Condition(Model):
    """One aspect of the state, as in meta/v1 Condition."""

    type: Annotated[str, Field(max_length=316)]
    status: Literal["True", "False", "Unknown"]
    reason: Annotated[str, Field(min_length=1, max_length=1024)]
    """One word, CamelCase; docs/registry.md says what to do about each."""
    message: Annotated[str, Field(max_length=32768)]
    last_transition_time: Timestamp
    """When the status last changed."""
    observed_generation: Annotated[Int64, Field(ge=0)] | None = None


class StorageStatus(Model):
    """The storage in use."""

    kind: Annotated[str, Field(max_length=63)] | None = None
    """bucket (COSI), or the field of spec.storage that names it."""
    bucket: Annotated[str, Field(max_length=255)] | None = None
    """Name of the bucket; absent where a Secret of the user holds it."""
    endpoint: Annotated[str, Field(max_length=2048)] | None = None
    """URL of the store that the bucket is in; absent where a Secret of the user holds it."""
    claim_name: Annotated[str, Field(max_length=253)] | None = None
    """Name of the PersistentVolumeClaim."""
    capacity: Annotated[str, Field(max_length=64)] | None = None
    """Size of its volume."""


class TemplateStatus(Model):
    """The RegistryTemplate that what runs was made from."""

    name: Annotated[str, Field(max_length=253)]
    """Name of the template."""
    generation: Int64
    """Generation of the template that was applied last."""


class RegistryStatus(Model):
    """What the operator sees and has done."""

    observed_generation: Int64 | None = None
    """The generation of spec that the conditions speak of."""
    conditions: (
        Annotated[list[Condition], Field(max_length=32, json_schema_extra=listed_by("type"))] | None
    ) = None
    """Ready sums up; the others say why. Reconciling and Stalled are there only while true."""
    replicas: Int32 | None = None
    """Number of pods that exist."""
    ready_replicas: Int32 | None = None
    """Number of pods that serve."""
    selector: Annotated[str, Field(max_length=2048)] | None = None
    """Label selector of the pods, for kubectl scale and autoscalers."""
    image: Annotated[str, Field(max_length=512)] | None = None
    """The image that the pods are told to run."""
    version: Annotated[str, Field(max_length=128)] | None = None
    """Release of the registry, as the image's tag tells it, or the image itself."""
    endpoint: Annotated[str, Field(max_length=512)] | None = None
    """HOST:PORT by which clients in the cluster reach the registry."""
    storage: StorageStatus | None = None
    """The storage in use."""
    template: TemplateStatus | None = None
    """The template that was applied last."""
    upgrade: UpgradeStatus | None = None
    """A change of the pods that is under way, or was not made; absent when there is none."""
    health_check: HealthCheckStatus | None = None
    """Whether clients are served, by pushing, pulling and deleting as they do."""
    configuration: Annotated[str, Field(max_length=253)] | None = None
    """Name of the Secret that holds the configuration in use."""
