"""A place where an operator runs: started, and started again a while after each of its ends.

In flow the network and a seed; out flow processes, one after the other, each with a whole operator
as production composes it: caches, Lease, workers, recorder, all controllers. Only the servers for
scrapers and the kubelet are left out, and pods are asked in memory.
"""

import asyncio
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from controllers.registry import assembly
from controllers.registry.checking import Checker
from controllers.template import assembly as template
from registry_operator.kube.client import Client
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.cache import NotSyncedError
from registry_operator.runtime.controller import Controller, Reconcile
from registry_operator.runtime.leader import LeadershipLost
from registry_operator.runtime.lease import Election
from registry_operator.runtime.manager import Manager, Runnable, StopError
from registry_operator.runtime.operator import Operator, Settings
from registry_operator.testing.simulation.network import Network
from registry_operator.testing.simulation.process import Process
from registry_operator.testing.virtual_loop import VirtualClock
from tests.simulation.laws.turns import Turns

NAMESPACE = "operator-system"
LEASE = ObjectKey(NAMESPACE, "registry-operator")
HTTP_SECRET = "do-not-tell-http"
_RESTART_SECONDS = (0.5, 4.0)
_NO_ANSWER = ("(ConnectionFailed: ", "(Timeout: ")


class SkewedClock(VirtualClock):
    """A clock whose time of day can be wrong, and jump; monotonic time is as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.skew = timedelta()

    def now(self) -> datetime:
        return super().now() + self.skew


class NoCollector:
    """Python's garbage collector belongs to the test run, not to one of its operators."""

    def rest(self) -> None:
        return

    def resume(self) -> None:
        return


class WatchedOperator(Operator):
    """An operator whose reconciles are counted in and out."""

    turns: Turns
    helpers: list[Runnable]

    def controller(self, name: str, reconcile: Reconcile) -> Controller:
        return super().controller(name, self.turns.around(name, reconcile))

    def run_beside(self, helper: Runnable) -> None:
        self.helpers.append(helper)
        super().run_beside(helper)


class Candidate:
    """Runs operators of one `role`; `checker` tries pods."""

    def __init__(
        self,
        role: str,
        network: Network,
        *,
        seed: int,
        turns: Turns,
        note: Callable[[str], None],
        checker: Checker,
    ) -> None:
        self.role = role
        self.clock = SkewedClock()
        self.process: Process | None = None
        self.operator: WatchedOperator | None = None
        self.manager: Manager | None = None
        self._network = network
        self._rng = random.Random(f"{seed}/{role}")
        self._turns = turns
        self._note = note
        self._checker = checker
        self._buried: list[Process] = []
        self._count = 0
        self._gone = asyncio.Event()

    async def run(self) -> None:
        """Run one process after the other until cancelled."""
        while True:
            self._count += 1
            process = Process(self.role, self._count)
            self.process = process
            self._gone.clear()
            process.on_death(self._gone.set)
            task = process.start(self._live(process), name=f"operator {process.name}")
            gone = asyncio.create_task(self._gone.wait())
            try:
                await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                gone.cancel()
            if process.is_dead:
                self._buried.append(process)
                self._note(f"{process.name} was killed after {process.steps} steps")
            else:
                self._note(f"{process.name} ended: {_ending(task)}")
            self.operator = self.manager = None
            await asyncio.sleep(self._rng.uniform(*_RESTART_SECONDS))

    def stop(self) -> None:
        """End the process that runs, in order."""
        if self.manager is not None:
            self.manager.stop()

    async def bury(self) -> None:
        """End everything that is left of its processes."""
        for process in [*self._buried, *([self.process] if self.process else ())]:
            await process.bury()

    def leads(self) -> bool:
        """Whether its process is there and holds the right to write."""
        return self.manager is not None and self.manager.stats().is_leading

    async def _live(self, process: Process) -> None:
        rng = random.Random(f"{self._rng.random()}")
        election = Election(identity=process.name, namespace=NAMESPACE, name=LEASE.name)
        settings = Settings(name="registry-operator", metrics=None, probes=None, election=election)
        client = Client(self._network.link(process))
        operator = WatchedOperator(
            client, settings, clock=self.clock, rng=rng, collector=NoCollector()
        )
        operator.turns = self._turns
        operator.helpers = []
        assembly.install(
            operator,
            namespace=None,
            asker=_silent,
            checker=self._checker,
            random_secret=lambda: HTTP_SECRET,
        )
        template.install(operator)
        self.operator, self.manager = operator, operator.manager()
        await self.manager.run()


def _ending(task: "asyncio.Task[None]") -> str:
    if task.cancelled():
        return "cancelled"
    error = task.exception()
    if error is None:
        return "stopped"
    # Whatever else it is, it is no end that an operator may come to by itself. Whoever is told twice
    # to stop, or gets no answer for as long as its grace, cuts its work off.
    if not isinstance(error, (LeadershipLost, StopError)) and not _was_out_of_reach(error):
        raise error
    return f"{type(error).__name__}: {error}"


def _was_out_of_reach(error: BaseException) -> bool:
    """Whether it could not read what it needs in the time of a start, as no answer came.

    Who waits ever longer between two tries may miss the moments when the network was there.
    """
    return isinstance(error, NotSyncedError) and any(why in str(error) for why in _NO_ANSWER)


async def _silent(address: str, path: str) -> bytes:
    raise TimeoutError(address, path)
