"""What a Registry tells of a change of its pods: the reason of Progressing, and `status.upgrade`.

In: the snapshot, with the plan for the upgrade. Out: words. Pure. At rest there is nothing to tell.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from controllers.registry import changes, observed, revision
from controllers.registry.configuration import Configuration
from controllers.registry.pods import Trouble
from controllers.registry.upgrade_plan import HEALTHY, Phase, Plan, Template
from registry_operator.kube.object import Object
from registry_operator.runtime.clock import whole_time

if TYPE_CHECKING:
    from controllers.registry.inputs import RegistryInputs

REASONS = {
    Phase.WAITING: "RolloutWaiting",
    Phase.CANARY: "CanaryRunning",
    Phase.ROLLING: "RollingOut",
    Phase.ROLLING_BACK: "RollingBack",
    Phase.ROLLED_BACK: "UpgradeFailed",
    Phase.REFUSED: "UpgradeRefused",
    Phase.PAUSED: "UpgradePaused",
    Phase.ABORTED: "UpgradeAborted",
}
"""The reason that each phase is told by."""

_NOTED = Trouble("RollingOut", "all pods are new and stood their check, which is being noted")


def told(inputs: "RegistryInputs") -> Trouble | None:
    """Reason and message of the change that is under way, or is not made; None: there is none."""
    plan, deployment = plan_of(inputs), inputs.children.deployment
    if plan is None or deployment is None:
        return None
    if plan.phase is None:
        return _NOTED if _is_noted_now(plan, deployment) else None
    return Trouble(REASONS[plan.phase], plan.message)


def applied(inputs: "RegistryInputs", *, now: datetime) -> dict[str, Any]:
    """The part of the status that says so; empty when there is nothing to say."""
    plan, deployment = plan_of(inputs), inputs.children.deployment
    if plan is None or plan.phase is None or deployment is None:
        return {}
    before = (inputs.owner.body().get("status") or {}).get("upgrade") or {}
    since = before.get("since") if before.get("phase") == plan.phase.value else None
    said = {
        "phase": plan.phase.value,
        "fromImage": _image(plan.before),
        "toImage": _image(plan.wanted),
        "fromRevision": revision.of_template(plan.before) if plan.before is not None else "",
        "revision": revision.of_template(plan.wanted),
        "changes": changes.between(plan.before, plan.wanted) if plan.before is not None else [],
        "since": since or whole_time(now),
        "message": plan.message,
    }
    return {"upgrade": {name: value for name, value in said.items() if value}}


def keeps_configuration(inputs: "RegistryInputs") -> bool:
    """Whether the pods keep another configuration for now than the one that is wanted."""
    plan, deployment = plan_of(inputs), inputs.children.deployment
    if plan is None or not plan.is_held or deployment is None:
        return False
    wanted = inputs.configuration
    used = observed.running_software(deployment).get("configuration")
    return isinstance(wanted, Configuration) and used != wanted.secret_name


def _is_noted_now(plan: Plan, deployment: Object) -> bool:
    """Whether a change is complete, but the way back is still that to before it.

    Whoever was told that it is made may begin the next one, and may want to come back from there.
    """
    before = deployment.annotations.get(HEALTHY)
    return before is not None and before != plan.healthy


def plan_of(inputs: "RegistryInputs") -> Plan | None:
    """The plan; None where nothing is written, so that there is none."""
    if inputs.hold is not None or inputs.children.deployment is None:
        return None
    plan = inputs.upgrade
    return plan if isinstance(plan, Plan) else None


def _image(template: Template | None) -> str:
    return template["spec"]["containers"][0]["image"] if template is not None else ""
