"""Remembers the planned configuration of each Registry while nothing that it is made of changes.

In: snapshots. Out: what `plan_configuration` says of them, and the template of the pods. Every
reconciler of a Registry needs the plan at every event, and writing YAML is the dearest thing that a
decision does: without this it was a third of the operator's CPU while Registries come into being
(docs/performance.md).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from controllers.registry.configuration import Configuration, plan_configuration
from controllers.registry.pod_template import render, waiting_for
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.outcome import Blocked, Stalled

if TYPE_CHECKING:
    from controllers.registry.inputs import RegistryInputs

Plan = Configuration | Blocked | Stalled
Template = Mapping[str, Any]


class Planner:
    """Plans; of each Registry it keeps the newest plan and what that was made of."""

    def __init__(self) -> None:
        self._known: dict[ObjectKey, tuple[tuple[object, ...], Plan]] = {}
        self._templates: dict[ObjectKey, tuple[Plan, str, Template]] = {}

    def plan(self, inputs: "RegistryInputs") -> Plan:
        """The configuration to run with, or why there is none now."""
        # A Registry made anew under its name is younger than its neighbours.
        others = (inputs.owner.uid, inputs.certificates, inputs.neighbours, inputs.takes_place)
        held = (inputs.cosi, inputs.credentials, inputs.volume_claim)
        basis = (inputs.spec, inputs.answer, *held, inputs.immovable, others)
        known = self._known.get(inputs.owner.key)
        if known is not None and known[0] == basis:
            return known[1]
        plan = plan_configuration(inputs)
        self._known[inputs.owner.key] = (basis, plan)
        return plan

    def template(self, inputs: "RegistryInputs") -> Template | Blocked | Stalled:
        """The template of the pods, or what it waits for.

        A plan that is the same one is of the same specification; nobody changes what is returned.
        """
        waits = waiting_for(inputs)
        if waits is not None:
            return waits
        plan, secret = inputs.configuration, inputs.children.http_secret
        uid = secret.uid if secret is not None else ""
        known = self._templates.get(inputs.owner.key)
        if known is not None and known[0] is plan and known[1] == uid:
            return known[2]
        template = render(inputs)
        self._templates[inputs.owner.key] = (plan, uid, template)
        return template

    def forget(self, key: ObjectKey) -> None:
        """The Registry is gone."""
        self._known.pop(key, None)
        self._templates.pop(key, None)
