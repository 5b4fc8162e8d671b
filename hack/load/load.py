"""A steady load on a registry: journeys begin when they are due, whatever became of earlier ones.

In flow an address and a rate; out flows a `Report`. The schedule is an open loop: a registry that
stalls meets as many clients as before, and what they wait is counted from when they were due. A
journey's first request is due by the schedule, each further one once the last was answered. At most
`most` journeys are under way at once; how late others begin then is in the report. Half of the
journeys use connections that are kept, each of a few clients its own; the others have a new one for
each request. So both are met when a pod ends: connections that it closes, and an address at which
nobody listens any more.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from hack.load.address import Address
from hack.load.client import Client
from hack.load.content import Author
from hack.load.failure import RequestError
from hack.load.journeys import Journey, Journeys
from hack.load.tally import Count, Report, Tally
from hack.load.wire import Login, Patience, Wire

_KEEPING = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much load: `rate` requests a second for at most `seconds`; layers of `size` bytes.

    Raises ValueError beyond what a test may do to a machine.
    """

    rate: float = 60.0
    seconds: float = 900.0
    seed: int = 1
    size: int = 4096
    most: int = 200
    patience: Patience = field(default_factory=Patience)

    def __post_init__(self) -> None:
        if not 0 < self.rate <= 1000:
            raise ValueError("a rate is more than 0 and at most 1000 requests a second")
        if not 0 < self.seconds <= 3600:
            raise ValueError("a load lasts more than 0 and at most 3600 seconds")
        if not 1000 <= self.size <= 10_000_000:
            raise ValueError("layers have 1000 to 10,000,000 bytes")


class Load:
    """Load on `address` from `async with` until its end, or until `plan.seconds` are over.

    What the first pulls need is pushed before it begins; entering raises RequestError when that
    fails.
    """

    def __init__(
        self,
        address: Address,
        plan: Plan,
        *,
        login: Login | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = address
        self._plan = plan
        self._login = login
        self._clock = clock
        self._rng = random.Random(plan.seed)
        # Which journeys begin, and by which connections, must not depend on how long requests take.
        self._order = random.Random(plan.seed)
        self._journeys = Journeys(Author(self._rng, plan.size), self._rng, order=self._order)
        self._stack = AsyncExitStack()
        self._places = asyncio.Semaphore(plan.most)
        self._ending = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._began = self._clock()
        self._tally = Tally(self._began)
        try:
            self._kept = [await self._wire(kept=True) for _ in range(_KEEPING)]
            self._new = await self._wire(kept=False)
            await self._journeys.prepare(Client(self._new))
        except BaseException:
            await self._stack.aclose()
            raise
        self._running = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """What is under way comes to its end; each request has one (`Patience`)."""
        self._ending.set()
        try:
            await self._running
        finally:
            await self._stack.aclose()

    async def over(self) -> None:
        """Returns once `plan.seconds` are over. Raises what ended the load before."""
        await asyncio.shield(self._running)

    @property
    def count(self) -> Count:
        """How many requests ended so far: cheap, and for any thread to ask."""
        return self._tally.count

    def report(self) -> Report:
        """What became of the load so far."""
        return self._tally.report(self._clock())

    async def _run(self) -> None:
        begin = due = self._clock()
        async with asyncio.TaskGroup() as journeys:
            for journey in self._journeys.endless():
                if due - begin >= self._plan.seconds or await self._ends_before(due):
                    return
                await self._places.acquire()
                self._tally.journey(late=self._clock() - due)
                wire = self._order.choice([self._new, self._order.choice(self._kept)])
                journeys.create_task(self._go(journey, Client(wire, due=due)))
                due += journey.requests / self._plan.rate

    async def _ends_before(self, due: float) -> bool:
        """Whether the load is told to end before that moment, which is waited for."""
        try:
            await asyncio.wait_for(self._ending.wait(), max(0.0, due - self._clock()))
        except TimeoutError:
            return False
        return True

    async def _go(self, journey: Journey, client: Client) -> None:
        try:
            # What failed is in the tally already (wire.py); the next journey begins in its time.
            with suppress(RequestError):
                await journey.act(client)
        finally:
            self._places.release()

    async def _wire(self, *, kept: bool) -> Wire:
        wire = Wire(
            self._address.url,
            self._tally,
            clock=self._clock,
            kept=kept,
            patience=self._plan.patience,
            login=self._login,
        )
        return await self._stack.enter_async_context(wire)
