"""An elector in a thread of its own, so that what blocks the loop of the work costs no Lease.

In flow an elector's parts and a connection that nobody else uses; out flows the same as an
`Elector`'s, to the loop of the work. What is added to it:

    thread of the elector              thread of the work
    renewal ──"are you there?"──────▶  stamps the time, when its loop comes to it
    renewal ◀─the last stamp─────────
    lead() ─────────────────────────▶  the controllers
    loss ───cancels─────────────────▶  the controllers; `lost` is told, whoever is blocked
                                       each write reads `fence()`: one float and the clock

A thread alone would go on claiming a leadership that nobody exercises: without a fresh stamp the
elector renews no more (`Election.silence`). SIGSTOP stops all threads, and so do the few calls that
hold Python's interpreter lock; there the Lease is lost, and the fence refuses upon waking.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

from registry_operator.kube.client import Client
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.leader import Elector, ElectorStats, LeadershipLost
from registry_operator.runtime.lease import Election
from registry_operator.runtime.loop_thread import LoopThread, run_on
from registry_operator.runtime.metrics import Metrics


class ElectorThread:
    """Runs an elector, with its `client`, in a loop and a thread of its own.

    `close` lets go of the client's connections, in that loop. `lost` is called in that thread when
    the Lease was lost and the work had its time to end: the place to make sure that the process
    ends even if the loop of the work never comes to itself again.
    """

    def __init__(  # noqa: PLR0913 - each collaborator is named once, where the operator is put together
        self,
        client: Client,
        election: Election,
        *,
        close: Callable[[], Awaitable[None]],
        lost: Callable[[], None],
        clock: Clock,
        rng: random.Random,
        metrics: Metrics,
    ) -> None:
        self._elector = Elector(
            client, election, clock=clock, rng=rng, metrics=metrics, pulse=self._pulse
        )
        self._close = close
        self._lost = lost
        self._clock = clock
        self._home: asyncio.AbstractEventLoop | None = None
        self._alive_at = 0.0

    @property
    def handed_over(self) -> str:
        """See `LeaseLock.handed_over`."""
        return self._elector.handed_over

    def fence(self) -> None:
        """See `Elector.fence`; from any thread that runs a loop. Raises LeadershipLost."""
        self._elector.fence()

    def check(self) -> str | None:
        """See `Elector.check`."""
        return self._elector.check()

    def stats(self) -> ElectorStats:
        """See `Elector.stats`."""
        return self._elector.stats()

    def __repr__(self) -> str:
        return f"ElectorThread({self._elector!r})"

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """See `Elector.run`; `lead()` runs in the loop that calls this.

        Raises:
            LeadershipLost: the Lease was lost; `lead()` was cancelled.
        """
        home = self._home = asyncio.get_running_loop()

        async def campaign() -> None:
            try:
                await self._elector.run(lambda: run_on(home, lead))
            except LeadershipLost:
                self._lost()
                raise
            finally:
                await self._close()

        async with LoopThread("leader-election") as thread:
            await thread.run(campaign)

    def _pulse(self) -> float:
        """When the loop of the work answered last; asks it again."""
        assert self._home is not None
        self._home.call_soon_threadsafe(self._stamp)
        return self._alive_at

    def _stamp(self) -> None:
        self._alive_at = self._clock.monotonic()
