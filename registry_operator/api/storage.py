"""Where a Registry keeps images: at most one kind of storage, each an optional block.

Manifests flow in; out flow the blocks that the storage reconcilers and the configuration read. None
at all is accepted by the schema and answered by a condition, because a RegistryTemplate may supply
it.
"""

from typing import Literal, TypeAlias

from pydantic import ConfigDict

from registry_operator.api.clouds import Azure, Gcs
from registry_operator.api.s3 import S3
from registry_operator.api.types import Model, Name, Rule, rules
from registry_operator.api.volumes import (
    EmptyDir,
    Ephemeral,
    HostPath,
    PersistentVolumeClaim,
    VolumeClaim,
)

Kind: TypeAlias = Literal[
    "bucket",
    "s3",
    "gcs",
    "azure",
    "persistentVolumeClaim",
    "persistentVolumeClaimTemplate",
    "ephemeral",
    "emptyDir",
    "hostPath",
]

_ONE_KIND = Rule(
    rule="[has(self.bucketClassName) || has(self.bucketClaimName) || has(self.bucketAccessClass), "
    "has(self.s3), has(self.gcs), has(self.azure), has(self.persistentVolumeClaim), "
    "has(self.persistentVolumeClaimTemplate), has(self.ephemeral), has(self.emptyDir), "
    "has(self.hostPath)].filter(kind, kind).size() <= 1",
    message="storage names more than one kind: keep one of bucketClassName or bucketClaimName with "
    "bucketAccessClass, s3, gcs, azure, persistentVolumeClaim, persistentVolumeClaimTemplate, "
    "ephemeral, emptyDir, hostPath, and remove the others",
)
_ONE_BUCKET = Rule(
    rule="!(has(self.bucketClassName) && has(self.bucketClaimName))",
    message="storage.bucketClassName asks for a new bucket, and storage.bucketClaimName names one "
    "that is claimed already: keep one of them",
)
_WITH_ACCESS = Rule(
    rule="has(self.bucketAccessClass) == (has(self.bucketClassName) || has(self.bucketClaimName))",
    message="storage.bucketAccessClass belongs to storage.bucketClassName or "
    "storage.bucketClaimName: set it and one of them, or none of the three",
)
_SHARES_A_CLAIM = Rule(
    rule="!has(self.shareVolume) || !self.shareVolume || has(self.persistentVolumeClaim) || "
    "has(self.persistentVolumeClaimTemplate)",
    message="storage.shareVolume speaks of the volume of persistentVolumeClaim or "
    "persistentVolumeClaimTemplate: set one of them, or remove shareVolume",
)


class Storage(Model):
    """Where images are kept: at most one kind."""

    model_config = ConfigDict(
        json_schema_extra=rules(_ONE_KIND, _ONE_BUCKET, _WITH_ACCESS, _SHARES_A_CLAIM)
    )

    bucket_class_name: Name | None = None
    """BucketClass (COSI) by which a bucket is provisioned. Needs bucketAccessClass."""
    bucket_claim_name: Name | None = None
    """BucketClaim (COSI) that exists, in the namespace of the Registry. It is used and never
    changed, nor deleted. Needs bucketAccessClass."""
    bucket_access_class: Name | None = None
    """BucketAccessClass (COSI) by which access to the bucket is granted. Needs bucketClassName or
    bucketClaimName."""
    s3: S3 | None = None
    """A bucket that exists."""
    gcs: Gcs | None = None
    """A bucket of Google Cloud Storage that exists."""
    azure: Azure | None = None
    """A container of Azure Blob Storage that exists."""
    persistent_volume_claim: PersistentVolumeClaim | None = None
    """A volume that exists. One pod writes to it, unless shareVolume is true."""
    persistent_volume_claim_template: VolumeClaim | None = None
    """A volume that is made for the Registry and outlives it, unless deletionPolicy is Delete. One
    pod writes to it, unless shareVolume is true."""
    share_volume: bool | None = None
    """true: several pods may write to the volume, which must be ReadWriteMany."""
    ephemeral: Ephemeral | None = None
    """A volume of a StorageClass that is lost with its pod, one for each pod. For trying things."""
    empty_dir: EmptyDir | None = None
    """A volume that is lost with its pod, one for each pod. For trying things."""
    host_path: HostPath | None = None
    """A folder of the node. Only where the operator runs with --allow-host-path."""

    @property
    def cloud(self) -> S3 | Gcs | Azure | None:
        """The bucket or container that exists; None for other kinds."""
        return self.s3 or self.gcs or self.azure

    @property
    def kind(self) -> Kind | None:
        """Which kind is asked for (`bucket` means COSI); None when none is."""
        said: dict[Kind, object] = {
            "bucket": self.bucket_class_name or self.bucket_claim_name,
            "s3": self.s3,
            "gcs": self.gcs,
            "azure": self.azure,
            "persistentVolumeClaim": self.persistent_volume_claim,
            "persistentVolumeClaimTemplate": self.persistent_volume_claim_template,
            "ephemeral": self.ephemeral,
            "emptyDir": self.empty_dir,
            "hostPath": self.host_path,
        }

        return next((kind for kind, block in said.items() if block is not None), None)
