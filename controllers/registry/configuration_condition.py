"""What a Registry's status tells of its configuration: for which release it is, or what is wrong.

Pure. In: the snapshot, what those who write it met. Out: the condition `ConfigurationValid`.
"""

from controllers.registry.inputs import RegistryInputs
from controllers.registry.pods import Trouble
from registry_operator.distribution.release import recommendation
from registry_operator.runtime.conditions import Condition, Status
from registry_operator.runtime.outcome import Blocked, Stalled

_TYPE = "ConfigurationValid"


def told(inputs: RegistryInputs, *, written: Trouble | None) -> Condition:
    """The condition; `written` is what the reconcilers of the Secrets met."""
    plan = inputs.configuration
    if plan == inputs.storage:
        message = "the configuration waits for the storage"
        return _said(inputs, "Unknown", Trouble("WaitingForStorage", message))
    if isinstance(plan, Blocked) and inputs.answer is None:
        return _said(inputs, "Unknown", Trouble("ReleaseNotRead", plan.message))
    if isinstance(plan, (Blocked, Stalled)):
        return _said(inputs, "False", Trouble(plan.reason, plan.message))
    if written is not None:
        return _said(inputs, "False", written)
    release = plan.release
    message = f"rendered for release {release}" if release else "rendered for any release"
    if plan.problem:
        message = f"{message}, as the image's is not known: {plan.problem}"
    advice = recommendation(release) if release else None
    if advice is not None:
        message = f"{message}; {advice.message}"
    return _said(inputs, "True", Trouble("ConfigurationRendered", message))


def _said(inputs: RegistryInputs, status: Status, said: Trouble) -> Condition:
    return Condition(_TYPE, status, said.reason, said.message, inputs.owner.generation)
