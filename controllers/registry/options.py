"""The fields of spec.storage that become parameters of a driver, in the driver's words.

In: the block of a bucket, the image's release, spec.config. Out: options for the configuration, and
findings. `_KEYS` is the whole translation. Pure.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from controllers.registry import identity, volume
from registry_operator.api.registry import RegistrySpec
from registry_operator.api.storage import Storage
from registry_operator.distribution import options
from registry_operator.distribution.finding import Finding
from registry_operator.distribution.options import Option
from registry_operator.distribution.release import Release
from registry_operator.runtime.quantity import parse_quantity

_SIZES = frozenset({"chunkSize", "multipartCopy.chunkSize", "multipartCopy.thresholdSize"})
_KEYS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "s3": {
            "rootDirectory": "rootdirectory",
            "insecureSkipVerify": "skipverify",
            "encrypt": "encrypt",
            "kmsKeyId": "keyid",
            "storageClass": "storageclass",
            "chunkSize": "chunksize",
            "multipartCopy.chunkSize": "multipartcopychunksize",
            "multipartCopy.maxConcurrency": "multipartcopymaxconcurrency",
            "multipartCopy.thresholdSize": "multipartcopythresholdsize",
            "dualStack": "usedualstack",
            "accelerate": "accelerate",
            "logLevel": "loglevel",
        },
        "gcs": {
            "rootDirectory": "rootdirectory",
            "chunkSize": "chunksize",
            "maxConcurrency": "maxconcurrency",
        },
        "azure": {
            "rootDirectory": "rootdirectory",
            "insecureSkipVerify": "skipverify",
            "endpoint": "serviceurl",
        },
    }
)


def findings(wanted: RegistrySpec, release: Release | None) -> list[Finding]:
    """What in the fields of the storage does not fit the release, or is said twice."""
    storage = wanted.storage
    if storage is None or storage.cloud is None:
        return []
    kind, extra = str(storage.kind), wanted.config or {}
    found = options.check(options_of(storage), driver=kind, extra=extra, release=release)
    if storage.cloud.redirect is not None and options.is_set(extra, "storage.redirect.disable"):
        found.append(options.twice(f"storage.{kind}.redirect", "storage.redirect.disable"))
    return [*found, *identity.findings(wanted, release)]


def driver_of(storage: Storage | None) -> str:
    """The storage driver that spec.config may tune."""
    kind = storage.kind if storage is not None else None
    if volume.is_volume(storage):
        return "filesystem"
    return kind if kind is not None and kind in _KEYS else "s3"


def options_of(storage: Storage | None) -> tuple[Option, ...]:
    """What the fields of a bucket say, as the driver is told."""
    return tuple(_options(storage)) if storage is not None else ()


def _options(storage: Storage) -> Iterator[Option]:
    block = storage.cloud
    if block is None:
        return
    said = block.wire()
    for field, key in _KEYS[str(storage.kind)].items():
        value = _at(said, field)
        if value is not None:
            told = int(parse_quantity(value)) if field in _SIZES else value
            yield Option(f"storage.{storage.kind}.{field}", key, told)


def _at(said: Mapping[str, Any], field: str) -> Any:
    outer, _, inner = field.partition(".")
    value = said.get(outer)
    return value.get(inner) if inner and isinstance(value, Mapping) else value
