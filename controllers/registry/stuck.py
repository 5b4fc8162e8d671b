"""What COSI v0.2.2 leaves stuck, told from what is merely slow.

In: observed objects, the time. Out: how much too early it is to say so, and what to tell. Pure. Two
cases. A claim is not ready though its bucket is: the controller overwrote what the sidecar said,
and neither ever looks again (docs/adr/0015-a-claim-that-cosi-forgot.md). And a deletion does not
end: whoever is to let the object go fails for ever, as what it needs for that is gone already.
Messages tell no durations, or a status would change by itself.
"""

import re
from datetime import datetime, timedelta

from controllers.registry import bucket
from registry_operator.api.types import OBJECT_NAME
from registry_operator.kube.object import Object
from registry_operator.runtime.clock import whole_time

DELETION = timedelta(minutes=3)
"""How long a deletion may take."""
CLAIM = timedelta(minutes=1)
"""How long a claim may take. Ten at once took COSI forty seconds."""
_LET_GO = """--type=json -p '[{"op": "remove", "path": "/metadata/finalizers"}]'"""
_SAY_READY = """--subresource=status --type=merge -p '{"status": {"bucketReady": true}}'"""


def too_early(since: datetime | None, patience: timedelta, *, now: datetime) -> float:
    """Seconds for which it is too early; 0.0: it is time.

    Never more than all of the patience: the clock of the API server may be another than ours.
    """
    left = (since + patience - now).total_seconds() if since is not None else 0.0
    return min(max(left, 0.0), patience.total_seconds())


def held(target: Object) -> str:
    """Of a claim or an access whose deletion does not end: what holds it, and the way out."""
    began = target.metadata.deletion_timestamp
    since = f" since {whole_time(began)}" if began is not None else ""
    finalizers = ", ".join(target.metadata.finalizers)
    by = f", held by {finalizers}" if finalizers else ""
    return (
        f"{target.kind} {target.name} is being deleted{since}{by}: see its events, and whether the "
        f"driver of its class runs; if bucket or claim are gone for good, let it go by: "
        f"{_kubectl(target, _LET_GO)}"
    )


def forgotten(claim: Object) -> str:
    """Of a claim that is not ready though its bucket is: what is wrong, and the way out."""
    return (
        f"BucketClaim {claim.name} is not ready though its bucket is: COSI's controller has "
        f"overwritten that, and will not look again; it is set right by: "
        f"{_kubectl(claim, _SAY_READY)}"
    )


def bucket_of(claim: Object) -> str | None:
    """The Bucket that a claim waits for; None when it waits for none."""
    name = (claim.body().get("status") or {}).get("bucketName")
    if not isinstance(name, str) or bucket.is_ready(claim):
        return None
    return name if re.fullmatch(OBJECT_NAME, name) else None


def is_made_for(found: Object, claim: Object) -> bool:
    """Whether a Bucket is ready, lasts, and is that of the claim.

    COSI says so of the claim before it says so of the Bucket: a claim that is not ready now has
    lost it since.
    """
    body = found.body()
    status, spec = body.get("status") or {}, body.get("spec") or {}
    ready = bool(status.get("bucketReady") and status.get("bucketID")) and not found.is_deleting
    return ready and (spec.get("bucketClaim") or {}).get("uid") == claim.uid


def _kubectl(target: Object, rest: str) -> str:
    return f"kubectl -n {target.namespace} patch {target.kind.lower()} {target.name} {rest}"
