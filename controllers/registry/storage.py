"""Which storage a Registry uses.

In: the specification, the observed bucket and credentials. Out: the settings of a registry storage
driver, or what is missing and how to supply it. Pure. Secrets flow through here into the settings,
and never into a message.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import orjson

from controllers.registry import bucket, certificates, child, sharing
from controllers.registry.certificates import plan_certificates
from controllers.registry.options import options_of
from registry_operator.api.clouds import Azure, Gcs
from registry_operator.api.s3 import S3
from registry_operator.distribution.drivers import (
    AzureStorage,
    FilesystemStorage,
    GcsStorage,
    S3Storage,
    Storage,
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
        kind: bucket, s3, gcs, azure or emptyDir, as in the specification.
        driver: settings of the registry's storage driver; holds credentials.
        shared: whether several pods see the same data.
        bucket: name of the bucket, "" where there is none.
        endpoint: URL of the store, "" where there is none or it is the driver's own.
        files: what the driver finds beside the configuration: keys, certificates.
    """

    kind: str
    driver: Storage = field(repr=False)
    shared: bool
    bucket: str = ""
    endpoint: str = ""
    files: Mapping[str, str] = field(default_factory=dict, repr=False)


def plan_storage(inputs: "RegistryInputs") -> StoragePlan | Blocked | Stalled:
    """The storage to configure, or why that can't be said now."""
    storage = inputs.wanted.storage
    if storage is None or storage.kind is None:
        return Stalled(
            "StorageNotSpecified",
            "spec.storage names no storage: set spec.storage.bucketClassName or bucketClaimName "
            "with bucketAccessClass, spec.storage.s3, gcs or azure, or spec.storage.emptyDir",
        )
    if storage.cloud is not None:
        return _cloud(storage.cloud, inputs)
    if storage.empty_dir is not None:
        return _empty_dir(inputs)
    return _bucket(inputs)


def _empty_dir(inputs: "RegistryInputs") -> StoragePlan | Stalled:
    if inputs.wanted.replicas > 1:
        return Stalled(
            "ReplicasNeedSharedStorage",
            f"spec.replicas is {inputs.wanted.replicas}, but each pod has its own "
            "spec.storage.emptyDir: set spec.replicas to 1, or use storage that pods share "
            "(bucketClassName, s3)",
        )
    return StoragePlan("emptyDir", FilesystemStorage(DATA_DIRECTORY), shared=False)


def _cloud(cloud: S3 | Gcs | Azure, inputs: "RegistryInputs") -> StoragePlan | Blocked | Stalled:
    shared = sharing.conflict(inputs)
    if shared is not None:
        return shared
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
    keys = ["", ""]
    if s3.secret_ref is not None:
        fields = (s3.secret_ref.access_key_field, s3.secret_ref.secret_key_field)
        found = _values(inputs, s3.secret_ref.name, fields, "accessKeyField and secretKeyField")
        if isinstance(found, Blocked):
            return found
        keys = found
    driver = S3Storage(
        bucket=s3.bucket,
        region=s3.region or "",
        endpoint=s3.endpoint,
        access_key=keys[0] or None,
        secret_key=keys[1] or None,
        force_path_style=s3.force_path_style,
        redirect=s3.redirect,
        options=_options(inputs),
    )
    return StoragePlan("s3", driver, shared=True, bucket=s3.bucket, endpoint=s3.endpoint or "")


def _gcs(gcs: Gcs, inputs: "RegistryInputs") -> StoragePlan | Blocked:
    files = {}
    if gcs.secret_ref is not None:
        found = _values(inputs, gcs.secret_ref.name, (gcs.secret_ref.key,), "key")
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
    return StoragePlan("gcs", driver, shared=True, bucket=gcs.bucket, files=files)


def _azure(azure: Azure, inputs: "RegistryInputs") -> StoragePlan | Blocked:
    key = None
    if azure.secret_ref is not None:
        fields = (azure.secret_ref.account_key_field,)
        found = _values(inputs, azure.secret_ref.name, fields, "accountKeyField")
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
    return StoragePlan("azure", driver, shared=True, bucket=azure.container, endpoint=where)


def _options(inputs: "RegistryInputs") -> dict[str, bool | int | str]:
    return {option.key: option.value for option in options_of(inputs.wanted.storage)}


def _is_service_account(text: str) -> bool:
    try:
        key = orjson.loads(text)
    except ValueError:
        return False
    return isinstance(key, dict) and key.get("type") == "service_account"


def _values(
    inputs: "RegistryInputs", secret: str, fields: Sequence[str], named_by: str
) -> list[str] | Blocked:
    """The values of a user's Secret under these keys, or which of them it lacks."""
    kind = inputs.wanted.storage.kind if inputs.wanted.storage is not None else ""
    where = f"Secret {secret} (spec.storage.{kind}.secretRef)"
    data = _secret_data(inputs, where, cure="create it")
    if isinstance(data, Blocked):
        return data
    missing = [name for name in fields if not data.get(name, "").strip()]
    if missing:
        return Blocked(
            "SecretIncomplete",
            f"{where} has no value under {' and '.join(missing)}: add it, or name the right "
            f"keys in {named_by}",
        )
    return [data[name].strip() for name in fields]


def _bucket(inputs: "RegistryInputs") -> StoragePlan | Blocked | Stalled:
    against = sharing.conflict(inputs) or bucket.waiting_for(inputs)
    if against is not None:
        return against
    where = f"Secret {bucket.credentials_key(inputs.owner).name} (made by COSI)"
    access = bucket.access_key(inputs.owner).name
    # Without any Secret of the name COSI never lets the access go.
    cure = f"create it, empty, and delete BucketAccess {access}: access is granted anew then"
    data = _secret_data(inputs, where, cure=cure)
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
    return StoragePlan("bucket", driver, shared=True, bucket=info.bucket, endpoint=info.endpoint)


def _secret_data(inputs: "RegistryInputs", where: str, *, cure: str) -> Mapping[str, str] | Blocked:
    if inputs.credentials.problem:
        return Blocked("SecretUnreadable", f"{where} can't be read: {inputs.credentials.problem}")
    if not inputs.credentials.known:
        return Blocked("SecretNotRead", f"{where} is being read")
    if inputs.credentials.secret is None:
        return Blocked(
            "SecretNotFound",
            f"{where} does not exist in namespace {inputs.owner.namespace}: {cure}",
        )
    return child.decoded(inputs.credentials.secret)
