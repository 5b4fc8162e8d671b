"""An event loop whose clock jumps: hours of back-off pass in microseconds, in the same order.

In flows a test; out flows its result, or `Deadlock` where nothing can ever happen again, with the
tasks that wait. Whenever no task can run, time moves straight to the next timer. Real sockets are
polled but never waited for while a timer is pending, so tests that talk to a real server belong on
a real loop.
"""

import asyncio
import selectors
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

_EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
# Threads and sockets have this long (real seconds) to wake a loop that has no timer left.
_PATIENCE: Final = 2.0
_HORIZON: Final = timedelta(days=30).total_seconds()


class Deadlock(RuntimeError):  # noqa: N818 - it names a state of the test, as Python's own StopIteration does
    """Nothing is left that could wake the loop, or time has run away."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """A selector loop that owns its time, from zero on; `horizon` (seconds) ends a runaway test."""

    def __init__(self, *, horizon: float = _HORIZON) -> None:
        self._now = 0.0
        self._horizon = horizon
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now

    def jump(self, seconds: float) -> None:
        """Let time pass at once, as in a stalled loop: due timers come late."""
        # Neat figures; what rounding takes away is less than the loop's own tolerance of 1 ns. But
        # who compares times himself waits for that rest too, so it must be possible to get there.
        target = self._now + seconds
        rounded = round(target, 9)
        self._now = rounded if rounded > self._now else target
        if self._now > self._horizon:
            raise Deadlock(f"no end in {self._horizon:.0f} virtual seconds: {self.waiting()}")

    def waiting(self) -> str:
        """The unfinished tasks and where each of them waits."""
        lines = []
        for task in asyncio.all_tasks(self):
            frames = task.get_stack(limit=1)
            place = f"{frames[-1].f_code.co_qualname}:{frames[-1].f_lineno}" if frames else "?"
            lines.append(f"{task.get_name()} at {place}")
        return ", ".join(sorted(lines)) or "no task"


class _JumpingSelector(selectors.BaseSelector):
    """Polls the real selector; instead of waiting, moves the loop's time."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(_PATIENCE if timeout is None else 0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:
            raise Deadlock(f"nothing can wake the loop: {self._loop.waiting()}")
        self._loop.jump(timeout)
        return ready

    def register(
        self, fileobj: "FileDescriptorLike", events: int, data: object = None
    ) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: "FileDescriptorLike") -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(
        self, fileobj: "FileDescriptorLike", events: int, data: object = None
    ) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping["FileDescriptorLike", selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualClock:
    """A `Clock` on the running loop; its time of day starts on a fixed day, and moves with it."""

    def __init__(self, epoch: datetime = _EPOCH) -> None:
        self._epoch = epoch

    def monotonic(self) -> float:
        """Seconds of the running loop."""
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        """The fixed day plus the loop's time."""
        return self._epoch + timedelta(seconds=self.monotonic())

    async def sleep(self, seconds: float) -> None:
        """Sleep on the running loop."""
        await asyncio.sleep(seconds)
