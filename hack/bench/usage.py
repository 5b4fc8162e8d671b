"""What a process has used, as the kernel counts it (proc(5)): CPU seconds and resident memory."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.error import ClusterError

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_STEP_SECONDS = 0.02
_IDLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Usage:
    """`cpu` in seconds since the process started, `resident` in bytes now."""

    cpu: float
    resident: int


def of(pid: int) -> Usage:
    """The usage of a live process. Raises OSError when there is none."""
    # The second field is the program's name and may hold anything, brackets included.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system, resident = fields[11], fields[12], fields[21]

    return Usage((int(user) + int(system)) / _TICKS, int(resident) * _PAGE)


class Work:
    """When a process was last at work, told from its CPU seconds over time; see `seen`.

    At work means a tenth of a core or more for `window` seconds: timers, renewals of a Lease and
    scrapes are none.
    """

    def __init__(self, window: float = 0.3, share: float = 0.1) -> None:
        self._window = window
        self._least = window * share
        self._samples: deque[tuple[float, float]] = deque()
        self.last = 0.0

    def seen(self, at: float, cpu: float) -> None:
        """At the time `at` the process had used so much; times must grow."""
        grown = not self._samples or cpu > self._samples[-1][1]
        self._samples.append((at, cpu))
        while self._samples[0][0] < at - self._window:
            self._samples.popleft()
        if grown and cpu - self._samples[0][1] >= self._least:
            self.last = at


def until_done(
    pid: int, is_done: Callable[[], bool], *, patience: float = 600.0
) -> tuple[float, float]:
    """Seconds from now until a process ended its work, and the CPU seconds of its life by then.

    It is asked whether it `is_done` only when it seems to rest, as the question costs it time.
    Raises ClusterError when that never is, OSError when it ended.
    """
    began, work = time.monotonic(), Work()
    while (passed := time.monotonic() - began) < patience:
        used = of(pid).cpu
        work.seen(passed, used)
        if passed - work.last > _IDLE_SECONDS and is_done():
            return work.last, used

        time.sleep(_STEP_SECONDS)

    raise ClusterError("operator", f"not at rest after {patience:.0f} s")
