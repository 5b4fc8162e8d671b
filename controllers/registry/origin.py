"""Who a change of the pods comes from: the Registry's own specification, or its template.

In: the Registry, its template, its Deployment. Out: the name of the template that a change is owed
to, or "". Pure. The two are told apart by digests of what each says of the pods, which stand on the
Deployment beside what was made of them: so another process comes to the same answer. What the two
say of anything else (how many pods, the Service) makes no change of the pods, and is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controllers.registry.template import Template, own_spec
from registry_operator.api.names import GROUP
from registry_operator.kube.object import Object
from registry_operator.runtime.intent import digest

ANNOTATION = f"{GROUP}/made-of"
"""On the Deployment of a Registry with a template: what both said of the pods that it asks for."""
CHANGES = f"{GROUP}/changed-by-template"
"""On the Deployments of a Registry that its template's change is about, or failed with: its name.
Each such Registry counts against `spec.rollout.maxUnavailable` of that template (budget.py)."""
_LENGTH = 10
_NOT_OF_PODS = frozenset(
    {
        *("replicas", "service", "autoscaling", "disruptionBudget", "paused", "upgrade"),
        *("healthCheck", "deletionPolicy", "rollout"),
    }
)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a Registry and its template say of the pods, as digests."""

    own: str
    shared: str

    def text(self) -> str:
        """What is written into the annotation."""
        return f"{self.own}.{self.shared}"


def origin_of(owner: Object, template: Template | None) -> Origin | None:
    """Of a Registry; None where no template is named. To name another one is the owner's doing."""
    if template is None:
        return None
    own = digest([template.name, _of_pods(own_spec(owner))])
    return Origin(own[:_LENGTH], digest(_of_pods(template.spec or {}))[:_LENGTH])


def template_behind(deployment: Object, template: Template | None, now: Origin | None) -> str:
    """The template that a change of the pods is owed to; "" where it is the owner's own doing.

    Where the Deployment does not say what it was made of, the template is taken for the cause.
    Where both say what they said when it was made, it is what was rolled out for the template, or
    was taken back from there; or keys were rotated, which waits for nobody.
    """
    if template is None or now is None:
        return ""
    made_of = deployment.annotations.get(ANNOTATION)
    if made_of is None:
        return template.name
    own, _, shared = made_of.partition(".")
    if own != now.own:
        return ""
    if shared != now.shared:
        return template.name
    return template.name if deployment.annotations.get(CHANGES) == template.name else ""


def _of_pods(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in spec.items() if name not in _NOT_OF_PODS}
