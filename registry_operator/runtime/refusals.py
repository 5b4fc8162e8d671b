"""Writes that were refused, remembered so that the same one is not tried again at once.

In: a refusal with the digest of what was refused. Out: how long to wait before trying that again.
Events keep waking a reconciler whose write a quota or a policy refuses; without this each of them
would be one more refused write.
"""

from collections.abc import Hashable
from dataclasses import dataclass

from msgspec.structs import replace

from registry_operator.runtime.outcome import After


@dataclass(frozen=True, slots=True)
class _Refusal:
    intent: str
    until: float
    outcome: After


class Refusals:
    """The last refusal of each child. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._refusals: dict[Hashable, _Refusal] = {}

    def standing(self, child: Hashable, intent: str, *, now: float) -> After | None:
        """The refusal of this very intent, with the seconds that are left; None: try now."""
        refusal = self._refusals.get(child)
        if refusal is None or refusal.intent != intent or refusal.until <= now:
            return None
        return replace(refusal.outcome, delay=refusal.until - now)

    def note(self, child: Hashable, intent: str, outcome: After, *, now: float) -> None:
        """Remembers a refusal for as long as its outcome says; drops what has expired."""
        standing = {held: one for held, one in self._refusals.items() if one.until > now}
        self._refusals = {**standing, child: _Refusal(intent, now + outcome.delay, outcome)}

    def __len__(self) -> int:
        return len(self._refusals)

    def forget(self, child: Hashable) -> None:
        """Drops a child that is gone, or written."""
        self._refusals.pop(child, None)
