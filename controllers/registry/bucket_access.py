"""The BucketAccess of a Registry (COSI v1alpha1): asks for credentials in a Secret of a fixed name.

A Secret of that name that exists already must never be offered to COSI: it is not overwritten, and
it is deleted together with the access.
"""

from controllers.kinds import BUCKET_ACCESS
from controllers.registry import bucket, child, sharing
from controllers.registry.finalizer import is_protected
from controllers.registry.inputs import RegistryInputs
from registry_operator.runtime.outcome import Blocked, Stalled
from registry_operator.runtime.owned import Desired, OwnedKind


def desired(inputs: RegistryInputs) -> Desired:
    """The access, once there is a claim that may be used and the name of the Secret is free."""
    storage = inputs.wanted.storage
    if storage is None or storage.bucket_access_class is None:
        return ()
    against = bucket.unusable(inputs) or _against_asking(inputs)
    if against is not None:
        return against
    return (
        {
            "metadata": child.metadata(inputs.owner),
            "spec": {
                "bucketClaimName": bucket.claim_key(inputs.owner, storage).name,
                "bucketAccessClassName": storage.bucket_access_class,
                "credentialsSecretName": bucket.credentials_key(inputs.owner).name,
                "protocol": "S3",
            },
        },
    )


def _against_asking(inputs: RegistryInputs) -> Blocked | Stalled | None:
    """Why an access that is not there must not be asked for now."""
    if inputs.cosi.access is not None:
        return None
    refused = inputs.immovable or sharing.conflict(inputs)
    if refused is not None:
        return refused
    if not is_protected(inputs):
        return Blocked("WaitingForFinalizer", "access is asked for once its deletion is guarded")
    return _name_is_taken(inputs)


def _name_is_taken(inputs: RegistryInputs) -> Blocked | Stalled | None:
    secret = bucket.credentials_key(inputs.owner)
    if not inputs.credentials.known:
        return Blocked("SecretNotRead", f"whether Secret {secret.name} exists is being read")
    if secret.name in inputs.credentials.secrets:
        return Stalled(
            "ForeignObject",
            f"Secret {secret} exists already, and COSI would delete it with the access: delete or "
            "rename it",
        )
    return None


KIND = OwnedKind(
    name="bucket-access",
    resource=BUCKET_ACCESS,
    desired=desired,
    outlives_owner=True,
    create_only=True,
)
