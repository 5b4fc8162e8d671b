"""The BucketAccess of a Registry (COSI v1alpha1): asks for credentials in a Secret of a fixed name.

A Secret of that name that exists already must never be offered to COSI: it is not overwritten, and
it is deleted together with the access.
"""

from controllers.kinds import BUCKET_ACCESS
from controllers.registry import bucket, child
from controllers.registry.inputs import RegistryInputs
from registry_operator.runtime.outcome import Blocked, Stalled
from registry_operator.runtime.owned import Desired, OwnedKind


def desired(inputs: RegistryInputs) -> Desired:
    """The access, once there is a claim and the name of the Secret is free."""
    storage = inputs.wanted.storage
    if storage is None or storage.bucket_access_class is None:
        return ()
    if not inputs.cosi.served or inputs.cosi.claim is None:
        return Blocked("BucketNotReady", "the bucket is claimed first")
    secret = bucket.credentials_key(inputs.owner)
    if inputs.cosi.access is None:
        if not inputs.credentials.known:
            return Blocked("SecretNotRead", f"whether Secret {secret.name} exists is being read")
        if secret.name in inputs.credentials.secrets:
            return Stalled(
                "ForeignObject",
                f"Secret {secret} exists already, and COSI would delete it with the access: delete "
                "or rename it",
            )
    return (
        {
            "metadata": child.metadata(inputs.owner),
            "spec": {
                "bucketClaimName": bucket.claim_key(inputs.owner).name,
                "bucketAccessClassName": storage.bucket_access_class,
                "credentialsSecretName": secret.name,
                "protocol": "S3",
            },
        },
    )


KIND = OwnedKind(
    name="bucket-access",
    resource=BUCKET_ACCESS,
    desired=desired,
    outlives_owner=True,
    create_only=True,
)
