"""What a refused write means: a reason, the field or the right, the cure, and when to look again."""

import pytest

from registry_operator.kube.errors import (
    ApiError,
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    KubeError,
    NotFound,
    ServiceUnavailable,
    TransportError,
)
from registry_operator.runtime.outcome import After, Blocked
from registry_operator.runtime.trouble import RECHECK_SECONDS, failed, outcome_of

DOING = "apply Service team-a/images"
TERMINATING = "unable to create new content in namespace team-a because it is being terminated"
RBAC = 'User "u" cannot patch resource "services" in API group "" in the namespace "team-a"'
CAUSES = {
    "causes": [{"reason": "FieldManagerConflict", "field": ".spec.type", "message": "kubectl"}]
}


@pytest.mark.parametrize(
    ("error", "reason", "cure"),
    [
        (Forbidden(403, message="exceeded quota: q, requested: pods=1"), "QuotaExceeded", "raise the quota"),
        (Forbidden(403, message='admission webhook "w" denied the request: no'), "AdmissionDenied", "change the policy"),
        (BadRequest(400, message='admission webhook "w" denied the request: no'), "AdmissionDenied", "denied the request: no"),
        (Forbidden(403, message=RBAC), "Forbidden", "lacks the right to patch services; add it to the operator's ClusterRole"),
        (Forbidden(403, message="for some other reason"), "Forbidden", "for some other reason"),
        (Invalid(422, message="spec.ports[0].nodePort: provided port is already allocated"), "Rejected", "correct the named field"),
        (NotFound(404, message="the server could not find the requested resource"), "KindNotServed", "is its CRD installed?"),
        (Conflict(409, message="Apply failed with 1 conflict", details=CAUSES), "FieldConflict", "Apply failed"),
    ],
)  # fmt: skip
def test_a_refusal_is_told_with_its_cure_and_tried_again_slowly(
    error: ApiError, reason: str, cure: str
) -> None:
    outcome = outcome_of(error, doing=DOING)

    assert isinstance(outcome, After)
    assert (outcome.delay, outcome.reason) == (RECHECK_SECONDS, reason)
    assert outcome.message.startswith(DOING)
    assert cure in outcome.message


def test_a_namespace_that_ends_is_waited_for_without_trying() -> None:
    outcome = outcome_of(Forbidden(403, message=TERMINATING), doing=DOING)

    assert outcome == Blocked("NamespaceTerminating", f"{DOING}: the namespace is being deleted")


@pytest.mark.parametrize(
    "error",
    [
        Conflict(409, message="the object has been modified"),
        ServiceUnavailable(503),
        BadRequest(400, message="odd"),
        TransportError("connection refused", sent=False),
    ],
)
def test_the_rest_is_retried_with_back_off_and_told_meanwhile(error: KubeError) -> None:
    assert outcome_of(error, doing=DOING) is None
    assert failed(error, doing=DOING) == Blocked(
        "WriteFailed", f"{DOING}: {error}; it is tried again"
    )
