"""Whether clients of new pods are served worse than those of the pods that served before.

In: looks at the counters of the pods of both kinds, one after the other (live_traffic.py). Out: a
`Record` of what was counted since the first of them, and from it a `Worse`, or None. Pure.

New pods are held against what the old ones answered between the same two looks, and to the same
kind of request: a store that is down makes both bad, also when there are few old pods left, and
a repository that is broken is asked for by pulls, not by pushes. They are held against all that the
old ones answered before too, as a client that fails again and again may have come from them.

Why by these figures: docs/adr/0021-clients-of-new-pods-are-held-against-those-of-old.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from registry_operator.distribution.traffic import (
    SLOW_SECONDS,
    Count,
    Kind,
    Traffic,
    since,
    total,
)

REASON = "ClientsServedWorse"
# At either side, of one kind: fewer say nothing.
_ENOUGH = 20
# What is counted reaches back so far; half of it is forgotten then.
_LONG = 1000


@dataclass(frozen=True, slots=True)
class _Bound:
    """More than chance: at least so many, so much more often, as a share and as a multiple."""

    least: int
    more: float
    times: float

    def is_passed(self, seen: float, expected: float, answered: float) -> bool:
        if seen < self.least:
            return False
        return seen - expected >= self.more * answered and seen >= self.times * expected


_FAILED = _Bound(least=10, more=0.1, times=3.0)
_SLOW = _Bound(least=20, more=0.5, times=5.0)


@dataclass(frozen=True, slots=True)
class Look:
    """What the pods that could be asked have counted since they began, by uid.

    The old ones were asked after the new ones: whatever befell both is in their counters.
    """

    new: Mapping[str, Traffic]
    old: Mapping[str, Traffic]

    @property
    def says_something(self) -> bool:
        """Whether both sides could be asked."""
        return bool(self.new) and bool(self.old)


@dataclass(frozen=True, slots=True)
class Tally:
    """Requests of one kind, of looks in which both sides answered some.

    `failed_expected` and `slow_expected`: how many there would have been, had the new pods answered
    as the old ones did between the same looks.
    """

    answered: float = 0
    by_old: float = 0
    failed: float = 0
    failed_expected: float = 0
    slow: float = 0
    slow_expected: float = 0

    def plus(self, new: Count, old: Count) -> "Tally":
        """With one look more."""
        if not new.answered or not old.answered:
            return self
        times = new.answered / old.answered
        counted = Tally(
            self.answered + new.answered,
            self.by_old + old.answered,
            self.failed + new.failed,
            self.failed_expected + old.failed * times,
            self.slow + new.slow,
            self.slow_expected + old.slow * times,
        )
        is_long = min(counted.answered, counted.by_old) > _LONG
        return counted.halved() if is_long else counted

    def halved(self) -> "Tally":
        """The same in each respect, and soon outweighed by what comes."""
        return Tally(
            self.answered / 2,
            self.by_old / 2,
            self.failed / 2,
            self.failed_expected / 2,
            self.slow / 2,
            self.slow_expected / 2,
        )


@dataclass(frozen=True, slots=True)
class Worse:
    """Of which kind of request, how many, and how many are usual (shares of all)."""

    kind: Kind
    answered: int
    seen: int
    usual: float
    what: str

    @property
    def message(self) -> str:
        """For the user, with the figures and what to do."""
        handler, method = self.kind
        share = self.seen / self.answered
        return (
            f"of {self.answered} requests {method.upper()} {handler} of clients {self.seen} "
            f"({share:.0%}) {self.what} by the new pods, and {self.usual:.0%} by those that served "
            "before, at the same time. See what the change means for them (image, configuration, "
            "keys of the store); if it is meant, set spec.upgrade.compareTraffic to false"
        )


@dataclass(frozen=True, slots=True)
class Record:
    """What was counted while pods of both kinds served.

    Attributes:
        last: the last look that says something.
        tallies: by kind of request, since the first look.
        before: all that the old pods of the last look have answered since they began.
    """

    last: Look | None = None
    tallies: Mapping[Kind, Tally] = field(default_factory=dict)
    before: Traffic = field(default_factory=dict)

    def plus(self, look: Look) -> "Record":
        """With one look more. A pod's first look is what its next one is held against."""
        if not look.says_something:
            return self
        now = replace(self, last=look, before=total(look.old.values()))
        if self.last is None:
            return now
        new = _increase(look.new, self.last.new)
        old = _increase(look.old, self.last.old)
        both = new.keys() & old.keys()
        counted = {
            kind: self.tallies.get(kind, Tally()).plus(new[kind], old[kind]) for kind in both
        }
        return replace(now, tallies={**self.tallies, **counted})

    def worse(self) -> Worse | None:
        """What the new pods do worse, the first of it by name; None while nobody can say so."""
        for kind in sorted(self.tallies):
            found = _judge(kind, self.tallies[kind], self.before.get(kind, Count()))
            if found is not None:
                return found
        return None


def _increase(now: Mapping[str, Traffic], before: Mapping[str, Traffic]) -> Traffic:
    return total(since(counted, before[pod]) for pod, counted in now.items() if pod in before)


def _judge(kind: Kind, tally: Tally, before: Count) -> Worse | None:
    if min(tally.answered, tally.by_old) < _ENOUGH:
        return None
    often = tally.answered / max(before.answered, 1)
    failed = max(tally.failed_expected, before.failed * often)
    slow = max(tally.slow_expected, before.slow * often)
    for bound, seen, usual, what in (
        (_FAILED, tally.failed, failed, "were answered with 5xx"),
        (_SLOW, tally.slow, slow, f"were answered after more than {SLOW_SECONDS:g} s"),
    ):
        if bound.is_passed(seen, usual, tally.answered):
            return Worse(kind, round(tally.answered), round(seen), usual / tally.answered, what)
    return None
