"""How long to wait after a failure.

In flow failures; out flow seconds. `Exponential` counts per item and serves the workqueue,
`Jittered` has one memory and serves a loop that talks to the API server, where many clients failing
together must not return together.
"""

import random
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

from registry_operator.runtime.clock import Clock

K = TypeVar("K", bound=Hashable)

# 2.0 ** 1024 overflows a float, and no cap in use needs more doublings than this.
_MOST_DOUBLINGS: Final = 64


class Exponential(Generic[K]):
    """Per-item exponential back-off: `base` seconds doubled with each failure, at most `cap`.

    It begins at controller-runtime's 5 ms, and ends at five minutes where that has 1000 s: events
    run a failing item too, and each such run doubles its delay, so that an outage of half a minute
    would be waited out for a quarter of an hour. No bucket over all items: one failing owner must
    not slow the others.
    """

    def __init__(self, base: float = 0.005, cap: float = 300.0) -> None:
        self._base = base
        self._cap = cap
        self._failures: dict[K, int] = {}

    def delay(self, item: K) -> float:
        """Seconds to wait after one more failure of the item."""
        failures = self._failures.get(item, 0)
        self._failures[item] = failures + 1
        return float(min(self._cap, self._base * 2.0 ** min(failures, _MOST_DOUBLINGS)))

    def forget(self, item: K) -> None:
        """Start over with the item; harmless for one that never failed."""
        self._failures.pop(item, None)

    def failures(self, item: K) -> int:
        """Failures of the item since it was last forgotten."""
        return self._failures.get(item, 0)

    def __len__(self) -> int:
        """Items that have failed and were not forgotten."""
        return len(self._failures)

    def __repr__(self) -> str:
        return f"Exponential(base={self._base}, cap={self._cap}, failing={len(self)})"


class Jittered:
    """Back-off with memory of its own: doubles up to `cap`, up to doubled by jitter.

    Calm of `reset_after` seconds starts it over. The defaults are those of client-go's reflector.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        rng: random.Random,
        base: float = 0.8,
        cap: float = 30.0,
        reset_after: float = 120.0,
    ) -> None:
        self._clock = clock
        self._rng = rng
        self._base = base
        self._cap = cap
        self._reset_after = reset_after
        self._next = base
        self._asked_at: float | None = None

    def delay(self) -> float:
        """Seconds to wait after one more failure."""
        now = self._clock.monotonic()
        if self._asked_at is not None and now - self._asked_at > self._reset_after:
            self._next = self._base
        self._asked_at = now
        current = self._next
        self._next = min(self._cap, current * 2.0)
        return current * (1.0 + self._rng.random())

    def reset(self) -> None:
        """Start over at once."""
        self._next = self._base

    def __repr__(self) -> str:
        return f"Jittered(next={self._next}, cap={self._cap})"
