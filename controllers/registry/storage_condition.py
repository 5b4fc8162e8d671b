"""What a Registry's status tells of its storage: ready, or what it waits for, and where it is.

Pure. In: the snapshot, what those who write claims met, what the pods say. Out: the condition
`StorageReady` and `status.storage`.
"""

from typing import Any

from controllers.registry import upgrade_condition, volume
from controllers.registry.inputs import RegistryInputs
from controllers.registry.pods import Trouble
from controllers.registry.reasons import Gravity, gravity_of
from controllers.registry.storage import StoragePlan
from registry_operator.kube.object import Object
from registry_operator.runtime.conditions import Condition, Status
from registry_operator.runtime.outcome import Blocked, Stalled
from registry_operator.runtime.quantity import parse_quantity

_TYPE = "StorageReady"
_SIGNS = frozenset(
    {
        "CredentialsRejected",
        "BucketNotFound",
        "CertificateUntrusted",
        "StorageUnreachable",
        "StorageFailing",
        "VolumeNotWritten",
    }
)


def told(
    inputs: RegistryInputs, *, written: Trouble | None, pods: Trouble | None, serves: bool
) -> Condition:
    """The condition.

    `written` is what the reconcilers of claims met, `pods` what is wrong with the pods, `serves`
    whether one of them is ready.
    """
    plan = inputs.storage
    if isinstance(plan, (Blocked, Stalled)):
        return _false(inputs, _nearest(written, plan))
    if pods is not None and pods.reason in _SIGNS:
        return _false(inputs, pods)
    trouble = _of_claim(inputs, written)
    if trouble is not None:
        return _false(inputs, trouble)
    if plan.kind in volume.LOST_WITH_POD:
        message = f"images live in a volume of kind {plan.kind} and are lost with the pod"
        return _condition(inputs, "True", "EphemeralStorage", message)
    where = _where(inputs, plan)
    if serves:
        message = f"pods serve from {where}"
        if upgrade_condition.keeps_configuration(inputs):
            message = f"pods serve from what they had before, until they are changed to use {where}"
        return _condition(inputs, "True", "StorageInUse", message)
    message = f"{where} is configured; no ready pod confirms it yet"
    return _condition(inputs, "Unknown", "StorageConfigured", message)


def applied(inputs: RegistryInputs) -> dict[str, Any]:
    """`status.storage`; empty where no storage can be used."""
    plan = inputs.storage
    if isinstance(plan, (Blocked, Stalled)):
        return {}
    if upgrade_condition.keeps_configuration(inputs):
        before: dict[str, Any] = (inputs.owner.body().get("status") or {}).get("storage") or {}
        return before
    claim = inputs.volume_claim.found
    told = {
        "kind": plan.kind,
        "bucket": plan.bucket,
        "endpoint": plan.endpoint,
        "claimName": plan.claim,
        "capacity": volume.capacity(claim) if claim is not None else None,
    }
    return {name: value for name, value in told.items() if value}


def _nearest(written: Trouble | None, plan: Blocked | Stalled) -> Trouble:
    """A refused claim or access says more than that the storage is not there yet."""
    if written is None or gravity_of(written.reason) is Gravity.WAIT:
        return Trouble(plan.reason, plan.message)
    # Of one reason for both, the plan's message is the longer: it knows the field.
    return written if written.reason != plan.reason else Trouble(plan.reason, plan.message)


def _of_claim(inputs: RegistryInputs, written: Trouble | None) -> Trouble | None:
    """What is wrong with the claim of a volume, though pods may use it."""
    claim = inputs.volume_claim.found
    if claim is None:
        return None
    if written is not None:
        return _refused(written, claim)
    if not volume.is_bound(claim):
        return Trouble(
            "VolumeNotBound",
            f"PersistentVolumeClaim {claim.name} waits for its volume: if that lasts, see the "
            f"events of the claim, and whether {_class_of(claim)} exists and its provisioner runs",
        )
    failed = volume.expansion_trouble(claim)
    if failed is not None:
        return Trouble(
            "VolumeExpansionFailed",
            f"the volume of PersistentVolumeClaim {claim.name} does not grow from "
            f"{volume.capacity(claim)} to {volume.requested(claim)}: {failed}; see the events of "
            "the claim",
        )
    return None


def _refused(written: Trouble, claim: Object) -> Trouble:
    """The API server's answer to a size that its class does not allow, with the way out."""
    if written.reason != "AdmissionDenied" or "pvc can be resized" not in written.message:
        return written
    return Trouble(
        "VolumeExpansionRefused",
        f"PersistentVolumeClaim {claim.name} can't grow from {volume.requested(claim)}, as "
        f"{_class_of(claim)} does not allow it: set the size back to {volume.requested(claim)}, or "
        "set allowVolumeExpansion of the class",
    )


def _class_of(claim: Object) -> str:
    name = claim.body()["spec"].get("storageClassName")
    return f"StorageClass {name}" if name else "a default StorageClass"


def _where(inputs: RegistryInputs, plan: StoragePlan) -> str:
    claim = inputs.volume_claim.found
    if plan.kind == "s3" and not plan.bucket:
        return "the bucket that a Secret names"
    if plan.bucket:
        return f"bucket {plan.bucket}"
    if claim is None:
        return f"the folder of {plan.kind}"
    has, wants = volume.capacity(claim), volume.requested(claim)
    where = f"PersistentVolumeClaim {claim.name}"
    return f"{where}, which is being expanded to {wants}" if _grows(has, wants) else where


def _grows(has: str | None, wants: str | int | None) -> bool:
    return has is not None and wants is not None and parse_quantity(has) < parse_quantity(wants)


def _condition(inputs: RegistryInputs, status: Status, reason: str, message: str) -> Condition:
    return Condition(_TYPE, status, reason, message, inputs.owner.generation)


def _false(inputs: RegistryInputs, trouble: Trouble) -> Condition:
    return _condition(inputs, "False", trouble.reason, trouble.message)
