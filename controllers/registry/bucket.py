"""A Registry's bucket by COSI v1alpha1: what is asked for, how far COSI is, what it handed out.

Pure. The claim is the Registry's own, or one of a user that spec.storage.bucketClaimName names: the
latter is looked at and never written. Facts of the real controller and sidecar v0.2.2: the Secret
comes before `accessGranted`; BucketInfo is one JSON text under one key; nothing protects a bucket
whose claim is deleted while an access exists, so accesses go first.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from controllers.kinds import REGISTRY
from controllers.registry import child
from registry_operator.api.names import child_labels
from registry_operator.api.storage import Storage
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.outcome import Blocked, Stalled
from registry_operator.runtime.ownership import Claim, judge

if TYPE_CHECKING:
    from controllers.registry.inputs import RegistryInputs

_SUFFIX = "bucket"


@dataclass(frozen=True)
class BucketInfo:
    """What COSI hands out for an access by protocol S3 and key."""

    bucket: str
    endpoint: str
    region: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)


def claim_key(owner: Object, storage: Storage | None) -> ObjectKey:
    """The BucketClaim that a Registry uses: its own, or the one that it names."""
    named = storage.bucket_claim_name if storage is not None else None
    return ObjectKey(owner.namespace, named) if named else child.key(owner)


def is_named(storage: Storage | None) -> bool:
    """Whether the claim is a user's, whatever labels it bears: to be used, and left as it is."""
    return storage is not None and storage.bucket_claim_name is not None


def is_ours(owner: Object, target: Object) -> bool:
    """Whether a claim or an access was made for this Registry."""
    claim = judge(target, owner=owner, resource=REGISTRY, labels=child_labels(owner.name))
    return claim in (Claim.OURS, Claim.ORPHAN)


def access_key(owner: Object) -> ObjectKey:
    """The BucketAccess of a Registry."""
    return child.key(owner)


def credentials_key(owner: Object) -> ObjectKey:
    """The Secret that COSI is asked to write the credentials to."""
    return child.key(owner, _SUFFIX)


def unusable(inputs: "RegistryInputs") -> Blocked | Stalled | None:
    """Why no access to the claim can be asked for; None: it is there, and to last."""
    storage, claim = inputs.wanted.storage, inputs.cosi.claim
    field = "bucketClaimName" if is_named(storage) else "bucketClassName"
    if not inputs.cosi.served:
        return Blocked(
            "CosiNotInstalled",
            f"spec.storage.{field} needs COSI, and this cluster does not serve "
            "objectstorage.k8s.io/v1alpha1: install the COSI CRDs and controller, or use "
            "spec.storage.s3",
        )
    name = claim_key(inputs.owner, storage).name
    if claim is None and is_named(storage):
        return Blocked(
            "BucketClaimNotFound",
            f"BucketClaim {name} (spec.storage.bucketClaimName) does not exist in namespace "
            f"{inputs.owner.namespace}: create it, or correct the name",
        )
    if claim is None:
        return Blocked("BucketNotReady", f"BucketClaim {name} is being created")
    if claim.is_deleting:
        return Blocked(
            "BucketClaimTerminating",
            f"BucketClaim {name} is being deleted, and its bucket goes by the deletionPolicy of "
            "its class: if that was not meant, save the images while pods still serve them",
        )
    return _other_protocol(claim) if is_named(storage) else None


def waiting_for(inputs: "RegistryInputs") -> Blocked | Stalled | None:
    """What of claim and access is not there yet; None when access is granted."""
    return unusable(inputs) or _not_ready(inputs) or _not_granted(inputs)


def _other_protocol(claim: Object) -> Stalled | None:
    body = claim.body()
    told = (body.get("status") or {}).get("protocols") or body["spec"].get("protocols") or ()
    if not told or "S3" in told:
        return None
    return Stalled(
        "BucketProtocolUnsupported",
        f"BucketClaim {claim.name} (spec.storage.bucketClaimName) is for {', '.join(told)}, and "
        "the registry speaks S3: name a claim whose protocols have S3",
    )


def _not_ready(inputs: "RegistryInputs") -> Blocked | None:
    claim, storage = inputs.cosi.claim, inputs.wanted.storage
    if claim is None or is_ready(claim):
        return None
    wanted = storage.bucket_class_name if storage is not None else None
    class_ = f"BucketClass {wanted}" if wanted else "its BucketClass"
    return Blocked(
        "BucketNotReady",
        f"BucketClaim {claim.name} waits for its bucket: if that lasts, see the events of the "
        f"claim, and whether {class_} exists and its driver runs",
    )


def is_ready(claim: Object) -> bool:
    """Whether COSI says of a claim that its bucket can be used."""
    return bool((claim.body().get("status") or {}).get("bucketReady"))


def _not_granted(inputs: "RegistryInputs") -> Blocked | None:
    access, storage = inputs.cosi.access, inputs.wanted.storage
    name = access_key(inputs.owner).name
    if access is None:
        return Blocked("AccessNotGranted", f"BucketAccess {name} is being created")
    if access.is_deleting:
        return Blocked(
            "ChildTerminating",
            f"BucketAccess {name} is being deleted, and its keys with it; when it is gone, access "
            "is granted anew",
        )
    if not (access.body().get("status") or {}).get("accessGranted"):
        wanted = storage.bucket_access_class if storage is not None else None
        return Blocked(
            "AccessNotGranted",
            f"BucketAccess {name} waits for its credentials: if that lasts, see the events of the "
            f"access, and whether BucketAccessClass {wanted} exists",
        )
    return None


def parse_bucket_info(text: str) -> BucketInfo | Stalled:
    """The content of a credentials Secret; messages never repeat any of it."""
    try:
        spec = orjson.loads(text)["spec"]
        s3 = spec["secretS3"]
        info = BucketInfo(
            bucket=spec["bucketName"],
            endpoint=s3.get("endpoint") or "",
            region=s3.get("region") or "",
            access_key=s3["accessKeyID"],
            secret_key=s3["accessSecretKey"],
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        info = None
    if info is None or not all((info.bucket, info.access_key, info.secret_key)):
        return Stalled(
            "BucketInfoInvalid",
            "the Secret made by COSI does not describe an S3 bucket with key and secret: use a "
            "BucketClass and BucketAccessClass of a driver for protocol S3 with authentication Key",
        )
    return info
