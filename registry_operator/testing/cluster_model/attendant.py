"""Somebody of the cluster who looks after objects a while after they changed, as long as he is up.

In flow changes, by `notice`; out flow steps, each for all that there is.
"""

import asyncio
import random
from abc import ABC, abstractmethod


class Attendant(ABC):
    """Runs until cancelled; while it `is_down` nothing happens."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.is_down = False
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Take a step a while after each change."""
        while True:
            await self._news.wait()
            await asyncio.sleep(self._rng.uniform(0.2, 2.0))
            if not self.is_down:
                self._news.clear()
                self.step()

    def notice(self) -> None:
        """Something has changed."""
        self._news.set()

    @abstractmethod
    def step(self) -> None:
        """Take one step for whatever there is."""
