"""Buckets of Google Cloud and containers of Azure: what a user says about them.

Manifests flow in; typed blocks flow out, of the shape of api/s3.py.
"""

from typing import Annotated

from pydantic import ConfigDict, Field

from registry_operator.api.reference import CaBundle, DataKey
from registry_operator.api.s3 import VERIFIES_OR_NOT, RootDirectory
from registry_operator.api.types import ATOMIC_MAP, Int32, Model, Name, Quantity, Rule, rules

_GCS_BUCKET = Rule(
    rule="self.matches('^[a-z0-9][a-z0-9._-]*$')",
    message="storage.gcs.bucket must be the bare name of a bucket: lower-case letters, digits, "
    "dots, hyphens and underscores, without gs:// and without a path",
)
_GCS_CHUNK = Rule(
    rule="isQuantity(string(self)) && quantity(string(self)).isInteger() && "
    "quantity(string(self)).asInteger() >= 262144 && "
    "quantity(string(self)).asInteger() <= 1073741824 && "
    "quantity(string(self)).asInteger() % 262144 == 0",
    message="storage.gcs.chunkSize must be a multiple of 256Ki up to 1Gi, such as 16Mi",
)
_ACCOUNT = Rule(
    rule="self.matches('^[a-z0-9]{3,24}$')",
    message="storage.azure.accountName must be the name of a storage account: 3 to 24 lower-case "
    "letters and digits",
)
_CONTAINER = Rule(
    rule="self.matches('^[a-z0-9][a-z0-9-]*$')",
    message="storage.azure.container must be the bare name of a container: lower-case letters, "
    "digits and hyphens",
)
_SERVICE_URL = Rule(
    rule="self.matches('^https?://[^?#@[:space:]]*[^/?#@[:space:]]$')",
    message="storage.azure.endpoint must be the URL of the account's blob service without / at its "
    "end, such as https://account.blob.core.windows.net",
)


class GcsSecretReference(Model):
    """The Secret, in the namespace of the Registry, that holds the key of a service account."""

    model_config = ConfigDict(json_schema_extra=ATOMIC_MAP)

    name: Name
    """Name of the Secret."""
    key: DataKey = "key.json"
    """Key of the Secret's data that holds the service account's key, as JSON."""


class Gcs(Model):
    """A bucket of Google Cloud Storage that exists."""

    bucket: Annotated[
        str, Field(min_length=3, max_length=222, json_schema_extra=rules(_GCS_BUCKET))
    ]
    """Name of the bucket."""
    secret_ref: GcsSecretReference | None = None
    """Key of a service account. When absent the registry asks its environment: its service account
    by workload identity, or the node's."""
    root_directory: RootDirectory | None = None
    """Folder of the bucket that holds everything, so that Registries can share a bucket."""
    redirect: bool | None = None
    """Whether clients are sent to the bucket for content, by signed URLs. When absent: with
    secretRef."""
    ca_bundle: CaBundle | None = None
    """Certificate authorities on the way to the store, trusted besides those of the image."""
    chunk_size: Annotated[Quantity | None, Field(json_schema_extra=rules(_GCS_CHUNK))] = None
    """Size of the parts of an upload, a multiple of 256Ki up to 1Gi. 16Mi when absent, 5Mi in
    2.8."""
    max_concurrency: Annotated[Int32, Field(ge=25, le=10000)] | None = None
    """How many operations on the bucket a pod does at a time. 50 when absent."""


class AzureSecretReference(Model):
    """The Secret, in the namespace of the Registry, that holds the key of the storage account."""

    model_config = ConfigDict(json_schema_extra=ATOMIC_MAP)

    name: Name
    """Name of the Secret."""
    account_key_field: DataKey = "accountKey"
    """Key of the Secret's data that holds the account key."""


class Azure(Model):
    """A container of Azure Blob Storage that exists."""

    model_config = ConfigDict(json_schema_extra=rules(VERIFIES_OR_NOT))

    account_name: Annotated[str, Field(max_length=24, json_schema_extra=rules(_ACCOUNT))]
    """Name of the storage account."""
    container: Annotated[
        str, Field(min_length=3, max_length=63, json_schema_extra=rules(_CONTAINER))
    ]
    """Name of the container."""
    endpoint: (
        Annotated[str, Field(max_length=2048, json_schema_extra=rules(_SERVICE_URL))] | None
    ) = None
    """URL of the account's blob service. From 3.0. When absent it follows from accountName."""
    secret_ref: AzureSecretReference | None = None
    """Key of the account. When absent the registry asks its environment, from 3.1.0: its service
    account by workload identity, or the node's managed identity."""
    root_directory: RootDirectory | None = None
    """Folder of the container that holds everything, so that Registries can share one. From 3.0."""
    redirect: bool | None = None
    """Whether clients are sent to the container for content, by signed URLs. When absent: with
    secretRef and without endpoint."""
    ca_bundle: CaBundle | None = None
    """Certificate authorities of the store, trusted besides those of the image."""
    insecure_skip_verify: bool | None = None
    """true: whoever answers at the endpoint is trusted. For trying things. From 3.0."""
