"""Conditions of a status, as meta/v1 and kstatus understand them.

In flow what a reconciler found out now and what the status says; out flows the list to write. Why
so: only a change of `status` is a transition. Rewording a message must not move
`lastTransitionTime`, or nobody could tell since when something is broken.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from registry_operator.runtime.clock import whole_time

Status = Literal["True", "False", "Unknown"]

# The limits and the pattern of meta/v1 Condition.
_REASON: Final = re.compile(r"[A-Za-z](?:[A-Za-z0-9_,:]*[A-Za-z0-9_])?")
_LONGEST_REASON: Final = 1024
_LONGEST_MESSAGE: Final = 32768


@dataclass(frozen=True, slots=True)
class Condition:
    """One aspect of an object's state (meta/v1 Condition).

    `observed_generation` is the generation that the decision was made for. A `last_transition_time`
    of None means: now, if the status differs from before. Raises ValueError for a reason that the
    API server would refuse.
    """

    type: str
    status: Status
    reason: str
    message: str = ""
    observed_generation: int | None = None
    last_transition_time: datetime | None = None

    def __post_init__(self) -> None:
        if len(self.reason) > _LONGEST_REASON or not _REASON.fullmatch(self.reason):
            raise ValueError(f"condition {self.type}: {self.reason!r} is no CamelCase reason")


def merge(
    existing: Sequence[Mapping[str, Any]], new: Sequence[Condition], now: datetime
) -> list[dict[str, Any]]:
    """Return exactly the new conditions, in their order, each with its time of last transition.

    A type that is no longer named is gone: `Reconciling` and `Stalled` exist only while they are
    true (kstatus). Raises ValueError when a type is named twice.
    """
    before = {condition.get("type"): condition for condition in existing}
    merged = {one.type: _written(one, before.get(one.type), now) for one in new}
    if len(merged) != len(new):
        raise ValueError(f"a condition is named twice: {[one.type for one in new]}")
    return list(merged.values())


def find(conditions: Sequence[Mapping[str, Any]], type_: str) -> Mapping[str, Any] | None:
    """Return the condition of that type, if the status has it."""
    return next((one for one in conditions if one.get("type") == type_), None)


def is_true(conditions: Sequence[Mapping[str, Any]], type_: str) -> bool:
    """Whether the condition of that type is there and true; a missing one counts as unknown."""
    one = find(conditions, type_)
    return one is not None and one.get("status") == "True"


def _written(one: Condition, before: Mapping[str, Any] | None, now: datetime) -> dict[str, Any]:
    if before is not None and before.get("status") == one.status:
        since = before.get("lastTransitionTime") or whole_time(now)
    else:
        since = whole_time(one.last_transition_time or now)
    written = {
        "type": one.type,
        "status": one.status,
        "reason": one.reason,
        "message": one.message[:_LONGEST_MESSAGE],
        "lastTransitionTime": since,
    }
    if one.observed_generation is not None:
        written["observedGeneration"] = one.observed_generation
    return written
