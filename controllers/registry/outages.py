"""When clients were not served, and how much of the time they were.

In: turns for the worse and the better, with their times. Out: a bounded list of outages, and the
part of the last hour, day and month that was none. Times of outages are kept, not counts of checks,
as they say nothing new while nothing changes: so they can be kept in a status that is written only
when something does (ADR 0017). Time in which nobody looked counts as what was seen before it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from math import floor
from types import MappingProxyType
from typing import Final

from registry_operator.api.health_check import MOST_OUTAGES

MONTH: Final = timedelta(days=30)
WINDOWS: Final[Mapping[str, timedelta]] = MappingProxyType(
    {"hour": timedelta(hours=1), "day": timedelta(days=1), "month": MONTH}
)


@dataclass(frozen=True, slots=True)
class Outage:
    """From when to when; None: it lasts."""

    begun: datetime
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class History:
    """The outages since it is looked, oldest first; none is older than a month."""

    since: datetime
    outages: tuple[Outage, ...] = ()

    @property
    def is_down(self) -> bool:
        """Whether an outage lasts."""
        return bool(self.outages) and self.outages[-1].ended is None

    def turned(self, *, down: bool, now: datetime) -> "History":
        """The history with what is so now."""
        kept = tuple(o for o in self.outages if o.ended is None or o.ended > now - MONTH)
        if down and not self.is_down:
            kept = _few((*kept, Outage(now)))
        elif not down and self.is_down:
            kept = (*kept[:-1], replace(kept[-1], ended=now))
        return replace(self, outages=kept)

    def availability(self, window: timedelta, now: datetime) -> float:
        """Percent of the window, or of what of it was looked at, that was no outage."""
        begin = max(self.since, now - window)
        if now <= begin:
            return 0.0 if self.is_down else 100.0
        lost = sum(
            (max(timedelta(), (o.ended or now) - max(o.begun, begin)) for o in self.outages),
            timedelta(),
        )
        return 100.0 * (1.0 - lost / (now - begin))


def percent(availability: float) -> str:
    """As it is told: never rounded up to what it isn't."""
    return f"{floor(availability * 100) / 100:g}"


def _few(outages: tuple[Outage, ...]) -> tuple[Outage, ...]:
    """No more than can be kept: the two with the least between them become one.

    So the figures err by the least, and never to the better.
    """
    if len(outages) <= MOST_OUTAGES:
        return outages
    gaps = [after.begun - (before.ended or after.begun) for before, after in pairwise(outages)]
    at = gaps.index(min(gaps))
    joined = Outage(outages[at].begun, outages[at + 1].ended)
    return (*outages[:at], joined, *outages[at + 2 :])
