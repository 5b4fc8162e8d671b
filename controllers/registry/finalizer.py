"""The finalizer that lets a Registry with `deletionPolicy: Delete` take its data along, in order.

COSI protects nothing: a claim deleted while an access exists loses its bucket at once and may leave
the access stuck. So: access first, wait until it is gone, then the claim, wait, then the Registry.
Kubernetes protects a volume that pods use, and the pods go with the Registry: so its claim is
deleted and not waited for. A Registry that retains its data, or has none, carries no finalizer of
ours.

Pure: `decide` says the one next step; guardian.py takes it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from controllers.kinds import REGISTRY
from registry_operator.api.names import GROUP, child_labels
from registry_operator.kube.object import Object
from registry_operator.runtime.ownership import Claim, judge

if TYPE_CHECKING:
    from controllers.registry.inputs import RegistryInputs

FINALIZER = f"{GROUP}/data"
_BUCKET, _VOLUME = "bucket", "persistentVolumeClaimTemplate"
_CLAIMED = (_BUCKET, _VOLUME)


@dataclass(frozen=True)
class Keep:
    """Nothing to do."""


@dataclass(frozen=True)
class SetFinalizer:
    """The finalizer shall be there, or not."""

    present: bool


@dataclass(frozen=True)
class DeleteData:
    """This claim of a bucket or a volume, or this access, goes now."""

    target: Object


@dataclass(frozen=True)
class Await:
    """A claim or access is on its way out; its event comes."""

    what: str


Step = Keep | SetFinalizer | DeleteData | Await


def is_protected(inputs: "RegistryInputs") -> bool:
    """Whether storage may be claimed: its deletion is in order, or not ours to do."""
    return not _takes_along(inputs, *_CLAIMED) or _has_finalizer(inputs.owner)


def decide(inputs: "RegistryInputs") -> Step:
    """The next step for the finalizer and what it guards."""
    owner = inputs.owner
    if owner.is_deleting:
        return _tear_down(inputs) if _has_finalizer(owner) else Keep()
    if inputs.hold is not None:
        return Keep()
    wanted = _takes_along(inputs, *_CLAIMED)
    return Keep() if wanted == _has_finalizer(owner) else SetFinalizer(present=wanted)


def _tear_down(inputs: "RegistryInputs") -> Step:
    if _takes_along(inputs, _BUCKET):
        for what, target in (("access", inputs.cosi.access), ("claim", inputs.cosi.claim)):
            if target is not None and _is_ours(inputs.owner, target):
                waiting = Await(f"Bucket{what.capitalize()} {target.name} is being deleted")
                return waiting if target.is_deleting else DeleteData(target)
    claim = inputs.volume_claim.claim if _takes_along(inputs, _VOLUME) else None
    if claim is not None and not claim.is_deleting and _is_ours(inputs.owner, claim):
        return DeleteData(claim)
    return SetFinalizer(present=False)


def _takes_along(inputs: "RegistryInputs", *kinds: str) -> bool:
    spec = inputs.spec
    if spec is None or spec.storage is None or spec.storage.kind not in kinds:
        return False
    return spec.deletion_policy == "Delete"


def _has_finalizer(owner: Object) -> bool:
    return FINALIZER in owner.metadata.finalizers


def _is_ours(owner: Object, target: Object) -> bool:
    claim = judge(target, owner=owner, resource=REGISTRY, labels=child_labels(owner.name))
    return claim in (Claim.OURS, Claim.ORPHAN)
