"""A Registry's bucket by COSI v1alpha1: what is asked for, how far COSI is, what it handed out.

Pure. Facts of the real controller and sidecar v0.2.2: the Secret comes before `accessGranted`;
BucketInfo is one JSON text under one key; nothing protects a bucket whose claim is deleted while
an access exists, so accesses go first.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from controllers.registry import child
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.outcome import Blocked, Stalled

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


def claim_key(owner: Object) -> ObjectKey:
    """The BucketClaim of a Registry."""
    return child.key(owner)


def access_key(owner: Object) -> ObjectKey:
    """The BucketAccess of a Registry."""
    return child.key(owner)


def credentials_key(owner: Object) -> ObjectKey:
    """The Secret that COSI is asked to write the credentials to."""
    return child.key(owner, _SUFFIX)


def waiting_for(inputs: "RegistryInputs") -> Blocked | None:
    """What of claim and access is not there yet; None when access is granted."""
    cosi = inputs.cosi
    if not cosi.served:
        return Blocked(
            "CosiNotInstalled",
            "spec.storage.bucketClassName needs COSI, and this cluster does not serve "
            "objectstorage.k8s.io/v1alpha1: install the COSI CRDs and controller, or use "
            "spec.storage.s3",
        )
    name = claim_key(inputs.owner).name
    if cosi.claim is None:
        return Blocked("BucketNotReady", f"BucketClaim {name} is being created")
    if not (cosi.claim.body().get("status") or {}).get("bucketReady"):
        wanted = inputs.wanted.storage and inputs.wanted.storage.bucket_class_name
        return Blocked(
            "BucketNotReady",
            f"BucketClaim {name} waits for its bucket: if that lasts, see the events of the claim, "
            f"and whether BucketClass {wanted} exists and its driver runs",
        )
    if cosi.access is None:
        return Blocked("AccessNotGranted", f"BucketAccess {name} is being created")
    if not (cosi.access.body().get("status") or {}).get("accessGranted"):
        wanted = inputs.wanted.storage and inputs.wanted.storage.bucket_access_class
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
