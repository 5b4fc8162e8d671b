"""What each key of a controller waits for since its last run.

In flow the ends of runs; out flows, for every key that is not done, the outcome, its reason and
since when. What is done is forgotten: this grows with trouble, not with the number of objects. The
board (`outcomes.py`) holds what a status is made of; this knows failures too, and every
controller.
"""

import heapq
from dataclasses import dataclass

from registry_operator.kube.errors import KubeError
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.outcome import Done, Outcome


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a key is not done.

    Attributes:
        outcome: `After`, `Blocked`, `Stalled`, or `Error` for a run that raised.
        since: monotonic seconds: when outcome and reason first were these, in an unbroken row.
        runs: how many runs in that row.
    """

    outcome: str
    reason: str
    message: str
    since: float
    runs: int


class Waiting:
    """Keeps the last end of each key's runs unless it was `Done`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waits: dict[ObjectKey, Wait] = {}

    def answered(self, key: ObjectKey, outcome: Outcome) -> None:
        """A run ended well."""
        if isinstance(outcome, Done):
            self._waits.pop(key, None)
        else:
            self._note(key, type(outcome).__name__, outcome.reason, outcome.message)

    def failed(self, key: ObjectKey, error: Exception, *, timed_out: bool) -> None:
        """A run raised. Text of exceptions that nobody foresaw may hold anything: not kept."""
        if timed_out:
            self._note(key, "Error", "TimedOut", "cut off; the log says where it waited")
        elif isinstance(error, KubeError):
            self._note(key, "Error", type(error).__name__, str(error))
        else:
            self._note(key, "Error", type(error).__name__, "a defect; the log has the traceback")

    def longest(self, most: int) -> list[ObjectKey]:
        """So many keys that are not done, the longest wait first."""
        waits = heapq.nsmallest(most, self._waits.items(), key=lambda one: one[1].since)
        return [key for key, _ in waits]

    def keys(self) -> set[ObjectKey]:
        """All keys that are not done."""
        return set(self._waits)

    def look(self, key: ObjectKey) -> Wait | None:
        """What the key waits for; None when it is done."""
        return self._waits.get(key)

    def __len__(self) -> int:
        """Keys that are not done."""
        return len(self._waits)

    def _note(self, key: ObjectKey, outcome: str, reason: str, message: str) -> None:
        before = self._waits.get(key)
        since, runs = self._clock.monotonic(), 1
        if before is not None and (before.outcome, before.reason) == (outcome, reason):
            since, runs = before.since, before.runs + 1
        self._waits[key] = Wait(outcome, reason, message, since, runs)
