"""Says where the event loop stands still, while it does.

In flow beats of the loop; out flows, for each stall, one line with the stack of the loop's thread,
and a count. The loop cannot tell what blocks it, and afterwards the place is gone: a thread looks.

    loop     beat  beat  beat ──────── blocked ────────────────────── beat
    thread     look  look  look  look  look: "event loop is blocked"  look

How long it took in the end is told by `lag.py`, in the loop. A look that comes late itself says
nothing about the loop: the machine or the process was suspended, or an extension holds the
interpreter. It starts the wait anew, and does not blame whoever happens to run.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from registry_operator.runtime.metrics import Metrics
from registry_operator.runtime.stacks import thread_stack

# Beats and looks within the time that a loop may be silent.
_LOOKS: Final = 8

log = structlog.get_logger(__name__)


class Pulse:
    """Decides whether the loop stands still. All times are in seconds of one monotonic clock."""

    def __init__(self, threshold: float, *, now: float) -> None:
        self.interval = threshold / _LOOKS
        self._threshold = threshold
        self._beat = now
        self._looked = now
        self._told = False

    def beat(self, now: float) -> None:
        """The loop is alive."""
        self._beat = now
        self._told = False

    def look(self, now: float) -> float | None:
        """The seconds of silence, at the first look that finds them too long; else None."""
        late = now - self._looked > self._threshold / 2
        self._looked = now
        if late:
            self._beat = max(self._beat, now)
        silence = now - self._beat
        if self._told or silence < self._threshold:
            return None
        self._told = True
        return silence


@dataclass(frozen=True, slots=True)
class WatchdogStats:
    """How often the loop stood still for longer than `threshold` seconds."""

    threshold: float
    stalls: int


class Watchdog:
    """Watches the loop that `run` runs on; `threshold` is the silence in seconds that is too long.

    `monotonic` is read by two threads.
    """

    def __init__(
        self,
        *,
        metrics: Metrics,
        threshold: float = 2.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stalled = metrics.loop_stalls
        self._threshold = threshold
        self._monotonic = monotonic
        self._stalls = 0

    async def run(self) -> None:
        """Beat, and have the thread look, until cancelled."""
        pulse = Pulse(self._threshold, now=self._monotonic())
        end = threading.Event()
        looks = threading.Thread(
            target=self._look,
            args=(pulse, end, threading.get_ident()),
            name="watchdog",
            daemon=True,
        )
        looks.start()
        try:
            while True:
                await asyncio.sleep(pulse.interval)
                pulse.beat(self._monotonic())
        finally:
            end.set()

    def stats(self) -> WatchdogStats:
        """What was seen so far."""
        return WatchdogStats(self._threshold, self._stalls)

    def _look(self, pulse: Pulse, end: threading.Event, loop_thread: int) -> None:
        while not end.wait(pulse.interval):
            silence = pulse.look(self._monotonic())
            if silence is None:
                continue
            self._stalls += 1
            self._stalled.inc()
            stack = thread_stack(loop_thread)
            log.error("event loop is blocked", seconds=round(silence, 3), stack=stack)
