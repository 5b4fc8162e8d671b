"""A bucket that speaks S3: what a user says about it, and about how the registry uses it.

Manifests flow in; typed blocks flow out. What the registry's driver calls each field, and since
which release, is not known here (controllers.registry.options, distribution.schema). Where the
bucket is may be said twice over: in fields, or by selectors of Secrets as the Go project of this
API group does.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from registry_operator.api.reference import CaBundle, DataKey, SecretKeySelector
from registry_operator.api.types import ATOMIC_MAP, Int32, Model, Name, Quantity, Rule, rules

StorageClass = Literal[
    "NONE",
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "OUTPOSTS",
    "GLACIER_IR",
    "EXPRESS_ONEZONE",
]
LogLevel = Literal[
    "debug",
    "debugwithsigning",
    "debugwithhttpbody",
    "debugwithrequestretries",
    "debugwithrequesterrors",
    "debugwitheventstreambody",
]

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
_FOLDER = Rule(
    rule="self.matches('^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$')",
    message="rootDirectory must be a folder such as team-a/images: letters, digits, dots, hyphens "
    "and underscores, in parts separated by /, without / at its ends",
)
_KEY_ENCRYPTS = Rule(
    rule="!has(self.kmsKeyId) || (has(self.encrypt) && self.encrypt)",
    message="storage.s3.kmsKeyId has no effect without encryption: set storage.s3.encrypt to true, "
    "or remove kmsKeyId",
)
_VERIFIES_OR_NOT = Rule(
    rule="!has(self.caBundle) || !has(self.insecureSkipVerify) || !self.insecureSkipVerify",
    message="caBundle says whom to trust and insecureSkipVerify that anyone is trusted: "
    "remove insecureSkipVerify",
)
_ONLY_AWS = Rule(
    rule="!(has(self.endpoint) || has(self.endpointURL)) || "
    "!((has(self.accelerate) && self.accelerate) || (has(self.dualStack) && self.dualStack))",
    message="storage.s3.accelerate and dualStack choose among AWS's own endpoints: remove them, or "
    "remove endpoint and endpointURL",
)
_ONE_BUCKET = Rule(
    rule="has(self.bucket) != has(self.bucketName)",
    message="storage.s3 names exactly one bucket: set bucket to its name, or bucketName to a key "
    "of a Secret that holds it, and not both",
)
_ONE_ENDPOINT = Rule(
    rule="!has(self.endpoint) || !has(self.endpointURL)",
    message="storage.s3 names more than one endpoint: keep endpoint, a URL, or endpointURL, a key "
    "of a Secret that holds it, and remove the other",
)
_BOTH_KEYS = Rule(
    rule="has(self.accessKey) == has(self.secretKey)",
    message="storage.s3.accessKey and storage.s3.secretKey belong together: set both, or neither",
)
_ONE_PAIR_OF_KEYS = Rule(
    rule="!has(self.secretRef) || !(has(self.accessKey) || has(self.secretKey))",
    message="storage.s3 names its credentials twice: keep secretRef, or accessKey with secretKey, "
    "and remove the other",
)


def between(least: str, most: str, *, field: str) -> Rule:
    """The rule of a size in whole bytes within two bounds."""
    at_least = f"quantity(string(self)).compareTo(quantity('{least}')) >= 0"
    at_most = f"quantity(string(self)).compareTo(quantity('{most}')) <= 0"

    return Rule(
        rule="isQuantity(string(self)) && quantity(string(self)).isInteger() && "
        f"{at_least} && {at_most}",
        message=f"{field} must be {least} to {most} in whole bytes, such as 32Mi",
    )


Region = Annotated[str, Field(max_length=63)]
WHERE = frozenset({"bucketName", "region", "endpointURL"})
"""Fields by which a Secret may say where the bucket is."""
RootDirectory = Annotated[str, Field(max_length=512, json_schema_extra=rules(_FOLDER))]
VERIFIES_OR_NOT = _VERIFIES_OR_NOT


class S3SecretReference(Model):
    """The Secret, in the namespace of the Registry, that holds the credentials of the bucket."""

    model_config = ConfigDict(json_schema_extra=ATOMIC_MAP)

    name: Name
    """Name of the Secret."""
    access_key_field: DataKey = "accessKey"
    """Key of the Secret's data that holds the access key ID."""
    secret_key_field: DataKey = "secretKey"  # noqa: S105 -- the name of a key, not a password
    """Key of the Secret's data that holds the secret access key."""


class MultipartCopy(Model):
    """How a finished upload is moved to its place, which S3 does by copying."""

    chunk_size: Annotated[
        Quantity | None,
        Field(json_schema_extra=rules(between("5Mi", "5Gi", field="multipartCopy.chunkSize"))),
    ] = None
    """Size of the parts, 5Mi to 5Gi. 32Mi when absent."""
    max_concurrency: Annotated[Int32, Field(ge=1, le=10000)] | None = None
    """How many parts of one object are copied at a time. 100 when absent."""
    threshold_size: Annotated[
        Quantity | None,
        Field(json_schema_extra=rules(between("0", "5Gi", field="multipartCopy.thresholdSize"))),
    ] = None
    """Objects above this size are copied in parts, 0 to 5Gi. 32Mi when absent."""


class S3(Model):
    """A bucket that exists, on AWS or on anything that speaks S3."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            _ONE_BUCKET,
            _ONE_ENDPOINT,
            _BOTH_KEYS,
            _ONE_PAIR_OF_KEYS,
            _KEY_ENCRYPTS,
            _VERIFIES_OR_NOT,
            _ONLY_AWS,
        )
    )

    bucket: Annotated[str, Field(max_length=63, json_schema_extra=rules(_BUCKET))] | None = None
    """Name of the bucket. This, or bucketName."""
    bucket_name: SecretKeySelector | None = None
    """Where a Secret holds the name of the bucket, instead of bucket."""
    region: Region | SecretKeySelector | None = None
    """Region of the bucket, or the name and key of the Secret that holds it. us-east-1 when absent,
    which most stores other than AWS accept."""
    endpoint: Annotated[str, Field(max_length=2048, json_schema_extra=rules(_ENDPOINT))] | None = (
        None
    )
    """URL of the store. AWS's own endpoint of the region when absent."""
    endpoint_url: Annotated[SecretKeySelector | None, Field(alias="endpointURL")] = None
    """Where a Secret holds the URL of the store, instead of endpoint."""
    secret_ref: S3SecretReference | None = None
    """Credentials. When absent, and accessKey too, the registry asks its environment: the node's
    role or, from 3.0, its service account."""
    access_key: SecretKeySelector | None = None
    """Where a Secret holds the access key ID, instead of secretRef. Needs secretKey."""
    secret_key: SecretKeySelector | None = None
    """Where a Secret holds the secret access key. Needs accessKey."""
    force_path_style: bool | None = None
    """Address the bucket as ENDPOINT/BUCKET. When absent: true for an endpoint other than AWS."""
    root_directory: RootDirectory | None = None
    """Folder of the bucket that holds everything, so that Registries can share a bucket. When
    absent: the bucket's root, or registry with bucketName."""
    redirect: bool | None = None
    """Whether clients are sent to the bucket for content, by signed URLs. When absent: on AWS."""
    ca_bundle: CaBundle | None = None
    """Certificate authorities of the store, trusted besides those of the image."""
    insecure_skip_verify: bool | None = None
    """true: whoever answers at the endpoint is trusted. For trying things."""
    encrypt: bool | None = None
    """Have the store encrypt what it holds (SSE-S3, or SSE-KMS with kmsKeyId)."""
    kms_key_id: Annotated[str, Field(min_length=1, max_length=2048)] | None = None
    """The key of KMS by which the store encrypts. Needs encrypt."""
    storage_class: StorageClass | None = None
    """Storage class of new objects, STANDARD when absent. NONE leaves it to a store that knows no
    classes."""
    chunk_size: Annotated[
        Quantity | None,
        Field(json_schema_extra=rules(between("5Mi", "5Gi", field="storage.s3.chunkSize"))),
    ] = None
    """Size of the parts of an upload, 5Mi to 5Gi. 10Mi when absent."""
    multipart_copy: MultipartCopy | None = None
    """How a finished upload is moved to its place."""
    dual_stack: bool | None = None
    """Use AWS's endpoints for IPv4 and IPv6. From 3.0."""
    accelerate: bool | None = None
    """Use the bucket's endpoint for transfer acceleration on AWS. From 3.0."""
    log_level: LogLevel | None = None
    """What the AWS SDK writes into the registry's log; nothing when absent. From 3.0. It may show
    temporary credentials there."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        """What a rule asks for, of objects that were stored under another CRD as well."""
        if self.bucket is None and self.bucket_name is None:
            raise PydanticCustomError("bucket_missing", "names no bucket: set bucket or bucketName")

        if (self.access_key is None) != (self.secret_key is None):
            raise PydanticCustomError(
                "key_missing", "accessKey and secretKey belong together: set both, or neither"
            )

        return self

    @property
    def selectors(self) -> Mapping[str, SecretKeySelector]:
        """The values that Secrets hold, by the field, as it is written."""
        fields = {
            "bucketName": self.bucket_name,
            "region": self.region,
            "endpointURL": self.endpoint_url,
            "accessKey": self.access_key,
            "secretKey": self.secret_key,
        }

        return {name: one for name, one in fields.items() if isinstance(one, SecretKeySelector)}

    @property
    def has_keys(self) -> bool:
        """Whether credentials are named, so that the registry need not ask its environment."""
        return self.secret_ref is not None or self.access_key is not None

    @property
    def is_hidden(self) -> bool:
        """Whether a Secret says where the bucket is: then nobody else does."""
        return bool(self.selectors.keys() & WHERE)
