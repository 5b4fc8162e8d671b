"""What a Registry's status tells of its disruption budget and its autoscaler.

Pure. In: the snapshot, with the HorizontalPodAutoscaler as its own controller reports it. Out: the
conditions `DisruptionBudgetValid` and `AutoscalingActive`, each only where the specification has
the block that it is about.
"""

from typing import Any

from controllers.registry import autoscaler, pod_disruption_budget, scaling
from controllers.registry.inputs import RegistryInputs
from controllers.registry.pods import Trouble
from registry_operator.api.registry import RegistrySpec
from registry_operator.kube.object import Object
from registry_operator.runtime.conditions import Condition, Status

_BUDGET = "DisruptionBudgetValid"
_AUTOSCALING = "AutoscalingActive"


def told(inputs: RegistryInputs) -> list[Condition]:
    """The conditions, if any."""
    wanted, found = inputs.wanted, []
    if wanted.disruption_budget is not None:
        found.append(_budget(inputs))
    if wanted.autoscaling is not None:
        found.append(_autoscaling(inputs))
    return found


def refusal(wanted: RegistrySpec) -> Trouble | None:
    """What is asked for and not done, as nodes could never be drained; None where all is."""
    budget = pod_disruption_budget
    if not budget.is_wanted(wanted) or not budget.blocks(wanted):
        return None
    bound, pods = budget.asked(wanted), scaling.least(wanted)
    several = pods > 1 and bound.field == "minAvailable"
    ways = [f"set minAvailable to {pods - 1} or less"] if several else []
    ways.append("use maxUnavailable: 1")
    if scaling.is_autoscaled(wanted):
        ways.append("raise spec.autoscaling.minReplicas")
    return Trouble(
        "BudgetBlocksDrains",
        f"spec.disruptionBudget.{bound.field} is {bound.value}, and the pods may be as few as "
        f"{pods}: no node that runs one could ever be drained, so drains take one pod at a time; "
        f"{', or '.join(ways)}",
    )


def _budget(inputs: RegistryInputs) -> Condition:
    refused = refusal(inputs.wanted)
    if refused is not None:
        return _said(inputs, _BUDGET, "False", refused)
    if not pod_disruption_budget.is_wanted(inputs.wanted):
        why = "there is no PodDisruptionBudget: it is turned off, or one pod at most is wanted"
        return _said(inputs, _BUDGET, "True", Trouble("BudgetNotNeeded", why))
    bound = pod_disruption_budget.asked(inputs.wanted)
    message = f"drains keep to {bound.field} {bound.value}"
    return _said(inputs, _BUDGET, "True", Trouble("BudgetInForce", message))


def _autoscaling(inputs: RegistryInputs) -> Condition:
    asked, found = inputs.wanted.autoscaling, inputs.children.autoscaler
    assert asked is not None
    if not scaling.is_autoscaled(inputs.wanted) or _is_off(inputs):
        why = "autoscaling rests while replicas are 0"
        return _said(inputs, _AUTOSCALING, "False", Trouble("ScaledToZero", why))
    if not autoscaler.may_scale(inputs):
        why = "there is no HorizontalPodAutoscaler while pods do not share storage: see Ready"
        return _said(inputs, _AUTOSCALING, "False", Trouble("AutoscalerStarting", why))
    active = _active(found) if found is not None else {}
    if active.get("status") == "True":
        bounds = f"between {asked.min_replicas} and {asked.max_replicas} pods, as its metrics say"
        return _said(inputs, _AUTOSCALING, "True", Trouble("Autoscaling", bounds))
    if not active:
        why = "the HorizontalPodAutoscaler has not looked at its metrics yet"
        return _said(inputs, _AUTOSCALING, "Unknown", Trouble("AutoscalerStarting", why))
    why = (
        f"{active.get('message', '')}: check that metrics-server runs and that spec.resources."
        "requests names what is measured; the number of pods stays within its bounds meanwhile"
    )
    return _said(inputs, _AUTOSCALING, "False", Trouble("MetricsUnavailable", why))


def _is_off(inputs: RegistryInputs) -> bool:
    return inputs.children.deployment is not None and scaling.count(inputs) == 0


def _active(found: Object) -> dict[str, Any]:
    """What its controller says of whether it can decide (autoscaling/v2 ScalingActive)."""
    conditions = (found.body().get("status") or {}).get("conditions") or ()
    return next((dict(one) for one in conditions if one.get("type") == "ScalingActive"), {})


def _said(inputs: RegistryInputs, type_: str, status: Status, trouble: Trouble) -> Condition:
    return Condition(type_, status, trouble.reason, trouble.message, inputs.owner.generation)
