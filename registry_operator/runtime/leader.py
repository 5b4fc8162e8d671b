"""Leader election by a `Lease`: of several processes, at most one writes.

In flow the Lease as the API server has it, the monotonic clock, and signs of life of the work; out
flow the right to lead, and `fence()`, which every write asks.

    waiting --(Lease free, or unchanged for its whole time)--> leading --(work ends)--> released
                                                                  |
                                  (not renewed in time, or taken) +--> LeadershipLost

Why nobody writes after another may have begun: the right to write ends `renew` seconds after the
*start* of the last renewal that succeeded, while another process must have seen the Lease unchanged
for `lease` seconds after that renewal. `fence()` reads the clock at the moment of writing, so a
process that stalled and wakes up late finds its right gone before it sends anything; a write on its
way has `lease - renew` seconds to arrive. What comes later still is harmless by other means:
server-side apply is idempotent, deletions carry uid and resourceVersion, names are deterministic.
Times written in the Lease are never compared with a clock of ours: skew does not matter. A
suspended machine, whose monotonic clock stands still, is beyond this (as in client-go).

All of this happens in one loop, without a lock. That may be a loop of its own
(`elector_thread.py`): then another thread asks for no more than single attributes, and `fence()`
reads one float.
"""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from registry_operator.kube.client import Client
from registry_operator.kube.errors import KubeError
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.lease import JITTER, Election
from registry_operator.runtime.lease_lock import LeaseLock
from registry_operator.runtime.metrics import Metrics

log = structlog.get_logger(__name__)


class LeadershipLost(KubeError):  # noqa: N818 - the word of the trade; it ends the process, it is not a slip
    """This process may no longer write, and should end."""


@dataclass(frozen=True, slots=True)
class ElectorStats:
    """Who leads as far as we know; `valid_for` is in seconds, 0 when we do not lead."""

    is_leader: bool
    holder: str
    valid_for: float
    failures: int


class Elector:
    """One candidate. Uses a client of its own if renewals shall not queue behind other requests.

    `pulse` tells when the work last showed a sign of life (monotonic). Who runs in the loop of the
    work needs none: a renewal that takes place is one.
    """

    def __init__(  # noqa: PLR0913 - each collaborator is named once, where the operator is put together
        self,
        client: Client,
        election: Election,
        *,
        clock: Clock,
        rng: random.Random,
        metrics: Metrics,
        pulse: Callable[[], float] | None = None,
    ) -> None:
        self._election = election
        self._lock = LeaseLock(client, election, clock=clock)
        self._clock = clock
        self._rng = rng
        self._gauge = metrics.leader.labels(election.name)
        self._gauge.set(0)
        self._pulse = pulse or clock.monotonic
        self._leading = False
        self._leading_since = -math.inf
        self._valid_until = -math.inf
        self._silent = False
        self._failures = 0

    @property
    def is_leader(self) -> bool:
        """Whether this process may write now."""
        return self._clock.monotonic() < self._valid_until

    @property
    def lease_valid_until(self) -> float:
        """Until when it may write, on the monotonic clock."""
        return self._valid_until

    @property
    def handed_over(self) -> str:
        """See `LeaseLock.handed_over`."""
        return self._lock.handed_over

    def fence(self) -> None:
        """Return when writing is allowed now; to be called right before each write.

        Raises:
            LeadershipLost: another process may lead.
        """
        if not self.is_leader:
            raise LeadershipLost(f"{self._election.identity} may no longer write")

    def check(self) -> str | None:
        """Why this process should be restarted, for the liveness probe; None while all is well."""
        margin = self._election.lease - self._election.renew
        overdue = self._clock.monotonic() - self._valid_until
        if self._leading and overdue > margin:
            return f"still leading {overdue:.0f} s after the right to lead ended"
        return None

    def stats(self) -> ElectorStats:
        """Who leads as far as we know."""
        left = max(0.0, self._valid_until - self._clock.monotonic())
        return ElectorStats(self.is_leader, self._lock.holder, left, self._failures)

    def __repr__(self) -> str:
        return f"Elector({self._election.key}, {self.stats()})"

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Wait for the Lease, lead until `lead()` ends, and give the Lease back.

        Cancelled, it cancels `lead()`, keeps the Lease until that has ended, and releases it then.

        Raises:
            LeadershipLost: the Lease was lost; `lead()` was cancelled. The process should end, and
                does not release what is not surely its own.
        """
        try:
            await self._acquire()
            log.info("leading", lease=str(self._election.key), identity=self._election.identity)
            self._leading, self._leading_since = True, self._clock.monotonic()
            self._gauge.set(1)
            await self._lead(lead)
        except LeadershipLost:
            raise
        except BaseException:
            await self._release()
            raise
        else:
            await self._release()
        finally:
            self._leading = False
            self._gauge.set(0)

    async def _acquire(self) -> None:
        holder = ""
        # What was won in a try that stalled may be over already: then it is tried again.
        while not (await self._try() and self.is_leader):
            if self._lock.is_taken and self._lock.holder != holder:
                holder = self._lock.holder
                log.info("waiting for the lease", lease=str(self._election.key), holder=holder)
            pause = self._election.retry * (1.0 + self._rng.random() * JITTER)
            await self._clock.sleep(pause)

    async def _lead(self, lead: Callable[[], Awaitable[None]]) -> None:
        async def leading() -> None:
            await lead()

        work = asyncio.create_task(leading(), name="leading")
        renewal = asyncio.create_task(self._keep(), name="lease-renewal")
        try:
            await asyncio.wait({work, renewal}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            try:
                if not work.done():
                    work.cancel()
                    margin = self._election.lease - self._election.renew
                    await asyncio.wait({work}, timeout=margin if renewal.done() else None)
            finally:
                renewal.cancel()
                await asyncio.wait({renewal})
        lost = None if renewal.cancelled() else renewal.exception()
        if lost is not None:
            raise lost from (work.exception() if work.done() and not work.cancelled() else None)
        work.result()

    async def _keep(self) -> None:
        """Renew until cancelled, or raise LeadershipLost."""
        while True:
            left = self._valid_until - self._clock.monotonic()
            await self._clock.sleep(min(self._election.retry, left))
            self.fence()
            if self._is_exercised() and not await self._try() and self._lock.is_taken:
                self._valid_until = -math.inf
                self._gauge.set(0)
                raise LeadershipLost(f"{self._lock.holder or 'nobody'} holds the Lease now")

    def _is_exercised(self) -> bool:
        """Whether the work shows signs of life; told once when it stops to, and when it is back."""
        silence = self._clock.monotonic() - max(self._pulse(), self._leading_since)
        was_silent, self._silent = self._silent, silence > self._election.silence
        if self._silent and not was_silent:
            log.error("work shows no sign of life, lease is not renewed", seconds=round(silence, 3))
        elif was_silent and not self._silent:
            log.warning("work is back, lease is renewed again")
        return not self._silent

    async def _try(self) -> bool:
        """Try once to take or keep the Lease; trouble with the API server counts as a failure."""
        limit = max(1.0, self._election.renew / 2)
        if self._leading:
            limit = min(limit, self._valid_until - self._clock.monotonic())
        try:
            async with asyncio.timeout(limit):
                began = await self._lock.renew() if self._leading else None
                if began is None:
                    began = await self._lock.take()
        except (KubeError, TimeoutError) as error:
            self._failures += 1
            log.warning("lease request failed", error=str(error) or "no answer in time")
            return False
        if began is not None:
            self._valid_until = began + self._election.renew
        return began is not None

    async def _release(self) -> None:
        """Let others take over at once; they would have to wait for the Lease's end otherwise."""
        self._valid_until = -math.inf
        if not self._lock.may_be_ours:
            return
        try:
            async with asyncio.timeout(self._election.renew):
                while not await self._lock.give_back():
                    log.debug("lease changed while releasing it")
        except (KubeError, TimeoutError) as error:
            log.warning("lease not released", error=str(error) or "no answer in time")
