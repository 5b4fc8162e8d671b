"""The board on which every reconciler leaves what became of its last run, per owner.

In: (owner, reconciler, outcome, basis that the decision was made on). Out: all outcomes of an
owner, and a call to the subscribers when one of them changed. The status reconciler reads it; it is
memory only, and complete again after a restart once every reconciler has run once.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

import msgspec

from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.outcome import Outcome


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """An outcome and the basis that it belongs to.

    The basis is the owner's generation or, where other objects have a say in what is wanted, that
    and theirs: who sums outcomes up waits until all are of the same.
    """

    outcome: Outcome
    basis: Hashable


@dataclass(frozen=True, slots=True)
class OutcomesStats:
    """How many owners and outcomes the board holds."""

    owners: int
    outcomes: int


class Outcomes:
    """The last outcome of each reconciler for each owner. Not thread-safe; one event loop."""

    def __init__(self) -> None:
        self._board: dict[ObjectKey, dict[str, Recorded]] = {}
        self._subscribers: list[Callable[[ObjectKey], None]] = []

    def subscribe(self, handler: Callable[[ObjectKey], None]) -> None:
        """Calls the handler with the owner's key whenever one of its outcomes changed."""
        self._subscribers.append(handler)

    def record(self, key: ObjectKey, reconciler: str, recorded: Recorded) -> None:
        """Replaces the reconciler's outcome for the owner."""
        mine = self._board.setdefault(key, {})
        if mine.get(reconciler) == recorded:
            return
        mine[reconciler] = recorded
        for handler in self._subscribers:
            handler(key)

    def forget(self, key: ObjectKey) -> None:
        """Drops everything about an owner that is gone."""
        self._board.pop(key, None)

    def of(self, key: ObjectKey) -> Mapping[str, Recorded]:
        """The outcomes of one owner by reconciler; empty for an unknown owner."""
        return dict(self._board.get(key, {}))

    def stats(self) -> OutcomesStats:
        """Counts for metrics and tests."""
        return OutcomesStats(len(self._board), sum(len(mine) for mine in self._board.values()))
