"""The volume that a Registry keeps images on: which it is, who may write to it, what it lacks.

In: the specification, the claim as observed. Out: the source for the pods, and what stands against
using it. Pure. Facts of Kubernetes: a claim of a class that waits for its first pod is Pending
until there is one, so pods are made for a claim that is not bound; a claim in use stays until its
last pod has gone (KEP-498); nothing keeps two pods of one node off a ReadWriteOnce volume, so one
pod ends before the next one starts.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from controllers.registry import child, scaling
from registry_operator.api.registry import RegistrySpec
from registry_operator.api.storage import Storage
from registry_operator.api.volumes import DEFAULT_ACCESS_MODE, VolumeClaim
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.outcome import Blocked, Stalled

if TYPE_CHECKING:
    from controllers.registry.inputs import RegistryInputs

NAME = "data"
"""Of the volume in the pods, and suffix of the claim that is made."""
LOST_WITH_POD = frozenset({"emptyDir", "ephemeral"})
_KINDS = LOST_WITH_POD | {"persistentVolumeClaim", "persistentVolumeClaimTemplate", "hostPath"}
_MANY = "ReadWriteMany"
_READS = "ReadOnlyMany"


def is_volume(storage: Storage | None) -> bool:
    """Whether images are files on a volume of the pods."""
    return storage is not None and storage.kind in _KINDS


def own_claim_key(owner: Object) -> ObjectKey:
    """The claim that is made by persistentVolumeClaimTemplate."""
    return child.key(owner, NAME)


def claim_key(owner: Object, storage: Storage | None) -> ObjectKey | None:
    """The claim that holds the images; None where no lasting claim does."""
    if storage is None:
        return None
    if storage.persistent_volume_claim is not None:
        return ObjectKey(owner.namespace, storage.persistent_volume_claim.claim_name)
    made = storage.persistent_volume_claim_template is not None
    return own_claim_key(owner) if made else None


def source(owner: Object, storage: Storage | None) -> dict[str, Any] | None:
    """What the pods mount, as in core/v1 VolumeSource; None where images are in a bucket."""
    claim = claim_key(owner, storage)
    if claim is not None:
        told = {"claimName": claim.name}
        return {
            "persistentVolumeClaim": {**told, "readOnly": True} if is_read_only(storage) else told
        }
    if storage is None:
        return None
    if storage.ephemeral is not None:
        template = storage.ephemeral.volume_claim_template
        made = {**template.wire(), "spec": spec_of(template.spec)}
        return {"ephemeral": {"volumeClaimTemplate": made}}
    for name, block in (("emptyDir", storage.empty_dir), ("hostPath", storage.host_path)):
        if block is not None:
            return {name: block.wire()}
    return None


def spec_of(claim: VolumeClaim) -> dict[str, Any]:
    """The specification of a claim: as the user wrote it, with what the API server demands."""
    return {"accessModes": [DEFAULT_ACCESS_MODE], **claim.wire()}


def is_read_only(storage: Storage | None) -> bool:
    """Whether the registry only serves what is on the volume."""
    claim = storage.persistent_volume_claim if storage is not None else None
    return claim is not None and claim.read_only is True


def is_shared(storage: Storage) -> bool:
    """Whether pods may be beside each other on the volume."""
    return storage.share_volume is True or is_read_only(storage)


def has_one_writer(storage: Storage | None) -> bool:
    """Whether a pod must have ended before the next one starts."""
    if storage is None or storage.kind in LOST_WITH_POD or not is_volume(storage):
        return False
    return not is_shared(storage)


def waiting_for(inputs: "RegistryInputs") -> Blocked | Stalled | None:
    """What stands against pods on this volume; None when nothing does."""
    storage = inputs.wanted.storage
    assert storage is not None
    if storage.host_path is not None and not inputs.allows_host_path:
        return Stalled(
            "HostPathNotAllowed",
            "spec.storage.hostPath is turned off, as it opens the nodes to whoever writes a "
            "Registry: use persistentVolumeClaimTemplate, or have the operator run with "
            "--allow-host-path",
        )
    many = too_many(inputs.wanted)
    key = claim_key(inputs.owner, storage)
    return many if many is not None or key is None else _claim(inputs, storage, key)


def too_many(wanted: RegistrySpec) -> Stalled | None:
    """Why there may not be as many pods as are asked for; None where there may."""
    storage, most = wanted.storage, scaling.most(wanted)
    if most <= 1 or storage is None or not is_volume(storage) or is_shared(storage):
        return None
    field = f"spec.storage.{storage.kind}"
    if storage.kind in LOST_WITH_POD:
        why = f"each pod has its own {field}"
        cure = "or use storage that pods share (bucketClassName, s3)"
    else:
        why = f"one pod alone may write to {field}"
        ways = "a bucket" if storage.host_path is not None else _WAYS
        cure = f"or use storage that pods share: {ways}"
    count = "autoscaling.maxReplicas" if scaling.is_autoscaled(wanted) else "replicas"
    return Stalled(
        "ReplicasNeedSharedStorage",
        f"spec.{count} is {most}, but {why}: set spec.{count} to 1, {cure}",
    )


_WAYS = f"a bucket, or a {_MANY} volume with spec.storage.shareVolume: true"


def _claim(inputs: "RegistryInputs", storage: Storage, key: ObjectKey) -> Blocked | Stalled | None:
    state = inputs.volume_claim
    name = f"PersistentVolumeClaim {key.name}"
    if state.problem:
        return Blocked("VolumeClaimUnreadable", f"{name} can't be read: {state.problem}")
    if not state.known:
        return Blocked("VolumeClaimNotRead", f"{name} is being read")
    claim, own = state.found, storage.persistent_volume_claim is None
    if claim is None and own:
        return Blocked("VolumeNotBound", f"{name} is being created")
    if claim is None:
        return Blocked(
            "VolumeClaimNotFound",
            f"{name} (spec.storage.persistentVolumeClaim.claimName) does not exist in namespace "
            f"{key.namespace}: create it, or correct the name, or have one made by "
            "persistentVolumeClaimTemplate",
        )
    return _unusable(claim, name) or _wrong_mode(claim, name, storage)


def _unusable(claim: Object, name: str) -> Blocked | Stalled | None:
    if claim.is_deleting:
        return Blocked(
            "VolumeClaimTerminating",
            f"{name} is being deleted, and its images go with the last pod that uses it: copy them "
            "away now if they are needed; no new pod is made on it",
        )
    if _status(claim).get("phase") == "Lost":
        return Blocked(
            "VolumeLost",
            f"{name} has lost its volume {claim.body()['spec'].get('volumeName', '')}: bring back "
            "the PersistentVolume, or delete the claim to begin empty",
        )
    if claim.body()["spec"].get("volumeMode") == "Block":
        return Stalled(
            "VolumeUnsuitable",
            f"{name} is a block device, and the registry keeps files: use one of volumeMode "
            "Filesystem",
        )
    return None


def _wrong_mode(claim: Object, name: str, storage: Storage) -> Stalled | None:
    modes = access_modes(claim)
    if is_read_only(storage):
        return None
    if storage.share_volume and _MANY not in modes:
        return Stalled(
            "VolumeUnsuitable",
            f"spec.storage.shareVolume needs a {_MANY} volume, but {name} is "
            f"{', '.join(modes)}: remove shareVolume and set spec.replicas to 1, or use a claim "
            f"that is {_MANY}",
        )
    if set(modes) == {_READS}:
        return Stalled(
            "VolumeUnsuitable",
            f"{name} is {_READS}, and the registry must write: set "
            "spec.storage.persistentVolumeClaim.readOnly to true to serve what is there, or use "
            "another claim",
        )
    return None


def access_modes(claim: Object) -> list[str]:
    """How nodes may mount the volume of a claim."""
    modes: list[str] = claim.body()["spec"].get("accessModes") or [DEFAULT_ACCESS_MODE]
    return modes


def is_bound(claim: Object) -> bool:
    """Whether a claim has its volume."""
    return _status(claim).get("phase") == "Bound"


def requested(claim: Object) -> str | int | None:
    """The size that a claim asks for."""
    size: str | int | None = (
        (claim.body()["spec"].get("resources") or {}).get("requests", {}).get("storage")
    )
    return size


def capacity(claim: Object) -> str | None:
    """The size that the volume of a claim has; None while it has none."""
    size: str | None = (_status(claim).get("capacity") or {}).get("storage")
    return size


def expansion_trouble(claim: Object) -> str | None:
    """What those who expand the volume say went wrong, if they do."""
    for condition in _status(claim).get("conditions") or ():
        is_error = condition["type"] in {"ControllerResizeError", "NodeResizeError"}
        if is_error and condition["status"] == "True":
            message: str = condition.get("message") or condition["type"]
            return message
    states = (_status(claim).get("allocatedResourceStatuses") or {}).get("storage", "")
    return states if states.endswith("Infeasible") else None


def _status(claim: Object) -> Mapping[str, Any]:
    status: Mapping[str, Any] = claim.body().get("status") or {}
    return status
