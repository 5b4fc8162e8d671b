"""Which storage a Registry uses.

In: the specification, the observed bucket and credentials. Out: the settings of a registry storage
driver, or what is missing and how to supply it. Pure. Secrets flow through here into the settings,
and never into a message.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import orjson

from controllers.registry import bucket, certificates, sharing, volume
from controllers.registry.certificates import plan_certificates
from controllers.registry.options import options_of
from controllers.registry.s3 import defaults, resolve
from controllers.registry.secret_values import data_of, values
from registry_operator.api.clouds import Azure, Gcs
from registry_operator.api.s3 import S3
from registry_operator.api.storage import Storage
from registry_operator.distribution import drivers
from registry_operator.distribution.drivers import (
    AzureStorage,
    FilesystemStorage,
    GcsStorage,
    S3Storage,
)
from registry_operator.runtime.outcome import Blocked, Stalled

if TYPE_CHECKING:
    from controllers.registry.inputs import RegistryInputs

DATA_DIRECTORY = "/var/lib/registry"
CONFIG_DIRECTORY = "/etc/registry-operator"
_KEY_FILE = "gcs.json"


@dataclass(frozen=True)
class StoragePlan:
    """The storage to configure.

    Attributes:
        kind: as in the specification (`Storage.kind`).
        driver: settings of the registry's storage driver; holds credentials.
        bucket: name of the bucket, "" where there is none, or a Secret of the user holds it.
        endpoint: URL of the store, "" where there is none, it is the driver's own, or a Secret of
            the user holds it.
        claim: name of the PersistentVolumeClaim, "" where there is none.
        files: what the driver finds beside the configuration: keys, certificates.
    """

    kind: str
    driver: drivers.Storage = field(repr=False)
    bucket: str = ""
    endpoint: str = ""
    claim: str = ""
    files: Mapping[str, str] = field(default_factory=dict, repr=False)


def plan_storage(inputs: "RegistryInputs") -> StoragePlan | Blocked | Stalled:
    """The storage to configure, or why that can't be said now."""
    storage = inputs.wanted.storage
    if storage is None or storage.kind is None:
        return Stalled(
            "StorageNotSpecified",
            "spec.storage names no storage: set spec.storage.bucketClassName or bucketClaimName "
            "with bucketAccessClass, spec.storage.s3, gcs or azure, a volume such as "
            "spec.storage.persistentVolumeClaimTemplate, or spec.storage.emptyDir",
        )
    if storage.cloud is not None:
        return _cloud(storage.cloud, inputs)
    if volume.is_volume(storage):
        return _volume(storage, inputs)
    return _bucket(inputs)


def _volume(storage: Storage, inputs: "RegistryInputs") -> StoragePlan | Blocked | Stalled:
    against = sharing.conflict(inputs) or volume.waiting_for(inputs)
    if against is not None:
        return against
    driver = FilesystemStorage(
        DATA_DIRECTORY,
        shared=volume.is_shared(storage),
        read_only=volume.is_read_only(storage),
    )
    claim = volume.claim_key(inputs.owner, storage)
    return StoragePlan(str(storage.kind), driver, claim=claim.name if claim is not None else "")


def _cloud(cloud: S3 | Gcs | Azure, inputs: "RegistryInputs") -> StoragePlan | Blocked | Stalled:
    against = sharing.conflict(inputs)
    if against is not None:
        return against
    trusted = plan_certificates(inputs, cloud.ca_bundle)
    if isinstance(trusted, Blocked):
        return trusted
    match cloud:
        case S3():
            plan = _s3(cloud, inputs)
        case Gcs():
            plan = _gcs(cloud, inputs)
        case Azure():
            plan = _azure(cloud, inputs)
    if isinstance(plan, Blocked) or not trusted:
        return plan
    return replace(plan, files={**plan.files, certificates.FILE: trusted})


def _s3(s3: S3, inputs: "RegistryInputs") -> StoragePlan | Blocked:
    found = resolve(s3, inputs)
    if isinstance(found, Blocked):
        return found
    driver = S3Storage(
        bucket=found.name,
        region=found.region,
        endpoint=found.endpoint or None,
        access_key=found.access_key or None,
        secret_key=found.secret_key or None,
        force_path_style=s3.force_path_style,
        redirect=s3.redirect,
        options={**defaults(s3), **_options(inputs)},
    )
    where = s3.endpoint or ""
    return StoragePlan("s3", driver, bucket=s3.bucket or "", endpoint=where)


def _gcs(gcs: Gcs, inputs: "RegistryInputs") -> StoragePlan | Blocked:
    files = {}
    if gcs.secret_ref is not None:
        found = values(
            inputs,
            gcs.secret_ref.name,
            (gcs.secret_ref.key,),
            field="spec.storage.gcs.secretRef",
            named_by="key",
        )
        if isinstance(found, Blocked):
            return found
        if not _is_service_account(found[0]):
            return Blocked(
                "SecretIncomplete",
                f"Secret {gcs.secret_ref.name} (spec.storage.gcs.secretRef) holds no key of a "
                f"service account under {gcs.secret_ref.key}: put the JSON file there that Google "
                "made, of type service_account",
            )
        files[_KEY_FILE] = found[0]
    driver = GcsStorage(
        bucket=gcs.bucket,
        key_file=f"{CONFIG_DIRECTORY}/{_KEY_FILE}" if files else None,
        redirect=gcs.redirect,
        options=_options(inputs),
    )
    return StoragePlan("gcs", driver, bucket=gcs.bucket, files=files)


def _azure(azure: Azure, inputs: "RegistryInputs") -> StoragePlan | Blocked:
    key = None
    if azure.secret_ref is not None:
        found = values(
            inputs,
            azure.secret_ref.name,
            (azure.secret_ref.account_key_field,),
            field="spec.storage.azure.secretRef",
            named_by="accountKeyField",
        )
        if isinstance(found, Blocked):
            return found
        key = found[0]
    driver = AzureStorage(
        account=azure.account_name,
        container=azure.container,
        account_key=key,
        redirect=azure.redirect,
        options=_options(inputs),
    )
    where = azure.endpoint or ""
    return StoragePlan("azure", driver, bucket=azure.container, endpoint=where)


def _options(inputs: "RegistryInputs") -> dict[str, bool | int | str]:
    return {option.key: option.value for option in options_of(inputs.wanted.storage)}


def _is_service_account(text: str) -> bool:
    try:
        key = orjson.loads(text)
    except ValueError:
        return False
    return isinstance(key, dict) and key.get("type") == "service_account"


def _bucket(inputs: "RegistryInputs") -> StoragePlan | Blocked | Stalled:
    against = sharing.conflict(inputs) or bucket.waiting_for(inputs)
    if against is not None:
        return against
    secret = bucket.credentials_key(inputs.owner).name
    access = bucket.access_key(inputs.owner).name
    data = data_of(
        inputs,
        secret,
        where=f"Secret {secret} (made by COSI)",
        # Without any Secret of the name COSI never lets the access go.
        cure=f"create it, empty, and delete BucketAccess {access}: access is granted anew then",
    )
    if isinstance(data, Blocked):
        return data
    info = bucket.parse_bucket_info(data.get("BucketInfo", ""))
    if isinstance(info, Stalled):
        return info
    driver = S3Storage(
        bucket=info.bucket,
        region=info.region,
        endpoint=info.endpoint or None,
        access_key=info.access_key,
        secret_key=info.secret_key,
        force_path_style=None,
    )
    return StoragePlan("bucket", driver, bucket=info.bucket, endpoint=info.endpoint)
