"""Where a Registry keeps images: at most one kind of storage, each an optional block.

Manifests flow in; out flow the blocks that the storage reconcilers and the configuration read. None
at all is accepted by the schema and answered by a condition, because a RegistryTemplate may supply
it.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from registry_operator.api.types import ATOMIC_MAP, Model, Name, Quantity, Rule, rules

SecretKey = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")]

_ONE_KIND = Rule(
    rule="[has(self.bucketClassName) || has(self.bucketAccessClass), "
    "has(self.s3), has(self.emptyDir)].filter(kind, kind).size() <= 1",
    message="storage names more than one kind: keep one of bucketClassName with "
    "bucketAccessClass, s3, emptyDir, and remove the others",
)
_BOTH_CLASSES = Rule(
    rule="has(self.bucketClassName) == has(self.bucketAccessClass)",
    message="storage.bucketClassName and storage.bucketAccessClass belong together: set both, or "
    "neither",
)
_ENDPOINT = Rule(
    rule="self.matches('^https?://[^/?#@[:space:]]+/?$')",
    message="storage.s3.endpoint must be a URL without path, such as https://s3.example.com or "
    "http://minio.minio.svc:9000",
)
_BUCKET = Rule(
    rule="self.matches('^[A-Za-z0-9][A-Za-z0-9._-]*$')",
    message="storage.s3.bucket must be the bare name of a bucket: letters, digits, dots and "
    "hyphens, without s3:// and without a path",
)


class S3SecretReference(Model):
    """The Secret, in the namespace of the Registry, that holds the credentials of the bucket."""

    model_config = ConfigDict(json_schema_extra=ATOMIC_MAP)

    name: Name
    """Name of the Secret."""
    access_key_field: SecretKey = "accessKey"
    """Key of the Secret's data that holds the access key ID."""
    secret_key_field: SecretKey = "secretKey"  # noqa: S105 -- the name of a key, not a password
    """Key of the Secret's data that holds the secret access key."""


class S3(Model):
    """A bucket that exists, on AWS or on anything that speaks S3."""

    bucket: Annotated[str, Field(max_length=63, json_schema_extra=rules(_BUCKET))]
    """Name of the bucket."""
    region: Annotated[str, Field(max_length=63)] | None = None
    """Region of the bucket. us-east-1 when absent, which most stores other than AWS accept."""
    endpoint: Annotated[str, Field(max_length=2048, json_schema_extra=rules(_ENDPOINT))] | None = (
        None
    )
    """URL of the store. AWS's own endpoint of the region when absent."""
    secret_ref: S3SecretReference | None = None
    """Credentials. When absent the registry asks its environment: the node's role or, from 3.0, its
    service account."""
    force_path_style: bool | None = None
    """Address the bucket as ENDPOINT/BUCKET. When absent: true for an endpoint other than AWS."""


class EmptyDir(Model):
    """A volume that lives and dies with its pod, as in core/v1. For trying things."""

    medium: Literal["", "Memory"] | None = None
    """Memory keeps the volume in RAM."""
    size_limit: Quantity | None = None
    """The most that the volume may hold before its pod is evicted."""


class Storage(Model):
    """Where images are kept: at most one kind."""

    model_config = ConfigDict(json_schema_extra=rules(_ONE_KIND, _BOTH_CLASSES))

    bucket_class_name: Name | None = None
    """BucketClass (COSI) by which a bucket is provisioned. Needs bucketAccessClass."""
    bucket_access_class: Name | None = None
    """BucketAccessClass (COSI) by which access to the bucket is granted. Needs bucketClassName."""
    s3: S3 | None = None
    """A bucket that exists."""
    empty_dir: EmptyDir | None = None
    """A volume that is lost with its pod, one for each pod. For trying things."""

    @property
    def kind(self) -> Literal["bucket", "s3", "emptyDir"] | None:
        """Which kind is asked for (`bucket` means COSI); None when none is."""
        if self.bucket_class_name is not None:
            return "bucket"

        if self.s3 is not None:
            return "s3"

        return "emptyDir" if self.empty_dir is not None else None
