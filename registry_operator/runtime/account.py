"""The frame of a reconcile that accounts for itself: whatever becomes of it is recorded.

In flows the work for one owner; out flows its outcome, to the board and to the queue. Who sums up
outcomes waits for all of them, so none may be missing, whichever way the work ends.
"""

from collections.abc import Awaitable, Callable

from registry_operator.kube.errors import KubeError
from registry_operator.runtime.outcome import Outcome
from registry_operator.runtime.trouble import failed, internal_error, outcome_of


async def accounted(
    work: Awaitable[Outcome], *, record: Callable[[Outcome], None], doing: str, reconciler: str
) -> Outcome:
    """The outcome of the work; `doing` names it for a message, as in "write Service of a/b".

    Raises:
        KubeError: a request failed in a way that only a retry can tell more about.
    """
    try:
        outcome = await work
    except KubeError as error:
        told = outcome_of(error, doing=doing)
        record(told or failed(error, doing=doing))
        if told is None:
            raise
        return told
    except Exception:
        # A defect of ours: shown, or the status would wait for this reconciler for ever.
        record(internal_error(reconciler))
        raise
    record(outcome)
    return outcome
