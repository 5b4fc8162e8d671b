"""The reconciler of a RegistryTemplate's status: who uses it, and how far its change has come.

In: the template, and the tally of the Registries that name it. Out: `status` by server-side apply,
one write when the numbers are others than it says. A template needs nothing else: the Registries
look at it themselves.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from controllers.status_writer import write_status
from controllers.template.tally import Tally, Users
from registry_operator.kube.client import Client
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.conditions import Condition, merge
from registry_operator.runtime.outcome import Done, Outcome
from registry_operator.runtime.store import Store

NAME = "template-status"
REASONS = ("UpToDate", "Unused", "Updating", "Refused")
"""Reasons of Ready; docs/templates.md says what each means."""


class TemplateReporter:
    """Keeps the status of any template true."""

    def __init__(
        self, *, client: Client, templates: Store, tally: Tally, field_manager: str, clock: Clock
    ) -> None:
        self._client = client
        self._templates = templates
        self._tally = tally
        self._field_manager = field_manager
        self._clock = clock

    async def reconcile(self, key: ObjectKey) -> Outcome:
        """Writes the status when it says something else than it should.

        Raises:
            KubeError: the write failed; a retry is due.
        """
        template = self._templates.get(key)
        if template is None or template.is_deleting:
            return Done()
        before = template.body().get("status") or {}
        users = self._tally.of(template.name, template.generation)
        after = report(template, users, before, now=self._clock.now())
        if after != before:
            await write_status(
                self._client, self._templates, template, after, field_manager=self._field_manager
            )
        return Done()


def report(
    template: Object, users: Users, before: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """The whole status, built from scratch."""
    conditions = merge(before.get("conditions") or (), _conditions(template, users), now)
    return {
        "observedGeneration": template.generation,
        "registries": users.registries,
        "upToDate": users.up_to_date,
        "conditions": conditions,
    }


def _conditions(template: Object, users: Users) -> list[Condition]:
    generation = template.generation
    if not users.registries:
        return [Condition("Ready", "True", "Unused", "no Registry names it", generation)]
    have = f"{users.up_to_date} of {users.registries} Registries have generation {generation}"
    if users.up_to_date == users.registries:
        return [Condition("Ready", "True", "UpToDate", have, generation)]
    reason, message = "Updating", have
    if users.refusals:
        reason, message = "Refused", f"{have}; {_refusing(users)}"
    return [
        Condition("Ready", "False", reason, message, generation),
        Condition("Reconciling", "True", reason, message, generation),
    ]


def _refusing(users: Users) -> str:
    named = ", ".join(str(key) for key in users.refusing)
    more = users.refusals - len(users.refusing)
    others = f" and {more} more" if more else ""
    return f"refused by {named}{others}: see their condition TemplateApplied"
