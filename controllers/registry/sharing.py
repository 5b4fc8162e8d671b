"""Which Registries keep their images in one place, and which of them may write there.

In: Registries as they stand in the store. Out: an index by place, whom a change concerns besides
the Registry itself, and a decision. Pure. One place has one writer, the oldest Registry: a younger
one is not rolled out until it has a place of its own, and what it runs already goes on. Whoever
only reads (`maintenance.readonly` in spec.config) may share. Two writers would delete each other's
blobs: each collects garbage, and answers for what it uploaded, as if it were alone.

The place is read from the bytes of the Registry, not from the parsed specification: the store asks
at every change, and most Registries have no bucket of their own naming.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.outcome import Stalled
from registry_operator.runtime.store import Store

if TYPE_CHECKING:
    from controllers.registry.inputs import RegistryInputs

INDEX: Final = "place"
_CLOUDS = ("s3", "gcs", "azure")
_AWS = ".amazonaws.com"
_CHINA = ".amazonaws.com.cn"
_CLUSTER = ".cluster.local"
_PORTS = {"http": 80, "https": 443}


def by_place(registry: Object) -> Iterable[str]:
    """The index: the place where a Registry keeps its images, if that can be told from it."""
    if not any(f'"{cloud}"'.encode() in registry.raw for cloud in _CLOUDS):
        return ()
    place = place_of(_spec(registry), registry.namespace)
    return (place,) if place is not None else ()


def place_of(spec: Mapping[str, Any], namespace: str) -> str | None:
    """Store, bucket and folder of a specification; None when it names no bucket itself."""
    storage, tuned = _at(spec, "storage"), _at(spec, "config", "storage")
    for cloud in _CLOUDS:
        said = storage.get(cloud)
        if isinstance(said, Mapping):
            folder = _at(tuned, cloud).get("rootdirectory", said.get("rootDirectory")) or ""
            where = _STORES[cloud](said, namespace)
            return f"{cloud} {where}/{str(folder).strip('/')}"
    return None


def writes(registry: Object) -> bool:
    """Whether a Registry may change what is in its place."""
    spec = _spec(registry)
    return _at(spec, "config", "storage", "maintenance", "readonly").get("enabled") is not True


def neighbours(registries: Store) -> Callable[[Object], Iterable[ObjectKey]]:
    """Whom a change of a Registry concerns besides itself: those of the same place."""

    def mapper(changed: Object) -> Iterable[ObjectKey]:
        return [other.key for other in others(changed, registries)]

    return mapper


def others(registry: Object, registries: Store) -> tuple[Object, ...]:
    """The other Registries of the same place."""
    return tuple(
        other
        for place in by_place(registry)
        for other in registries.by_index(INDEX, place)
        if other.key != registry.key
    )


def conflict(inputs: "RegistryInputs") -> Stalled | None:
    """Why a Registry may not use its place: an older one writes there. None when it may."""
    if not inputs.neighbours or not writes(inputs.owner):
        return None
    mine = _age(inputs.owner)
    older = [other for other in inputs.neighbours if _age(other) < mine and writes(other)]
    if not older:
        return None
    kind = inputs.wanted.storage.kind if inputs.wanted.storage is not None else ""
    return Stalled(
        "BucketShared",
        f"Registry {min(older, key=_age).key}, which is older, writes to the same folder of the "
        f"same bucket: set spec.storage.{kind}.rootDirectory to a folder of this Registry's own, "
        "name another bucket, or let this Registry only read "
        "(spec.config.storage.maintenance.readonly.enabled: true)",
    )


def _age(registry: Object) -> tuple[str, str]:
    created = registry.metadata.creation_timestamp
    return (created.isoformat() if created is not None else "", registry.uid)


def _spec(registry: Object) -> Mapping[str, Any]:
    return _at(registry.body(), "spec")


def _at(body: object, *path: str) -> Mapping[str, Any]:
    for part in path:
        body = body.get(part) if isinstance(body, Mapping) else None
    return body if isinstance(body, Mapping) else {}


def _s3(said: Mapping[str, Any], namespace: str) -> str:
    endpoint, region = str(said.get("endpoint") or ""), str(said.get("region") or "")
    host = _split(endpoint).hostname or ""
    if not endpoint or host.endswith((_AWS, _CHINA)):
        # Names of buckets are unique in a partition of AWS, whatever the endpoint.
        china = host.endswith(_CHINA) or region.startswith("cn-")
        government = "us-gov-" in (region or host)
        store = "aws-cn" if china else "aws-us-gov" if government else "aws"
    else:
        store = _store(endpoint, namespace)
    return f"{store}/{said.get('bucket')}"


def _gcs(said: Mapping[str, Any], _namespace: str) -> str:
    return str(said.get("bucket"))


def _azure(said: Mapping[str, Any], namespace: str) -> str:
    endpoint = said.get("endpoint")
    host = f"https://{said.get('accountName')}.blob.core.windows.net"
    return f"{_store(str(endpoint or host), namespace)}/{said.get('container')}"


def _store(endpoint: str, namespace: str) -> str:
    """Host, port and path of a store, names of Services as the pods' DNS completes them."""
    url = _split(endpoint)
    host = (url.hostname or "").rstrip(".").removesuffix(_CLUSTER)
    if ":" not in host and host.count(".") < 2:
        host = f"{host}.svc" if "." in host else f"{host}.{namespace}.svc"
    port = _port(url.netloc) or _PORTS.get(url.scheme, 0)
    return f"{host}:{port}{url.path.rstrip('/')}"


def _split(endpoint: str) -> SplitResult:
    try:
        return urlsplit(endpoint)
    except ValueError:  # a bracket without its other half: no store at all
        return urlsplit("")


def _port(netloc: str) -> int | None:
    digits = netloc.rpartition(":")[2]
    return int(digits) if digits.isdecimal() and ":" in netloc else None


_STORES: Mapping[str, Callable[[Mapping[str, Any], str], str]] = {
    "s3": _s3,
    "gcs": _gcs,
    "azure": _azure,
}
