"""The PersistentVolumeClaim of a Registry: made by persistentVolumeClaimTemplate, and expanded.

It holds data, so it outlives the Registry unless `deletionPolicy: Delete` says otherwise; then the
finalizer (finalizer.py) deletes it. Of its fields only the size can change, and only up; a change
of another one is refused, as it would leave images behind (moving.py), and one that is left out
stays as it is. Whether its class lets a volume grow is the API server's to say.
"""

from collections.abc import Sequence
from typing import Any

from controllers.kinds import PERSISTENT_VOLUME_CLAIM
from controllers.registry import child, moving, volume
from controllers.registry.finalizer import is_protected
from controllers.registry.inputs import RegistryInputs
from registry_operator.api.names import GROUP
from registry_operator.api.volumes import VolumeClaim
from registry_operator.kube.object import Object
from registry_operator.runtime.outcome import Blocked, Stalled
from registry_operator.runtime.owned import Desired, OwnedKind
from registry_operator.runtime.quantity import parse_quantity

SPECIFIED = f"{GROUP}/specified"
"""On the claim: which of its lasting fields we have applied, and so must go on to apply."""
# The last may change, yet not be taken away.
_LASTING = (*moving.KEPT, "volumeAttributesClassName")
FIELD = "spec.storage.persistentVolumeClaimTemplate"


def desired(inputs: RegistryInputs) -> Desired:
    """The claim, when the specification asks for one."""
    storage = inputs.wanted.storage
    template = storage.persistent_volume_claim_template if storage is not None else None
    if template is None:
        return ()
    if inputs.immovable is not None:
        return inputs.immovable
    if not is_protected(inputs):
        return Blocked("WaitingForFinalizer", "the volume is claimed once its deletion is guarded")
    claim = inputs.volume_claim.found
    against = _against_size(claim, template) if claim is not None else None
    if against is not None:
        return against
    spec = volume.spec_of(template) if claim is None else _spec_over(claim, template)
    annotations = {SPECIFIED: ",".join(field for field in _LASTING if field in spec)}
    metadata = {**child.metadata(inputs.owner, volume.NAME), "annotations": annotations}
    return ({"metadata": metadata, "spec": spec},)


def _spec_over(claim: Object, template: VolumeClaim) -> dict[str, Any]:
    """The specification of a claim that exists: what is not said any more stays as it is.

    Left out, it would be taken away by the apply, and the API server refuses that. Not so for what
    the cluster fills in (class, volume): said by us as well, it would be written once more.
    """
    held, wanted = claim.body()["spec"], template.wire()
    kept = {field: held[field] for field in _specified(claim) if field in held}
    return {**kept, **wanted, "resources": {**held.get("resources", {}), **wanted["resources"]}}


def _specified(claim: Object) -> Sequence[str]:
    """What we have applied; where the claim does not tell, all that might be."""
    told = claim.annotations.get(SPECIFIED)
    return told.split(",") if told else _LASTING


def _against_size(claim: Object, template: VolumeClaim) -> Blocked | Stalled | None:
    """Why the size of a claim that exists can't be the one that is wanted; None when it can."""
    wanted, asked = template.resources.requests.storage, volume.requested(claim)
    difference = parse_quantity(wanted) - parse_quantity(asked or wanted)
    name = f"PersistentVolumeClaim {claim.name}"
    if difference > 0 and not volume.is_bound(claim):
        return Blocked("VolumeNotBound", f"{name} grows to {wanted} once it has its volume")
    # Less than was asked for, yet more than there is: so an expansion that failed is taken back
    # (KEP-1790).
    has = volume.capacity(claim)
    if difference >= 0 or (has is not None and parse_quantity(wanted) > parse_quantity(has)):
        return None
    return Stalled(
        "VolumeShrinkRefused",
        f"{FIELD}.resources.requests.storage is {wanted}, but {name} has {has or asked}, and "
        f"volumes don't shrink: set it to {asked}",
    )


KIND = OwnedKind(
    name="volume-claim",
    resource=PERSISTENT_VOLUME_CLAIM,
    desired=desired,
    outlives_owner=True,
)
