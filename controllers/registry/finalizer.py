"""The finalizer that lets a Registry with `deletionPolicy: Delete` take its data along, in order.

COSI protects nothing: a claim deleted while an access exists loses its bucket at once and may leave
the access stuck. So: access first, wait until it is gone, then the claim, wait, then the Registry.
Of a claim of a bucket that the Registry names only the access goes. Kubernetes protects a volume
that pods use, and the pods go with the Registry: so its claim is deleted and not waited for. A
Registry that retains its data, or has none, carries no finalizer of ours.

Pure: `decide` says the one next step; guardian.py takes it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from controllers.registry import bucket
from registry_operator.api.names import GROUP
from registry_operator.kube.object import Object

if TYPE_CHECKING:
    from controllers.registry.inputs import RegistryInputs

FINALIZER = f"{GROUP}/data"
GOING = f"{GROUP}/data-going"
"""On a Registry that is being deleted: the uid of the claim or access that goes now."""
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
    """This claim or access is on its way out; its event comes."""

    target: Object


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
        named = bucket.is_named(inputs.wanted.storage)
        for target in (inputs.cosi.access, None if named else inputs.cosi.claim):
            if target is not None and bucket.is_ours(inputs.owner, target):
                waiting = Await(target)
                return waiting if target.is_deleting else DeleteData(target)
    claim = inputs.volume_claim.found if _takes_along(inputs, _VOLUME) else None
    if claim is not None and not claim.is_deleting and bucket.is_ours(inputs.owner, claim):
        return DeleteData(claim)
    return SetFinalizer(present=False)


def _takes_along(inputs: "RegistryInputs", *kinds: str) -> bool:
    spec = inputs.spec
    if spec is None or spec.storage is None or spec.storage.kind not in kinds:
        return False
    return spec.deletion_policy == "Delete"


def _has_finalizer(owner: Object) -> bool:
    return FINALIZER in owner.metadata.finalizers
