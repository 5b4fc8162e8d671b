"""Whether a change of the pods has failed, and how that is remembered.

In: the pods of a revision, what was found by trying them, their Deployment. Out: a `Failure`, or
None; and its text in an annotation, so that what failed once is not tried again by itself, not even
after a restart of the operator. Pure.

What may pass by itself (an image that can't be pulled, no node for a pod, a pod that is not ready)
fails by the Deployment's own deadline; what does not (a failed check, a process that ends again and
again, clients that are served worse than by the pods before) fails at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from controllers.registry import comparison, observed, revision
from controllers.registry.comparison import Worse
from controllers.registry.health import PodHealth
from controllers.registry.pods import Trouble, ends_of, find_trouble
from controllers.registry.proof import Proof, Trial
from registry_operator.api.names import GROUP
from registry_operator.kube.object import Object

ANNOTATION = f"{GROUP}/failed-upgrade"
"""On the Deployment: the change that failed last, as long as it is what is wanted."""
_ENDS = 3
_LONGEST_MESSAGE = 600


@dataclass(frozen=True, slots=True)
class Failure:
    """`revision` failed, by a reason of reasons.py; `retry` is the user's word at that time."""

    revision: str
    reason: str
    message: str
    retry: str = ""

    def text(self) -> str:
        """What is written into the annotation."""
        return orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS).decode()


def read(deployment: Object) -> Failure | None:
    """What a Deployment remembers; None for nothing, and for what is none of our words."""
    text = deployment.annotations.get(ANNOTATION)
    if text is None:
        return None
    try:
        told: Mapping[str, Any] = orjson.loads(text)
        return Failure(**{name: str(value) for name, value in told.items()})
    except (ValueError, TypeError, AttributeError):
        return None


@dataclass(frozen=True, slots=True)
class Evidence:
    """The pods that try a change and their Deployment, and what they say and show.

    `worse`: what their clients are served worse with than others.
    """

    pods: Sequence[Object]
    deployment: Object | None
    proofs: Sequence[Proof]
    health: Sequence[PodHealth]
    worse: Worse | None = None


def find(wanted: str, seen: Evidence, *, retry: str) -> Failure | None:
    """Why the pods of a revision are no good; None while they may still become so."""
    tried = [pod for pod in seen.pods if revision.of(pod) == wanted and not pod.is_deleting]
    trouble = (
        _of_pods(tried, seen.proofs)
        or _of_clients(seen.worse)
        or _of_time(tried, seen.deployment, seen.health)
    )
    if trouble is None:
        return None
    return Failure(wanted, trouble.reason, trouble.message[:_LONGEST_MESSAGE], retry)


def _of_pods(pods: Sequence[Object], proofs: Iterable[Proof]) -> Trouble | None:
    failed = {proof.pod: proof for proof in proofs if proof.trial is Trial.FAILED}
    for pod in pods:
        if pod.uid in failed:
            return Trouble("CheckFailed", f"pod {pod.name}: {failed[pod.uid].message}")
        if ends_of(pod) >= _ENDS:
            return find_trouble([pod], None, ())
    return None


def _of_clients(worse: Worse | None) -> Trouble | None:
    return Trouble(comparison.REASON, worse.message) if worse is not None else None


def _of_time(
    pods: Sequence[Object], deployment: Object | None, health: Iterable[PodHealth]
) -> Trouble | None:
    roll = observed.rollout(deployment) if deployment is not None else None
    if roll is None or not roll.deadline_exceeded:
        return None
    return find_trouble(pods, deployment, health) or Trouble("DeadlineExceeded", roll.message)
