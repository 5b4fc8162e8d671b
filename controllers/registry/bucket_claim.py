"""The BucketClaim of a Registry (COSI v1alpha1): asked for once, complete, and never touched again.

It holds data, so it outlives the Registry unless `deletionPolicy: Delete` says otherwise; then the
finalizer (finalizer.py) deletes it, after the access. A claim that the specification names is its
user's: none is asked for then.
"""

from controllers.kinds import BUCKET_CLAIM
from controllers.registry import child
from controllers.registry.finalizer import is_protected
from controllers.registry.inputs import RegistryInputs
from registry_operator.runtime.outcome import Blocked
from registry_operator.runtime.owned import Desired, OwnedKind


def desired(inputs: RegistryInputs) -> Desired:
    """The claim, when the specification asks for a bucket."""
    storage = inputs.wanted.storage
    if storage is None or storage.bucket_class_name is None:
        return ()
    if not inputs.cosi.served:
        return Blocked("CosiNotInstalled", "the cluster serves no BucketClaims")
    if inputs.cosi.claim is None and inputs.immovable is not None:
        return inputs.immovable
    if not is_protected(inputs):
        return Blocked("WaitingForFinalizer", "the bucket is claimed once its deletion is guarded")
    return (
        {
            "metadata": child.metadata(inputs.owner),
            "spec": {"bucketClassName": storage.bucket_class_name, "protocols": ["S3"]},
        },
    )


KIND = OwnedKind(
    name="bucket-claim",
    resource=BUCKET_CLAIM,
    desired=desired,
    outlives_owner=True,
    create_only=True,
)
