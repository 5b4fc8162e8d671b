"""What a place for images is, and which of the Registries that share one may write there.

In: specifications as they are written, and those who are in one place (places.py). Out: the name of
a place (a folder of a bucket, or a PersistentVolumeClaim), and a decision. Pure. One place has one
writer: who has pods there or just gets them, or else the oldest Registry. Another one is not rolled
out until it has a place of its own, and what it runs already goes on. Whoever only reads
(`maintenance.readonly` in spec.config, `persistentVolumeClaim.readOnly`) may share. Two writers
would delete each other's blobs: each collects garbage, and answers for what it uploaded, as if it
were alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from controllers.registry import volume
from registry_operator.api.names import GROUP
from registry_operator.api.s3 import WHERE
from registry_operator.kube.object import Object
from registry_operator.runtime.outcome import Stalled

if TYPE_CHECKING:
    from controllers.registry.inputs import RegistryInputs
    from registry_operator.api.registry import RegistrySpec

ANNOTATION = f"{GROUP}/place"
"""On the Deployment: the place that the pods of its template write to."""
LEFT = f"{GROUP}/place-left"
"""On the Deployment: places that pods of earlier templates may still write to, a line each."""
INDEX = "place"
_CLOUDS = ("s3", "gcs", "azure")
_BUCKET, _CLAIM = "bucket", "claim"
_SIGNS = (
    *(f'"{cloud}"'.encode() for cloud in _CLOUDS),
    *(b'"bucketCla', b'"persistentVolumeClaim'),
)
_AWS = ".amazonaws.com"
_CHINA = ".amazonaws.com.cn"
_CLUSTER = ".cluster.local"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another Registry that writes to the same place; `is_there`: it has, or gets, pods there."""

    registry: Object
    is_there: bool


def is_there(deployment: Object | None, place: str | None) -> bool:
    """Whether the pods of a Deployment may write to the place."""
    return deployment is not None and place in by_place(deployment)


def by_place(deployment: Object) -> tuple[str, ...]:
    """Index of Deployments by the places that their pods may write to."""
    told = deployment.annotations
    place, left = told.get(ANNOTATION), told.get(LEFT)
    return (*((place,) if place else ()), *(left.splitlines() if left else ()))


def left(deployment: Object | None, place: str | None, *, all_new: bool) -> str | None:
    """What LEFT has to say on a Deployment, as it is now, once its template writes to `place`.

    `all_new`: whether it has no pods but those of its template.
    """
    if deployment is None or (all_new and deployment.annotations.get(ANNOTATION) == place):
        return None
    return "\n".join(sorted(set(by_place(deployment)) - {place})) or None


def may_name_a_place(obj: Object) -> bool:
    """Whether it is worth to look for a place in a Registry or a template: many have none."""
    return any(name in obj.raw for name in _SIGNS)


def place_of(spec: Mapping[str, Any], owner: Object) -> str | None:
    """Store, bucket and folder of a specification, or its claim.

    None when it names neither, or a Secret says where the bucket is: what is in Secrets is no
    annotation's business.
    """
    return (
        _volume_of(spec, owner)
        or _claimed_folder_of(spec, owner)
        or _folder_of(spec, owner.namespace)
    )


def _volume_of(spec: Mapping[str, Any], owner: Object) -> str | None:
    storage = _at(spec, "storage")
    if isinstance(storage.get("persistentVolumeClaimTemplate"), Mapping):
        return f"{_CLAIM} {volume.own_claim_key(owner)}"
    named = _at(storage, "persistentVolumeClaim").get("claimName")
    return f"{_CLAIM} {owner.namespace}/{named}" if named else None


def _claimed_folder_of(spec: Mapping[str, Any], owner: Object) -> str | None:
    """By its claim, as the names of buckets that COSI makes are not known before."""
    storage, tuned = _at(spec, "storage"), _at(spec, "config", "storage", "s3")
    claim = storage.get("bucketClaimName") or (storage.get("bucketClassName") and owner.name)
    folder = tuned.get("rootdirectory") or ""
    return f"{_BUCKET} {owner.namespace}/{claim}/{str(folder).strip('/')}" if claim else None


def _folder_of(spec: Mapping[str, Any], namespace: str) -> str | None:
    storage, tuned = _at(spec, "storage"), _at(spec, "config", "storage")
    for cloud in _CLOUDS:
        said = storage.get(cloud)
        if isinstance(said, Mapping) and not _is_hidden(said):
            folder = _at(tuned, cloud).get("rootdirectory", said.get("rootDirectory")) or ""
            where = _STORES[cloud](said, namespace)
            return f"{cloud} {where}/{str(folder).strip('/')}"
    return None


def writes(spec: Mapping[str, Any]) -> bool:
    """Whether a Registry of this specification may change what is in its place."""
    if _at(spec, "storage", "persistentVolumeClaim").get("readOnly") is True:
        return False
    return _at(spec, "config", "storage", "maintenance", "readonly").get("enabled") is not True


def written(inputs: "RegistryInputs") -> str | None:
    """The place that pods of this specification write to; None where they only read."""
    return None if _only_reads(inputs.wanted) else inputs.place


def conflict(inputs: "RegistryInputs") -> Stalled | None:
    """Why a Registry may not use its place: another one comes first. None when it may."""
    wanted = inputs.wanted
    if not inputs.neighbours or _only_reads(wanted):
        return None
    here = inputs.takes_place or is_there(inputs.children.deployment, inputs.place)
    first = min(inputs.neighbours, key=_rank)
    if _rank(Neighbour(inputs.owner, here)) < _rank(first):
        return None
    who = f"Registry {first.registry.key}, which {_why(first)},"
    if volume.is_volume(wanted.storage):
        return Stalled(
            "VolumeShared",
            f"{who} writes to the same PersistentVolumeClaim: name another claim, or let this "
            "Registry only read (spec.storage.persistentVolumeClaim.readOnly: true)",
        )
    kind = wanted.storage.kind if wanted.storage is not None else ""
    field = (
        "config.storage.s3.rootdirectory" if kind == _BUCKET else f"storage.{kind}.rootDirectory"
    )
    return Stalled(
        "BucketShared",
        f"{who} writes to the same folder of the same bucket: set spec.{field} to a folder of this "
        "Registry's own, name another bucket, or let this Registry only read "
        "(spec.config.storage.maintenance.readonly.enabled: true)",
    )


def _only_reads(wanted: "RegistrySpec") -> bool:
    return volume.is_read_only(wanted.storage) or not writes({"config": wanted.config})


def _why(first: Neighbour) -> str:
    return "has pods there" if first.is_there else "is older"


def _rank(one: Neighbour) -> tuple[bool, str, str]:
    created = one.registry.metadata.creation_timestamp
    return not one.is_there, created.isoformat() if created is not None else "", one.registry.uid


def _at(body: object, *path: str) -> Mapping[str, Any]:
    for part in path:
        body = body.get(part) if isinstance(body, Mapping) else None
    return body if isinstance(body, Mapping) else {}


def _is_hidden(said: Mapping[str, Any]) -> bool:
    return any(isinstance(said.get(field), Mapping) for field in WHERE)


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
