"""What a Registry's status tells of its template: applied, or why it is not.

Pure. In: the snapshot. Out: the condition `TemplateApplied` and `status.template`, both only where
a template is named. Applied means that the pods are what it says: a template that makes no
configuration is not, however well it can be read, nor one whose change of the pods is under way,
waits for its turn or has failed.
"""

from typing import Any

from controllers.registry import upgrade_condition
from controllers.registry.inputs import RegistryInputs
from controllers.registry.pods import Trouble
from registry_operator.runtime.conditions import Condition
from registry_operator.runtime.outcome import Stalled

_TYPE = "TemplateApplied"


def told(inputs: RegistryInputs) -> list[Condition]:
    """The condition; none where no template is named."""
    template, generation = inputs.template, inputs.owner.generation
    if template is None:
        return []
    withheld = _withheld(inputs)
    if withheld is not None:
        return [Condition(_TYPE, "False", withheld.reason, withheld.message, generation)]
    message = f"generation {template.version[1]} of template {template.name} is applied"
    return [Condition(_TYPE, "True", "TemplateApplied", message, generation)]


def applied(inputs: RegistryInputs) -> dict[str, Any]:
    """`status.template`, if any; the former one while the template can't be used."""
    template = inputs.template
    if template is None:
        return {}
    if _withheld(inputs) is None:
        return {"template": {"name": template.name, "generation": template.version[1]}}
    before = inputs.owner.body().get("status") or {}
    return {"template": before["template"]} if "template" in before else {}


def _withheld(inputs: RegistryInputs) -> Trouble | None:
    """Why what runs is not made of the template as it stands."""
    if inputs.refusal is not None:
        return Trouble(inputs.refusal.reason, inputs.refusal.message)
    if inputs.wanted.paused:
        return Trouble("Paused", "spec.paused holds back all changes")
    configuration = inputs.configuration
    if isinstance(configuration, Stalled):
        return Trouble(configuration.reason, configuration.message)
    plan = upgrade_condition.plan_of(inputs)
    return upgrade_condition.told(inputs) if plan is not None and plan.shared else None
