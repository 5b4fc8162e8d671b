"""What a refused write means for the user.

In: the error of a write and what was being done. Out: an outcome to show and to wait with, or None
where only a plain retry makes sense (conflicts, overload, lost connections). Nothing here retries
quickly: a refusal that a person must lift is tried again at a slow, steady pace, so that it heals
without a hot loop. Invalid objects too: a nodePort that is taken is "invalid" until it is free.
"""

from registry_operator.kube.errors import (
    ApiError,
    Conflict,
    Forbidden,
    Invalid,
    KubeError,
    NotFound,
)
from registry_operator.runtime.outcome import After, Blocked

RECHECK_SECONDS = 30.0


def outcome_of(error: KubeError, *, doing: str) -> After | Blocked | None:  # noqa: PLR0911 - a table
    """The outcome that a refused write leads to; None means: retry with back-off.

    `doing` names the write for the message, as in "apply Service team-a/images".
    """
    if not isinstance(error, ApiError):
        return None
    text = f"{doing}: {error.message}"
    if error.is_namespace_terminating:
        return Blocked("NamespaceTerminating", f"{doing}: the namespace is being deleted")
    if error.is_quota_exceeded:
        return After(RECHECK_SECONDS, "QuotaExceeded", f"{text}; raise the quota or lower the ask")
    if error.is_admission_denied:
        return After(
            RECHECK_SECONDS, "AdmissionDenied", f"{text}; change the policy or the specification"
        )
    if isinstance(error, Forbidden):
        return After(RECHECK_SECONDS, "Forbidden", _missing_right(error, doing))
    if isinstance(error, Invalid):
        cure = "correct the named field of the specification"
        return After(RECHECK_SECONDS, "Rejected", f"{text}; {cure}")
    if isinstance(error, NotFound):
        return After(RECHECK_SECONDS, "KindNotServed", f"{text}; is its CRD installed?")
    if isinstance(error, Conflict) and error.causes:
        return After(RECHECK_SECONDS, "FieldConflict", text)
    return None


def failed(error: KubeError, *, doing: str) -> Blocked:
    """What to show while a failed write is retried with back-off."""
    return Blocked("WriteFailed", f"{doing}: {error}; it is tried again")


def internal_error(reconciler: str) -> Blocked:
    """What to show when a reconciler itself is broken; the log has the traceback."""
    message = f"the reconciler {reconciler} failed: see the operator's log, and report it"
    return Blocked("InternalError", message)


def _missing_right(error: Forbidden, doing: str) -> str:
    if error.verb and error.resource_text:
        right = f"the right to {error.verb} {error.resource_text}"
        return f"{doing}: the operator lacks {right}; add it to the operator's ClusterRole"
    return f"{doing}: the operator lacks a right: {error.message}"
