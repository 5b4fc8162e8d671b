"""The one door to time: everything that waits or stamps gets a `Clock` handed in.

In flows nothing but the running event loop; out flow seconds of a clock that never goes back, and
the time of day. Monotonic time and sleeping come from the loop itself, so that a loop which owns
its time (`registry_operator.testing.virtual_loop`) rules every wait of the operator.
"""

import asyncio
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What waiting and stamping need."""

    def monotonic(self) -> float:
        """Seconds since some fixed point; never goes back."""
        ...

    def now(self) -> datetime:
        """The time of day, aware, in UTC; for people and for objects, never for measuring."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds; zero or less gives other tasks one turn."""
        ...


class SystemClock:
    """The clock of the running event loop and the wall clock of the machine."""

    def monotonic(self) -> float:
        """Seconds of the running loop; raises RuntimeError outside of one."""
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        """The machine's time of day."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Sleep on the running loop."""
        await asyncio.sleep(seconds)


def micro_time(moment: datetime) -> str:
    """How meta/v1 MicroTime is written: `2026-11-23T06:41:53.000001Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def whole_time(moment: datetime) -> str:
    """How meta/v1 Time is written, which knows no fractions: `2026-11-23T06:41:53Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
