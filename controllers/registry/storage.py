"""Which storage a Registry uses.

In: the specification, the observed bucket and credentials. Out: the settings of a registry storage
driver, or what is missing and how to supply it. Pure. Secrets flow through here into the settings,
and never into a message.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from controllers.registry import bucket
from registry_operator.api.storage import S3
from registry_operator.distribution.drivers import FilesystemStorage, S3Storage
from registry_operator.kube.object import Object
from registry_operator.runtime.outcome import Blocked, Stalled

if TYPE_CHECKING:
    from controllers.registry.inputs import RegistryInputs

DATA_DIRECTORY = "/var/lib/registry"


@dataclass(frozen=True)
class StoragePlan:
    """The storage to configure.

    Attributes:
        kind: bucket, s3 or emptyDir, as in the specification.
        driver: settings of the registry's storage driver; holds credentials.
        shared: whether several pods see the same data.
        bucket: name of the bucket, "" where there is none.
        endpoint: URL of the store, "" where there is none or it is the driver's own.
    """

    kind: str
    driver: FilesystemStorage | S3Storage = field(repr=False)
    shared: bool
    bucket: str = ""
    endpoint: str = ""


def plan_storage(inputs: "RegistryInputs") -> StoragePlan | Blocked | Stalled:
    """The storage to configure, or why that can't be said now."""
    storage = inputs.wanted.storage
    if storage is None or storage.kind is None:
        return Stalled(
            "StorageNotSpecified",
            "spec.storage names no storage: set spec.storage.bucketClassName and "
            "bucketAccessClass, spec.storage.s3, or spec.storage.emptyDir",
        )
    if storage.s3 is not None:
        return _s3(storage.s3, inputs)
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


def _s3(s3: S3, inputs: "RegistryInputs") -> StoragePlan | Blocked | Stalled:
    access_key = secret_key = None
    if s3.secret_ref is not None:
        where = f"Secret {s3.secret_ref.name} (spec.storage.s3.secretRef)"
        data = _secret_data(inputs, where, cure="create it")
        if isinstance(data, Blocked):
            return data
        fields = (s3.secret_ref.access_key_field, s3.secret_ref.secret_key_field)
        missing = [name for name in fields if not data.get(name, "").strip()]
        if missing:
            return Blocked(
                "SecretIncomplete",
                f"{where} has no value under {' and '.join(missing)}: add it, or name the right "
                "keys in accessKeyField and secretKeyField",
            )
        access_key, secret_key = (data[name].strip() for name in fields)
    driver = S3Storage(
        bucket=s3.bucket,
        region=s3.region or "",
        endpoint=s3.endpoint,
        access_key=access_key,
        secret_key=secret_key,
        force_path_style=s3.force_path_style,
    )
    return StoragePlan("s3", driver, shared=True, bucket=s3.bucket, endpoint=s3.endpoint or "")


def _bucket(inputs: "RegistryInputs") -> StoragePlan | Blocked | Stalled:
    waiting = bucket.waiting_for(inputs)
    if waiting is not None:
        return waiting
    where = f"Secret {bucket.credentials_key(inputs.owner).name} (made by COSI)"
    access = bucket.access_key(inputs.owner).name
    data = _secret_data(
        inputs, where, cure=f"delete BucketAccess {access}, and access is granted anew"
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
    return decoded_data(inputs.credentials.secret)


def decoded_data(secret: Object) -> Mapping[str, str]:
    """The data of a Secret as text; values that are no UTF-8 are left out."""
    decoded = {}
    for name, value in (secret.body().get("data") or {}).items():
        try:
            decoded[name] = base64.b64decode(value).decode()
        except UnicodeDecodeError:
            continue
    return decoded
