"""Leader election by a `Lease`: of several processes, at most one writes.

In flow the Lease as the API server has it and the monotonic clock; out flow the right to lead, and
`fence()`, which every write asks.

    waiting --(Lease free, or unchanged for its whole time)--> leading --(work ends)--> released
                                                                  |
                                  (not renewed in time, or taken) +--> LeadershipLost

Why nobody writes after another may have begun, without a thread for renewals: the right to write
ends `renew` seconds after the *start* of the last renewal that succeeded, while another process
must have seen the Lease unchanged for `lease` seconds after that renewal. `fence()` reads the clock
at the moment of writing, so a process that stalled and wakes up late finds its right gone before it
sends anything; a write on its way has `lease - renew` seconds to arrive. What comes later still is
harmless by other means: server-side apply is idempotent, deletions carry uid and resourceVersion,
names are deterministic. Times written in the Lease are never compared with a clock of ours: skew
does not matter. A suspended machine, whose monotonic clock stands still, is beyond this (as in
client-go).
"""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog

from registry_operator.kube.client import Client
from registry_operator.kube.errors import ApiError, Conflict, KubeError, NotFound
from registry_operator.kube.object import Object
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.lease import (
    JITTER,
    LEASES,
    Election,
    claim,
    holder_of,
    release,
    runs_out,
)
from registry_operator.runtime.metrics import Metrics

log = structlog.get_logger(__name__)


class LeadershipLost(Exception):  # noqa: N818 - the word of the trade; it ends the process, it is not a slip
    """This process may no longer write, and should end."""


@dataclass(frozen=True, slots=True)
class ElectorStats:
    """Who leads as far as we know; `valid_for` is in seconds, 0 when we do not lead."""

    is_leader: bool
    holder: str
    valid_for: float
    failures: int


@dataclass(frozen=True, slots=True)
class _Seen:
    """The Lease as it was last read or written, and when it last changed (monotonic)."""

    body: dict[str, Any]
    at: float

    @property
    def spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = self.body.get("spec") or {}
        return spec


class Elector:
    """One candidate. Uses a client of its own if renewals shall not queue behind other requests."""

    def __init__(
        self,
        client: Client,
        election: Election,
        *,
        clock: Clock,
        rng: random.Random,
        metrics: Metrics,
    ) -> None:
        self._client = client
        self._election = election
        self._clock = clock
        self._rng = rng
        self._gauge = metrics.leader.labels(election.name)
        self._gauge.set(0)
        self._seen: _Seen | None = None
        self._leading = False
        self._valid_until = -math.inf
        self._failures = 0

    @property
    def is_leader(self) -> bool:
        """Whether this process may write now."""
        return self._clock.monotonic() < self._valid_until

    @property
    def lease_valid_until(self) -> float:
        """Until when it may write, on the monotonic clock."""
        return self._valid_until

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
        holder = holder_of(self._seen.spec) if self._seen else ""
        return ElectorStats(self.is_leader, holder, left, self._failures)

    def __repr__(self) -> str:
        return f"Elector({self._election.key}, {self.stats()})"

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Wait for the Lease, lead until `lead()` ends, and give the Lease back.

        Cancelled, it cancels `lead()`, keeps the Lease until that has ended, and releases it then.

        Raises:
            LeadershipLost: the Lease was lost; `lead()` was cancelled. The process should end, and
                does not release what is not surely its own.
        """
        await self._acquire()
        log.info("leading", lease=str(self._election.key), identity=self._election.identity)
        self._leading = True
        self._gauge.set(1)
        try:
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
        while not await self._try():
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
            if not await self._try() and self._taken():
                self._valid_until = -math.inf
                self._gauge.set(0)
                raise LeadershipLost(f"{self.stats().holder or 'nobody'} holds the Lease now")

    def _taken(self) -> bool:
        return self._seen is not None and holder_of(self._seen.spec) != self._election.identity

    async def _try(self) -> bool:
        """Try once to take or keep the Lease; trouble with the API server counts as a failure."""
        began = self._clock.monotonic()
        limit = max(1.0, self._election.renew / 2)
        if self._leading:
            limit = min(limit, self._valid_until - began)
        try:
            async with asyncio.timeout(limit):
                held = await self._renew_unseen() or await self._claim()
        except (KubeError, TimeoutError) as error:
            self._failures += 1
            log.warning("lease request failed", error=str(error) or "no answer in time")
            return False
        if held:
            self._valid_until = began + self._election.renew
        return held

    async def _renew_unseen(self) -> bool:
        """Renew without reading first; the resourceVersion we know guards against a stranger."""
        if not self._leading or self._seen is None or self._taken():
            return False
        try:
            await self._write(self._seen, claim(self._seen.spec, self._election, self._clock.now()))
        except ApiError as error:
            log.debug("lease has to be read anew", error=str(error))
            return False
        return True

    async def _claim(self) -> bool:
        try:
            current = self._saw(await self._client.get(LEASES, self._election.key))
        except NotFound:
            await self._create()
            return True
        held_by_other = holder_of(current.spec) not in {"", self._election.identity}
        if held_by_other and self._clock.monotonic() < runs_out(current.spec, current.at):
            return False
        await self._write(current, claim(current.spec, self._election, self._clock.now()))
        return True

    async def _create(self) -> None:
        body = {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {"name": self._election.name, "namespace": self._election.namespace},
            "spec": claim({}, self._election, self._clock.now()),
        }
        self._saw(await self._client.create(LEASES, body))

    async def _write(self, seen: _Seen, spec: dict[str, Any]) -> None:
        self._saw(await self._client.update(LEASES, {**seen.body, "spec": spec}))

    def _saw(self, lease: Object) -> _Seen:
        body = lease.body()
        at = self._clock.monotonic()
        if self._seen is not None and self._seen.spec == (body.get("spec") or {}):
            at = self._seen.at
        self._seen = _Seen(body, at)
        return self._seen

    async def _release(self) -> None:
        """Let others take over at once; they would have to wait for the Lease's end otherwise."""
        self._valid_until = -math.inf
        try:
            async with asyncio.timeout(self._election.renew):
                while not await self._released():
                    log.debug("lease changed while releasing it")
        except (KubeError, TimeoutError) as error:
            log.warning("lease not released", error=str(error) or "no answer in time")

    async def _released(self) -> bool:
        current = self._saw(await self._client.get(LEASES, self._election.key))
        if self._taken():
            return True
        try:
            await self._write(current, release(current.spec, self._clock.now()))
        except Conflict:
            return False
        log.info("lease released", lease=str(self._election.key))
        return True
