"""The reconciler of a RegistryTemplate's status: who uses it, and how far its change has come.

In: the template, and the tally of the Registries that name it. Out: `status` by server-side apply,
one write when the numbers are others than it says. A template needs nothing else: the Registries
look at it themselves.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from controllers.registry.budget import bound_of
from controllers.status_writer import write_status
from controllers.template.tally import Tally, Users
from registry_operator.api.registry_template import Count, most_of
from registry_operator.kube.client import Client
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.conditions import Condition, merge
from registry_operator.runtime.outcome import Done, Outcome
from registry_operator.runtime.store import Store

NAME = "template-status"
REASONS = ("UpToDate", "Unused", "Updating", "Failed", "Refused")
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
        "updating": users.updating,
        "waiting": users.waiting,
        "failed": users.failures,
        "conditions": conditions,
    }


def _conditions(template: Object, users: Users) -> list[Condition]:
    generation = template.generation
    if not users.registries:
        return [Condition("Ready", "True", "Unused", "no Registry names it", generation)]
    have = f"{users.up_to_date} of {users.registries} Registries have generation {generation}"
    if users.up_to_date == users.registries:
        return [Condition("Ready", "True", "UpToDate", have, generation)]
    bound = bound_of(template.body().get("spec") or {})
    is_stopped = users.failures >= most_of(bound, users.registries)
    reason, words = "Updating", [have, *_under_way(users)]
    if users.failures:
        reason, words = "Failed", [*words, _failing(users, bound, is_stopped=is_stopped)]
    if users.refusals:
        reason, words = "Refused" if not users.failures else reason, [*words, _refusing(users)]
    message = "; ".join(words)
    return [
        Condition("Ready", "False", reason, message, generation),
        Condition("Stalled" if is_stopped else "Reconciling", "True", reason, message, generation),
    ]


def _under_way(users: Users) -> list[str]:
    told = ((users.updating, "change now"), (users.waiting, "wait for their turn"))
    return [f"{number} {words}" for number, words in told if number]


def _failing(users: Users, bound: Count, *, is_stopped: bool) -> str:
    stopped = f", which stops it at spec.rollout.maxUnavailable {bound}" if is_stopped else ""
    return (
        f"failed at {_named(users.failing, users.failures)}{stopped}: see their status.upgrade; "
        "correct this template, or override there what does not work"
    )


def _refusing(users: Users) -> str:
    named = _named(users.refusing, users.refusals)
    return f"refused by {named}: see their condition TemplateApplied"


def _named(keys: Sequence[ObjectKey], number: int) -> str:
    more = number - len(keys)
    return ", ".join(str(key) for key in keys) + (f" and {more} more" if more else "")
