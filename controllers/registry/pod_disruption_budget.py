"""The PodDisruptionBudget of the registry pods: node drains take a few at a time.

In: the specification. Out: one budget where there may be several pods, else none. Pure. A budget
that would keep a node from being drained for ever is never made: where one is asked for, drains may
take one pod at a time, and the condition says what to change.
"""

from math import ceil
from typing import Any, Final, Literal, NamedTuple

from controllers.kinds import POD_DISRUPTION_BUDGET
from controllers.registry import child, scaling
from controllers.registry.inputs import RegistryInputs
from registry_operator.api.availability import DisruptionBudget, PodCount
from registry_operator.api.names import selector_labels
from registry_operator.api.registry import RegistrySpec
from registry_operator.kube.object import Object
from registry_operator.runtime.owned import Desired, OwnedKind


class Bound(NamedTuple):
    """What a budget promises, in the words of policy/v1."""

    field: Literal["minAvailable", "maxUnavailable"]
    value: PodCount

    def spares(self, pods: int) -> int:
        """How many pods drains may take of so many, all of them ready.

        As the disruption controller counts: shares of pods are rounded up
        (k8s.io/kubernetes/pkg/controller/disruption).
        """
        value = self.value
        number = value if isinstance(value, int) else ceil(int(value.rstrip("%")) * pods / 100)
        return number if self.field == "maxUnavailable" else pods - number


_ONE_AT_A_TIME: Final = Bound("maxUnavailable", 1)


def desired(inputs: RegistryInputs) -> Desired:
    """One budget for several pods."""
    if not is_wanted(inputs.wanted):
        return ()
    bound = _ONE_AT_A_TIME if blocks(inputs.wanted) else asked(inputs.wanted)
    spec: dict[str, Any] = {
        bound.field: bound.value,
        # A pod that does not serve anyway must not keep its node from being drained.
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": dict(selector_labels(inputs.owner.name))},
    }
    return ({"metadata": child.metadata(inputs.owner), "spec": spec},)


def is_wanted(wanted: RegistrySpec) -> bool:
    """Whether there may be several pods, and nobody turned their budget off."""
    budget = wanted.disruption_budget
    return scaling.most(wanted) > 1 and (budget is None or budget.enabled)


def asked(wanted: RegistrySpec) -> Bound:
    """What the user asks for; one pod at a time where he says nothing."""
    budget = wanted.disruption_budget or DisruptionBudget()
    if budget.min_available is not None:
        return Bound("minAvailable", budget.min_available)
    if budget.max_unavailable is not None:
        return Bound("maxUnavailable", budget.max_unavailable)
    return _ONE_AT_A_TIME


def blocks(wanted: RegistrySpec) -> bool:
    """Whether what is asked for lets drains take no pod at all.

    Judged at the fewest pods that there may be: with more of them, it lets go sooner.
    """
    return asked(wanted).spares(scaling.least(wanted)) < 1


def may_prune(_inputs: RegistryInputs, _budget: Object) -> bool:
    """A budget that is no longer desired goes: it holds nothing."""
    return True


KIND = OwnedKind(
    name="pod-disruption-budget",
    resource=POD_DISRUPTION_BUDGET,
    desired=desired,
    may_prune=may_prune,
)
