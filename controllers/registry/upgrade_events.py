"""What is told by Events of a change of the pods: each turn, with from and to, and why.

In: the status before and after a write, the snapshot. Out: at most one `Turn`. Pure. A turn is read
off the status and nowhere else, so another process goes on with the story where it was: what the
status says already has been told. Whoever is killed between that write and its Event leaves one
turn untold, as the other order would tell turns twice. What the status passes over, as of a fleet
that moves progress is told late (pacing.py), has no Event either: so there is no flood.
Nor has it one that a Registry waits for its turn, as thousands may at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controllers.registry import revision
from controllers.registry.inputs import RegistryInputs
from controllers.registry.upgrade_condition import REASONS, plan_of
from controllers.registry.upgrade_plan import Phase
from registry_operator.runtime.correlator import EventType

_QUIET = frozenset({Phase.CANARY, Phase.ROLLING})
Status = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """An Event; `action` is the phase, `ends_well`: all pods are what is wanted."""

    type: EventType
    reason: str
    note: str
    action: str
    ends_well: bool = False


def turned(inputs: RegistryInputs, before: Status, after: Status) -> Turn | None:
    """What one write of the status says anew of a change of the pods."""
    was, now = _change(before), _change(after)
    if now:
        is_news = _point(now) != _point(was) and now["phase"] != Phase.WAITING.value
        return _begun(now) if is_news else None
    return _ended(inputs, was) if was else None


def tells(status: Status, reason: str) -> bool:
    """Whether a reason of Ready is that of the phase, which has an Event of its own."""
    now = _change(status)
    return bool(now) and REASONS[Phase(now["phase"])] == reason


def _begun(now: Status) -> Turn:
    phase = Phase(now["phase"])
    note = f"{phase.value}: {_way(now)}; {now.get('message', '')}"
    return Turn("Normal" if phase in _QUIET else "Warning", REASONS[phase], note, phase.value)


def _ended(inputs: RegistryInputs, was: Status) -> Turn | None:
    """Where it is neither made nor given up, as all is held, the story goes on later."""
    plan, deployed = plan_of(inputs), revision.of(inputs.children.deployment)
    if plan is None or revision.of_template(plan.wanted) != deployed:
        return None
    if was.get("revision") == deployed:
        note = f"Upgraded: {_way(was)}; all pods are new"
        return Turn("Normal", "Upgraded", note, "Upgraded", ends_well=True)
    if was.get("phase") == Phase.WAITING.value:
        return None
    note = f"Withdrawn: {_way(was)}; something else is wanted now, and the pods are that"
    return Turn("Normal", "UpgradeWithdrawn", note, "Withdrawn")


def _way(change: Status) -> str:
    """From and to: images; where they are the same, revisions; and what changes."""
    images = change.get("fromImage", ""), change.get("toImage", "")
    revisions = change.get("fromRevision", ""), change.get("revision", "")
    before, wanted = images if images[0] != images[1] else revisions
    fields = ", ".join(change.get("changes") or ())
    what = f" ({fields})" if fields else ""
    return f"from {before or 'what is not known any more'} to {wanted}{what}"


def _change(status: Status) -> Status:
    return status.get("upgrade") or {}


def _point(change: Status) -> tuple[Any, Any]:
    return change.get("phase"), change.get("revision")
