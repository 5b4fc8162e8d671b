"""Behaviours that we decided against, each with the reason; and where we follow one only in part.

Both flow into docs/conformance.md. A row stands here or above a test, never in both, and a part
that differs is told for rows that are tested. What concerns reading stands in declined_reading.py.
"""

from collections.abc import Mapping
from typing import Final

from tests.conformance.declined_reading import READING, READING_DIFFERENCES
from tests.conformance.origin import Declined, Origin

_ONE_BACK_OFF: Final = (
    "Each key has one exponential back-off, and there is no limit over all keys: one failing owner "
    "must not slow the others. The API server protects itself (429 with Retry-After, priority and "
    "fairness)"
)

DECLINED: Final = (
    Declined(
        Origin(18, "default_rate_limiters_test :: TestItemFastSlowRateLimiter", "D8"),
        f"{_ONE_BACK_OFF}; a second kind of back-off has no user.",
    ),
    Declined(
        Origin(19, "default_rate_limiters_test :: TestMaxOfRateLimiter", "D8"),
        f"{_ONE_BACK_OFF}. So there are no two limiters of which the slower could win.",
    ),
    Declined(
        Origin(
            53,
            "scheduler.rs :: scheduler_should_dedup_message_within_debounce_period, "
            "scheduler_should_add_debounce_to_a_request",
            "D9",
        ),
        "A debounce that starts over with each change can put off a busy key for ever. A watch may "
        "gather what comes within a time from the first change on (`Controller.watch(after=...)`); "
        "later changes never move that moment.",
    ),
    *READING,
)

DIFFERENCES: Final[Mapping[int, str]] = {
    **READING_DIFFERENCES,
    44: "Keys are added one by one; there is no batch.",
    129: "There is no switch that lets an exception of a reconcile end the process.",
    130: "Every run has a time limit (60 s unless said otherwise); zero does not mean none.",
    137: "An answer names no priority of its own: a key stays in the class that it came in.",
    138: "No answer means `requeue` without a delay: that is an exception, with its back-off.",
    139: "Warm-up is no option: caches are always filled while another leads.",
    140: "An owner is found by a label of the child, in the child's namespace, so that a child "
    "which outlives its owner is found too; references are judged as upstream. Owners of "
    "namespaced children are never cluster-scoped.",
    142: "Predicates are plain functions and combine by `and`, `or` and `not`; a change without an "
    "object cannot be made, so there is none to refuse.",
    143: "Kinds are declared before the start, each with one selection (no table by namespace), and "
    "reads are of memory and complete: no lazy informers, no limit and no continue. A store knows "
    "no namespaces: reading one that is not selected finds nothing, and is no error. Bodies are "
    "decoded anew for each reader; there is no mode that shares them.",
    144: "Parts are given when the manager is made, so none is added to one that runs, and the "
    "grace is never endless. The process that lost its Lease has the Lease's own margin (5 s) "
    "instead of a grace of 0, and may write nothing in it.",
    145: "The runtime has no helpers for finalizers: the operator's one finalizer is its domain's "
    "(controllers/registry/finalizer.py).",
    148: "Events are events.k8s.io/v1 alone, combined and limited by the rules of the older "
    "recorder. A try that got any answer is final.",
}
