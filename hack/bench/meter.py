"""How long the event loop was busy without a break: every turn of it, not samples.

In flow the turns of an asyncio loop; out flows the longest of them. A turn is the time between two
looks at the sockets: as long as it lasts no timer, no watch and no probe is served, the collection
of garbage included. One clock reading a turn is all that it costs.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

_KEPT = 20


class Turns:
    """Remembers the longest turns; `longest` are their seconds, the worst first."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._began: float | None = None
        self.longest: list[float] = []

    def begin(self) -> None:
        """The loop has looked at its sockets and goes to work."""
        self._began = self._now()

    def end(self) -> None:
        """The loop is about to look at its sockets."""
        if self._began is None:
            return
        seconds = self._now() - self._began
        if len(self.longest) < _KEPT or seconds > self.longest[-1]:
            self.longest = sorted([*self.longest, seconds], reverse=True)[:_KEPT]


class MeteredSelector(selectors.BaseSelector):
    """The real selector, which tells `turns` when it is asked and when it answers."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Waits for sockets; the waiting is no part of a turn."""
        self._turns.end()
        ready = self._real.select(timeout)
        self._turns.begin()
        return ready

    def register(
        self, fileobj: FileDescriptorLike, events: int, data: Any = None
    ) -> selectors.SelectorKey:
        """As the real one."""
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        """As the real one."""
        return self._real.unregister(fileobj)

    def modify(
        self, fileobj: FileDescriptorLike, events: int, data: Any = None
    ) -> selectors.SelectorKey:
        """As the real one."""
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[FileDescriptorLike, selectors.SelectorKey]:
        """As the real one."""
        return self._real.get_map()

    def close(self) -> None:
        """As the real one."""
        self._real.close()


class MeteredPolicy(asyncio.DefaultEventLoopPolicy):
    """Makes loops whose turns are measured; for programs that make their loop themselves."""

    def __init__(self, turns: Turns) -> None:
        super().__init__()
        self._turns = turns

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """A loop that tells `turns`."""
        return asyncio.SelectorEventLoop(MeteredSelector(self._turns))
