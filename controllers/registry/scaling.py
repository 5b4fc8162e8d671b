"""How many registry pods there are to be, and whose decision that is (ADR 0018).

In: the specification, the Deployment as observed. Out: numbers for those who count, and the part of
the Deployment's intent that speaks of `replicas`. Pure. While a HorizontalPodAutoscaler decides,
the field is its own. Giving it up takes care: what its only owner leaves out, server-side apply
removes, and the server makes one pod of it. So we go on saying the number that is there until
somebody else has said another one, by which the field is his.
"""

from typing import TYPE_CHECKING, Any, Final

from registry_operator.api.names import GROUP
from registry_operator.api.registry import RegistrySpec
from registry_operator.kube.object import Object
from registry_operator.runtime.outcome import Blocked

if TYPE_CHECKING:
    from controllers.registry.inputs import RegistryInputs

ANNOTATION: Final = f"{GROUP}/replicas"
"""On an autoscaled Deployment: the number of pods that we said last, or that others say it."""
_OTHERS: Final = "autoscaler"


def is_autoscaled(wanted: RegistrySpec) -> bool:
    """Whether an autoscaler decides; `replicas: 0` turns a Registry off all the same."""
    return wanted.autoscaling is not None and wanted.replicas > 0


def least(wanted: RegistrySpec) -> int:
    """The fewest pods that there may be for long."""
    if wanted.autoscaling is None or not is_autoscaled(wanted):
        return wanted.replicas
    return wanted.autoscaling.min_replicas


def most(wanted: RegistrySpec) -> int:
    """The most pods that there may be: what is made for several must not change by scaling."""
    if wanted.autoscaling is None or not is_autoscaled(wanted):
        return wanted.replicas
    return wanted.autoscaling.max_replicas


def count(inputs: "RegistryInputs") -> int:
    """How many pods are wanted now, whoever says so."""
    deployment = inputs.children.deployment
    if not is_autoscaled(inputs.wanted) or deployment is None:
        return least(inputs.wanted)
    return asked_of(deployment)


def said(inputs: "RegistryInputs") -> dict[str, Any]:
    """`replicas` of the Deployment where that is ours to say, else nothing."""
    number = _ours(inputs)
    return {} if number is None else {"replicas": number}


def mark(inputs: "RegistryInputs") -> str | None:
    """The annotation by which the next decision knows what this one said."""
    if not is_autoscaled(inputs.wanted):
        return None
    number = _ours(inputs)
    return _OTHERS if number is None else str(number)


def waiting_for(inputs: "RegistryInputs") -> Blocked | None:
    """An autoscaler that is to go would undo a number of ours, or give a volume many writers."""
    if is_autoscaled(inputs.wanted) or inputs.children.autoscaler is None:
        return None
    return Blocked("WaitingForAutoscaler", "the HorizontalPodAutoscaler is being deleted first")


def asked_of(deployment: Object) -> int:
    """How many pods a Deployment is told to have."""
    number: int = deployment.body()["spec"].get("replicas", 1)
    return number


def has_one_pod(deployment: Object) -> bool:
    """Whether a Deployment's pods must never be beside each other, whatever is wanted now."""
    strategy = deployment.body()["spec"].get("strategy") or {}
    return strategy.get("type") == "Recreate"


def _ours(inputs: "RegistryInputs") -> int | None:
    """The number that we say; None where it is for others to say."""
    wanted, deployment = inputs.wanted, inputs.children.deployment
    if not is_autoscaled(wanted):
        return wanted.replicas
    if deployment is None:
        return least(wanted)
    now, last = asked_of(deployment), deployment.annotations.get(ANNOTATION)
    if last is not None and last != str(now):
        return None
    # An autoscaler leaves a Deployment of none alone.
    return now or least(wanted)
