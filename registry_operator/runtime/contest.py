"""Somebody else changes our field again each time we repair it: slow down, and say so.

In: every repair of a child, with the time. Out: how long to wait before the next one. Without this
two controllers that both insist would write as fast as the server answers.
"""

from collections.abc import Hashable
from dataclasses import dataclass

# More than a person changes by hand one after the other; two programs are there in a second.
_FREE_REPAIRS = 8
_QUIET_SECONDS = 420.0
_LONGEST_WAIT = 300.0


@dataclass(slots=True)
class _History:
    repairs: int
    last: float


class Contest:
    """Counts the repairs of each child; a quiet period forgives, and forgets the child."""

    def __init__(self) -> None:
        self._histories: dict[Hashable, _History] = {}

    def wait(self, child: Hashable, *, now: float) -> float:
        """Seconds to wait before this child may be repaired again; 0 for now."""
        history = self._histories.get(child)
        if history is None or history.repairs < _FREE_REPAIRS:
            return 0.0
        exponent = min(history.repairs - _FREE_REPAIRS, 10)
        due = history.last + min(2.0**exponent, _LONGEST_WAIT)
        return max(0.0, due - now)

    def repaired(self, child: Hashable, *, now: float) -> None:
        """Notes a repair."""
        history = self._histories.get(child)
        if history is None or self._is_quiet(history, now):
            self._clean(now)
            self._histories[child] = _History(1, now)
            return
        history.repairs += 1
        history.last = now

    def __len__(self) -> int:
        return len(self._histories)

    def _clean(self, now: float) -> None:
        quiet = [child for child, one in self._histories.items() if self._is_quiet(one, now)]
        for child in quiet:
            del self._histories[child]

    def _is_quiet(self, history: _History, now: float) -> bool:
        return now - history.last > _QUIET_SECONDS
