"""The objects of others that a Registry refers to, all in its own namespace.

In: the specification. Out: keys of Secrets, ConfigMaps and PersistentVolumeClaims, which are then
read and followed. Pure.
"""

from collections.abc import Iterator

from controllers.registry import bucket, volume
from registry_operator.api.s3 import S3
from registry_operator.api.storage import Storage
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey


def credentials_keys(owner: Object, storage: Storage | None) -> tuple[ObjectKey, ...]:
    """The Secrets that hold the storage credentials, and what else of the storage Secrets hold."""
    if storage is None:
        return ()
    if storage.kind == "bucket":
        return (bucket.credentials_key(owner),)
    return tuple(ObjectKey(owner.namespace, name) for name in dict.fromkeys(_named(storage)))


def _named(storage: Storage) -> Iterator[str]:
    cloud = storage.cloud
    if cloud is not None and cloud.secret_ref is not None:
        yield cloud.secret_ref.name
    if isinstance(cloud, S3):
        yield from (selector.name for selector in cloud.selectors.values())


def certificates_key(owner: Object, storage: Storage | None) -> tuple[ObjectKey, bool] | None:
    """What holds the store's certificate authorities, and whether that is a ConfigMap."""
    bundle = storage.cloud.ca_bundle if storage is not None and storage.cloud is not None else None
    if bundle is not None and bundle.config_map_ref is not None:
        return ObjectKey(owner.namespace, bundle.config_map_ref.name), True
    if bundle is not None and bundle.secret_ref is not None:
        return ObjectKey(owner.namespace, bundle.secret_ref.name), False
    return None


def secrets_of(owner: Object, storage: Storage | None) -> tuple[ObjectKey, ...]:
    """The Secrets of others."""
    keys = [*credentials_keys(owner, storage)]
    certificates = certificates_key(owner, storage)
    if certificates is not None and not certificates[1]:
        keys.append(certificates[0])
    return tuple(dict.fromkeys(keys))


def config_maps_of(owner: Object, storage: Storage | None) -> tuple[ObjectKey, ...]:
    """The ConfigMaps of others."""
    certificates = certificates_key(owner, storage)
    return (certificates[0],) if certificates is not None and certificates[1] else ()


def volume_claims_of(owner: Object, storage: Storage | None) -> tuple[ObjectKey, ...]:
    """The PersistentVolumeClaims of others."""
    if storage is None or storage.persistent_volume_claim is None:
        return ()
    key = volume.claim_key(owner, storage)
    return (key,) if key is not None else ()
