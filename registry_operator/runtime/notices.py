"""What was written for an owner, told in one Event instead of one for each child.

In flow single writes, as they are made; out flows to the recorder one Event for an owner and an
action, once nothing more came for five seconds: `created ServiceAccount images, Secret images, …`.
Why so: an Event costs the API server as much as a child does, and five Events that say that five
children were made in the same moment say no more than one.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from registry_operator.kube.object import Object
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.correlator import Reference
from registry_operator.runtime.recorder import Recorder

_QUIET_SECONDS: Final = 5.0
# More do not fit into the 1 kB of a note.
_MOST: Final = 20


@dataclass(slots=True)
class _Gathered:
    last: float
    # A dictionary as an ordered set.
    children: dict[str, None] = field(default_factory=dict)


class Notices:
    """Gathers and tells; what is still gathered is told before the recorder writes its last."""

    def __init__(self, recorder: Recorder, *, clock: Clock) -> None:
        self._recorder = recorder
        self._clock = clock
        self._gathered: OrderedDict[tuple[Reference, str], _Gathered] = OrderedDict()
        self._work = asyncio.Event()
        recorder.before_flush(self.tell_all)

    def __len__(self) -> int:
        return len(self._gathered)

    def note(self, owner: Object, action: str, child: str) -> None:
        """An action (`Created`) was done to a child (`Service images`) of the owner."""
        key = (Reference.of(owner), action)
        gathered = self._gathered.setdefault(key, _Gathered(0.0))
        gathered.last = self._clock.monotonic()
        gathered.children[child] = None
        self._gathered.move_to_end(key)
        if len(gathered.children) >= _MOST:
            self._tell(key)
        self._work.set()

    async def run(self) -> None:
        """Tell what is complete, until cancelled."""
        while True:
            await self._work.wait()
            self._work.clear()
            await self._tell_complete()

    def tell_all(self) -> None:
        """Tell what is gathered by now, complete or not."""
        for key in list(self._gathered):
            self._tell(key)

    async def _tell_complete(self) -> None:
        while self._gathered:
            key, oldest = next(iter(self._gathered.items()))
            left = oldest.last + _QUIET_SECONDS - self._clock.monotonic()
            if left > 0:
                await self._clock.sleep(left)
            else:
                self._tell(key)

    def _tell(self, key: tuple[Reference, str]) -> None:
        owner, action = key
        children = ", ".join(self._gathered.pop(key).children)
        self._recorder.event(owner, "Normal", action, f"{action.lower()} {children}")
