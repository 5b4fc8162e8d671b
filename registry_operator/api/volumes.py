"""Volumes that a Registry keeps images on, in the shapes of core/v1.

Manifests flow in; `wire()` of these models flows into the pod template and the claim unchanged. Cut
to what works for files: no block devices, no files or sockets of a node.

Source of names: k8s.io/api core/v1 types.go, Kubernetes 1.37.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from registry_operator.api.scheduling import LabelSelector
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

AccessMode = Literal["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"]
DEFAULT_ACCESS_MODE: AccessMode = "ReadWriteOnce"

_CLASS_NAME = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$"
_SIZE = Rule(
    rule="isQuantity(string(self)) && quantity(string(self)).isGreaterThan(quantity('0'))",
    message="resources.requests.storage must be a size such as 20Gi",
)
_FILES = Rule(
    rule="self == 'Filesystem'",
    message="volumeMode must be Filesystem, as the registry keeps files: remove it",
)
_FOLDER = Rule(
    rule="self.matches('^/') && !self.matches('(^|/)[.][.](/|$)')",
    message="storage.hostPath.path must be the absolute path of a folder of the node, without ..",
)


class EmptyDir(Model):
    """A volume that lives and dies with its pod, as in core/v1. For trying things."""

    medium: Literal["", "Memory"] | None = None
    """Memory keeps the volume in RAM."""
    size_limit: Quantity | None = None
    """The most that the volume may hold before its pod is evicted."""


class PersistentVolumeClaim(Model):
    """A PersistentVolumeClaim that exists, in the namespace of the Registry."""

    claim_name: Name
    """Name of the claim."""
    read_only: bool | None = None
    """true: the registry only serves what is there. Then several pods may share it."""


class VolumeRequests(Model):
    """What a volume must have."""

    storage: Annotated[Quantity, Field(json_schema_extra=rules(_SIZE))]
    """Size of the volume. It may grow later, where the class allows it, and never shrink."""


class VolumeLimits(Model):
    """What a volume may have at most."""

    storage: Quantity | None = None
    """The most that the volume may be."""


class VolumeResources(Model):
    """The size of a volume, as in core/v1 VolumeResourceRequirements."""

    requests: VolumeRequests
    """The least that is asked for."""
    limits: VolumeLimits | None = None
    """The most that is asked for."""


class DataSource(Model):
    """What a new volume is filled from, as in core/v1 TypedLocalObjectReference."""

    model_config = ConfigDict(json_schema_extra=ATOMIC_MAP)

    api_group: Annotated[str, Field(max_length=253)] | None = None
    """Group of the kind; none for a PersistentVolumeClaim."""
    kind: Annotated[str, Field(min_length=1, max_length=63)]
    """Kind of the object, such as VolumeSnapshot."""
    name: Name
    """Name of the object."""


class VolumeClaim(Model):
    """The volume that is asked for, as in core/v1 PersistentVolumeClaimSpec."""

    access_modes: (
        Annotated[
            list[AccessMode],
            Field(
                min_length=1, max_length=4, json_schema_extra={"x-kubernetes-list-type": "atomic"}
            ),
        ]
        | None
    ) = None
    """How nodes may mount the volume; ReadWriteOnce when absent."""
    resources: VolumeResources
    """The size of the volume."""
    storage_class_name: Annotated[str, Field(max_length=253, pattern=_CLASS_NAME)] | None = None
    """StorageClass by which the volume is made; the cluster's default when absent, none when
    empty."""
    volume_mode: Annotated[str, Field(max_length=63, json_schema_extra=rules(_FILES))] | None = None
    """Filesystem, which is also meant when absent."""
    volume_name: Name | None = None
    """The PersistentVolume to take."""
    selector: LabelSelector | None = None
    """Labels of the PersistentVolumes that may be taken."""
    data_source: DataSource | None = None
    """What the new volume is filled from."""
    volume_attributes_class_name: Name | None = None
    """VolumeAttributesClass of the volume."""


class VolumeMetadata(Model):
    """Metadata of a claim that is made for a pod."""

    labels: Labels | None = None
    """Labels of the claim."""
    annotations: Annotations | None = None
    """Annotations of the claim."""


class VolumeClaimTemplate(Model):
    """The claim that is made for each pod, as in core/v1 PersistentVolumeClaimTemplate."""

    metadata: VolumeMetadata | None = None
    """Metadata of the claim."""
    spec: VolumeClaim
    """The volume that is asked for."""


class Ephemeral(Model):
    """A volume of a StorageClass that lives and dies with its pod."""

    volume_claim_template: VolumeClaimTemplate
    """The claim that is made for each pod."""


class HostPath(Model):
    """A folder of the node that the pod runs on."""

    path: Annotated[str, Field(min_length=1, max_length=1024, json_schema_extra=rules(_FOLDER))]
    """Path of the folder. User 65532 must be able to write there."""
    type: Literal["", "Directory", "DirectoryOrCreate"] | None = None
    """What must be there: Directory, or whatever there is when absent. DirectoryOrCreate makes a
    folder that only root can write to."""
