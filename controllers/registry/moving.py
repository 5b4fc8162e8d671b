"""Refuses to leave images behind where the storage changes under a Registry that runs.

In: the snapshot. Out: why the change is not made, or nothing. Pure. Which kind of storage and which
volume the pods were last made for stands on their Deployment, as does the claim of their bucket
where that is not the Registry's own; by which classes a bucket or a volume was made stands on its
claim: so a template that changes can't move hundreds of Registries to empty buckets either. What is
lost with its pod may be left: it holds nothing that outlives it.

The seam of a migration: what moves images will answer for the change, and then it is no refusal.
"""

from typing import TYPE_CHECKING

from controllers.registry import bucket, volume
from registry_operator.api.names import GROUP
from registry_operator.api.storage import Storage
from registry_operator.api.volumes import VolumeClaim
from registry_operator.kube.object import Object
from registry_operator.runtime.outcome import Stalled

if TYPE_CHECKING:
    from controllers.registry.inputs import RegistryInputs

ANNOTATION = f"{GROUP}/storage"
"""On the Deployment: the storage that its pods use, as `mark` names it."""
KEPT = ("accessModes", "storageClassName", "volumeName", "selector", "dataSource")
"""Fields that a claim keeps as they were when it was made."""
CLAIM = f"{GROUP}/bucket-claim"
"""On the Deployment: the BucketClaim that its pods use, where the Registry names one."""
_COPY = (
    "change it back; or make another Registry with the new storage and copy the images to it (this "
    "version has no migration of its own)"
)


def mark(owner: Object, storage: Storage | None) -> str | None:
    """What keeps the images: a claim or a folder by its name, else the kind of the storage."""
    claim = volume.claim_key(owner, storage)
    if claim is not None:
        return f"persistentVolumeClaim/{claim.name}"
    if storage is None:
        return None
    return f"hostPath:{storage.host_path.path}" if storage.host_path is not None else storage.kind


def refusal(inputs: "RegistryInputs") -> Stalled | None:
    """Why the storage that is wanted is not taken up; None: nothing is left behind."""
    storage = inputs.wanted.storage
    if storage is None or storage.kind is None:
        return None
    against = _another_place(inputs, storage)
    if against is None and storage.kind == "bucket":
        against = _another_bucket(inputs, storage) or _another_class(inputs, storage)
    return against or _another_claim(inputs, storage.persistent_volume_claim_template)


def _another_place(inputs: "RegistryInputs", storage: Storage) -> Stalled | None:
    """Pods that exist use another kind of storage, or another volume."""
    deployment = inputs.children.deployment
    before = deployment.annotations.get(ANNOTATION) if deployment is not None else None
    wanted = mark(inputs.owner, storage)
    if before is None or before == wanted or before in volume.LOST_WITH_POD:
        return None
    return Stalled(
        "MigrationRequired",
        f"spec.storage asks for {wanted}, but the images are in {before}, where they would stay: "
        f"{_COPY}; or, to begin empty, delete this Registry and create it again",
    )


def _another_claim(inputs: "RegistryInputs", template: VolumeClaim | None) -> Stalled | None:
    """The claim that exists was made by other words than those of the specification."""
    claim = inputs.volume_claim.found
    changed = _changed(template, claim) if template is not None and claim is not None else None
    if claim is None or changed is None:
        return None
    field, said, has = changed
    return Stalled(
        "MigrationRequired",
        f"spec.storage.persistentVolumeClaimTemplate.{field} is {said}, but PersistentVolumeClaim "
        f"{claim.name} has {has}, and a claim keeps it: {_COPY}; or, to begin empty, delete "
        f"PersistentVolumeClaim {claim.name} with all its images",
    )


def _changed(template: VolumeClaim, claim: Object) -> tuple[str, object, object] | None:
    wanted, held = template.wire(), claim.body()["spec"]
    for field in KEPT:
        said, has = wanted.get(field), held.get(field)
        same = sorted(said) == sorted(has or ()) if field == "accessModes" and said else said == has
        if said is not None and not same:
            return field, said, has
    return None


def _another_bucket(inputs: "RegistryInputs", storage: Storage) -> Stalled | None:
    wanted = bucket.claim_key(inputs.owner, storage).name
    used = _claim_of_pods(inputs.owner, inputs.children.deployment)
    if used not in (None, wanted):
        return Stalled(
            "MigrationRequired",
            f"spec.storage asks for the bucket of BucketClaim {wanted}, but the images are in that "
            f"of BucketClaim {used}, where they would stay: {_COPY}; or, to begin with what is in "
            "the other bucket, delete this Registry and create it again",
        )
    access = inputs.cosi.access
    reaches = access.body()["spec"].get("bucketClaimName") if access is not None else None
    if reaches not in (None, wanted):
        name = bucket.access_key(inputs.owner).name
        return Stalled(
            "MigrationRequired",
            f"spec.storage asks for the bucket of BucketClaim {wanted}, but BucketAccess {name} is "
            f"for BucketClaim {reaches}, where the images are: {_COPY}; or, to begin with what is "
            f"in the other bucket, delete BucketAccess {name}, and access is granted anew",
        )
    return None


def _claim_of_pods(owner: Object, deployment: Object | None) -> str | None:
    """The claim whose bucket the pods use; None when they use none, or there are none."""
    if deployment is None or deployment.annotations.get(ANNOTATION) != "bucket":
        return None
    return deployment.annotations.get(CLAIM) or bucket.claim_key(owner, None).name


def _another_class(inputs: "RegistryInputs", storage: Storage) -> Stalled | None:
    claim, access = inputs.cosi.claim, inputs.cosi.access
    name = bucket.access_key(inputs.owner).name
    made_by = claim.body()["spec"].get("bucketClassName") if claim is not None else None
    if not bucket.is_named(storage) and made_by not in (None, storage.bucket_class_name):
        return Stalled(
            "MigrationRequired",
            f"spec.storage.bucketClassName is {storage.bucket_class_name}, but the bucket was made "
            f"by {made_by}, and a bucket keeps its class: {_COPY}; or, to begin empty, delete "
            f"BucketAccess {name}, and then BucketClaim {name} with all its images",
        )
    granted_by = access.body()["spec"].get("bucketAccessClassName") if access is not None else None
    if granted_by not in (None, storage.bucket_access_class):
        return Stalled(
            "AccessClassChanged",
            f"spec.storage.bucketAccessClass is {storage.bucket_access_class}, but access was "
            f"granted by {granted_by}, and an access keeps its class: change it back, or delete "
            f"BucketAccess {name}, and access is granted anew",
        )
    return None
