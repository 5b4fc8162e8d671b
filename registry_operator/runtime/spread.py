"""Keys that are woken one after another, so that what concerns thousands does not come at once.

In flow keys, as many as there are; out flow calls of `wake`, the first few at once and the rest at
a bounded rate. A key that is asked for again while it waits keeps its place; one that was woken
already is woken again. Memory only: whoever starts anew wakes everything anyway.
"""

from asyncio import Event
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class SpreadStats:
    """How many keys wait, and how many were woken so far."""

    waiting: int
    woken: int


class Spread:
    """A token bucket of keys: `burst` at once, then `rate` a second."""

    def __init__(
        self, wake: Callable[[ObjectKey], None], *, clock: Clock, rate: float, burst: int
    ) -> None:
        self._wake = wake
        self._clock = clock
        self._rate = rate
        self._burst = float(burst)
        self._tokens = float(burst)
        self._counted_at: float | None = None
        self._waiting: dict[ObjectKey, None] = {}
        self._woken = 0
        self._news = Event()

    def add(self, keys: Iterable[ObjectKey]) -> None:
        """Have these keys woken, in this order, after those that wait already."""
        for key in keys:
            self._waiting.setdefault(key)
        if self._waiting:
            self._news.set()

    def stats(self) -> SpreadStats:
        """How many keys wait, and how many were woken so far."""
        return SpreadStats(len(self._waiting), self._woken)

    async def run(self) -> None:
        """Wake what was added, until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                self._wake_some()
                if self._waiting:
                    await self._clock.sleep(1.0 / self._rate)

    def _wake_some(self) -> None:
        now = self._clock.monotonic()
        if self._counted_at is not None:
            earned = (now - self._counted_at) * self._rate
            self._tokens = min(self._burst, self._tokens + earned)
        self._counted_at = now
        while self._waiting and self._tokens >= 1.0:
            self._tokens -= 1.0
            key = next(iter(self._waiting))
            del self._waiting[key]
            self._woken += 1
            self._wake(key)
