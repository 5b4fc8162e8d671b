"""How late the event loop is: the one figure that says that something blocks it.

In flows the clock; out flow a histogram and the worst of late. Everything but the renewal of the
Lease shares one thread: whatever computes for a second keeps watches, writes and probes waiting for
that second.
"""

from dataclasses import dataclass
from typing import Final

import structlog

from registry_operator.runtime.clock import Clock
from registry_operator.runtime.metrics import Metrics

_INTERVAL: Final = 0.5
_WORTH_A_LINE: Final = 1.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LagStats:
    """The latest and the worst lag, in seconds."""

    latest: float
    worst: float


class LagMonitor:
    """Sets itself a timer twice a second and sees how late it comes."""

    def __init__(self, *, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._histogram = metrics.loop_lag
        self._latest = 0.0
        self._worst = 0.0

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            due = self._clock.monotonic() + _INTERVAL
            await self._clock.sleep(_INTERVAL)
            self._latest = max(0.0, self._clock.monotonic() - due)
            self._worst = max(self._worst, self._latest)
            self._histogram.observe(self._latest)
            if self._latest >= _WORTH_A_LINE:
                log.warning("event loop was blocked", seconds=round(self._latest, 3))

    def stats(self) -> LagStats:
        """What was measured."""
        return LagStats(self._latest, self._worst)
