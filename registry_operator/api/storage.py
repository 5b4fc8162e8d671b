"""Where a Registry keeps images: at most one kind of storage, each an optional block.

Manifests flow in; out flow the blocks that the storage reconcilers and the configuration read. None
at all is accepted by the schema and answered by a condition, because a RegistryTemplate may supply
it.
"""

from typing import Literal

from pydantic import ConfigDict

from registry_operator.api.clouds import Azure, Gcs
from registry_operator.api.s3 import S3
from registry_operator.api.types import Model, Name, Quantity, Rule, rules

_ONE_KIND = Rule(
    rule="[has(self.bucketClassName) || has(self.bucketClaimName) || has(self.bucketAccessClass), "
    "has(self.s3), has(self.gcs), has(self.azure), has(self.emptyDir)]"
    ".filter(kind, kind).size() <= 1",
    message="storage names more than one kind: keep one of bucketClassName or bucketClaimName with "
    "bucketAccessClass, s3, gcs, azure, emptyDir, and remove the others",
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


class EmptyDir(Model):
    """A volume that lives and dies with its pod, as in core/v1. For trying things."""

    medium: Literal["", "Memory"] | None = None
    """Memory keeps the volume in RAM."""
    size_limit: Quantity | None = None
    """The most that the volume may hold before its pod is evicted."""


class Storage(Model):
    """Where images are kept: at most one kind."""

    model_config = ConfigDict(json_schema_extra=rules(_ONE_KIND, _ONE_BUCKET, _WITH_ACCESS))

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
    empty_dir: EmptyDir | None = None
    """A volume that is lost with its pod, one for each pod. For trying things."""

    @property
    def cloud(self) -> S3 | Gcs | Azure | None:
        """The bucket or container that exists; None for other kinds."""
        return self.s3 or self.gcs or self.azure

    @property
    def kind(self) -> Literal["bucket", "s3", "gcs", "azure", "emptyDir"] | None:
        """Which kind is asked for (`bucket` means COSI); None when none is."""
        if self.bucket_class_name is not None or self.bucket_claim_name is not None:
            return "bucket"

        if self.s3 is not None:
            return "s3"

        if self.gcs is not None:
            return "gcs"

        if self.azure is not None:
            return "azure"

        return "emptyDir" if self.empty_dir is not None else None
