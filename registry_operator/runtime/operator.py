"""Composes the parts of an operator: the same few lines for every operator, written once.

In: a client and settings, then declarations (kinds to watch, owned kinds, reconcile functions).
Out: one `Manager` that runs them all. The domain says what to watch and what to do; how a write is
fenced, measured, told and retried is settled here.
"""

import random
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import Self, TypeVar

from prometheus_client import CollectorRegistry

from registry_operator.kube.client import Client
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.applier import Applier
from registry_operator.runtime.cache import Cache, Collector
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.controller import Controller, Reconcile
from registry_operator.runtime.debug import DebugServer
from registry_operator.runtime.elector_thread import ElectorThread
from registry_operator.runtime.http import Health, HttpServer
from registry_operator.runtime.inspector import About, Inspector
from registry_operator.runtime.intent import Body
from registry_operator.runtime.lag import LagMonitor
from registry_operator.runtime.leader import Elector
from registry_operator.runtime.lease import Election
from registry_operator.runtime.manager import Manager, Parts, Runnable
from registry_operator.runtime.metrics import Metrics
from registry_operator.runtime.notices import Notices
from registry_operator.runtime.outcomes import Outcomes
from registry_operator.runtime.owned import OwnedReconciler
from registry_operator.runtime.owned_kind import Inputs, OwnedKind, generation_of, unannounced
from registry_operator.runtime.ownership import Identity
from registry_operator.runtime.recorder import Recorder
from registry_operator.runtime.store import Store
from registry_operator.runtime.workqueue import WorkQueue

I = TypeVar("I", bound=Inputs)  # noqa: E741 - the snapshot's type


@dataclass(frozen=True)
class Address:
    """Where to listen; an empty host is every interface, port 0 a free one."""

    host: str = ""
    port: int = 0


@dataclass(frozen=True)
class Settings:
    """How an operator runs.

    Attributes:
        name: prefix of field managers, and component of events.
        metrics: where scrapers come; None: nowhere.
        probes: where the kubelet comes; None: nowhere.
        debug: where `/debug/state` is, on loopback; None: nowhere.
        election: None where no other process can be running.
        workers: concurrent reconciles of each controller.
        slow: seconds that a reconcile may take before it is told; None: half of its time limit.
        grace: seconds that reconciles in progress may take to end.
        about: what the state says of this operator, besides what it does; no secrets.
    """

    name: str
    metrics: Address | None = field(default_factory=Address)
    probes: Address | None = field(default_factory=Address)
    debug: Address | None = None
    election: Election | None = None
    workers: int = 4
    slow: float | None = None
    grace: float = 30.0
    about: About = field(default_factory=About)


@dataclass(frozen=True)
class _Servers:
    """Servers that live and die together: for scrapers, for the kubelet, for debugging."""

    servers: Sequence[HttpServer | DebugServer]
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as starting:
            for server in self.servers:
                await starting.enter_async_context(server)
            self.stack.push_async_exit(starting.pop_all())
        return self

    async def __aexit__(self, *reason: object) -> None:
        await self.stack.aclose()


class Operator:
    """Takes declarations, then makes the manager.

    Without an `elector`, `settings.election` is stood for in the loop of the work.
    """

    def __init__(  # noqa: PLR0913 - each collaborator is named once, where the operator is put together
        self,
        client: Client,
        settings: Settings,
        *,
        clock: Clock,
        rng: random.Random,
        metrics: Metrics | None = None,
        collector: Collector | None = None,
        elector: Elector | ElectorThread | None = None,
    ) -> None:
        self.client = client.fenced(self._fence)
        self.settings = settings
        self.clock = clock
        self.rng = rng
        self.metrics = metrics or Metrics(CollectorRegistry())
        self.cache = Cache(client, clock=clock, rng=rng, metrics=self.metrics, collector=collector)
        self.outcomes = Outcomes()
        self.recorder = Recorder(
            self.client, component=settings.name, clock=clock, rng=rng, metrics=self.metrics
        )
        self._notices = Notices(self.recorder, clock=clock)
        self._elector = elector or self._make_elector(client)
        self._controllers: list[Controller] = []
        lag = LagMonitor(clock=clock, metrics=self.metrics)
        self._helpers: list[Runnable] = [lag, self._notices]
        self._parts: dict[str, Callable[[], object]] = {}
        self.inspector = self._make_inspector()
        self.describe("event loop", lag.stats)
        self.describe("outcomes", self.outcomes.stats)
        self.describe("events", self.recorder.stats)

    @property
    def controllers(self) -> Sequence[Controller]:
        """All controllers that were declared so far."""
        return tuple(self._controllers)

    def _fence(self) -> None:
        """Raises LeadershipLost when another process may lead."""
        if self._elector is not None:
            self._elector.fence()

    def field_manager(self, reconciler: str) -> str:
        """The one field manager of a reconciler."""
        return f"{self.settings.name}/{reconciler}"

    def applier(self, reconciler: str) -> Applier:
        """What a reconciler writes children with: all that is written is told to the owner."""
        return Applier(
            self.client,
            field_manager=self.field_manager(reconciler),
            observer=self._tell,
        )

    def controller(self, name: str, reconcile: Reconcile) -> Controller:
        """A controller with a queue of its own."""
        queue: WorkQueue[ObjectKey] = WorkQueue(name, clock=self.clock, metrics=self.metrics)
        controller = Controller(
            name,
            reconcile,
            queue=queue,
            clock=self.clock,
            metrics=self.metrics,
            workers=self.settings.workers,
            slow=self.settings.slow,
        )
        self._controllers.append(controller)
        return controller

    def owned(  # noqa: PLR0913 - each part of a reconciler is named once, where it is composed
        self,
        kind: OwnedKind[I],
        *,
        identity: Identity,
        store: Store,
        gather: Callable[[ObjectKey], I | None],
        basis: Callable[[I], Hashable] = generation_of,
        announced: Callable[[I, Sequence[Body]], AbstractContextManager[None]] = unannounced,
    ) -> Controller:
        """The controller of one owned kind, named as the kind's declaration.

        `basis` and `announced`: see OwnedReconciler.
        """
        reconciler = OwnedReconciler(
            kind,
            identity=identity,
            store=store,
            gather=gather,
            applier=self.applier(kind.name),
            outcomes=self.outcomes,
            clock=self.clock,
            basis=basis,
            announced=announced,
        )
        return self.controller(kind.name, reconciler.reconcile)

    def run_beside(self, helper: Runnable) -> None:
        """Runs a helper as long as the operator runs."""
        self._helpers.append(helper)

    def describe(self, part: str, stats: Callable[[], object]) -> None:
        """Has the state tell the part's stats: a dataclass or mapping of plain values."""
        self._parts[part] = stats

    def manager(self) -> Manager:
        """Everything declared so far, ready to run once."""
        health = Health()
        served = ((self.settings.metrics, Health()), (self.settings.probes, health))
        servers: list[HttpServer | DebugServer] = [
            HttpServer(self.metrics.registry, answers, host=address.host, port=address.port)
            for address, answers in served
            if address is not None
        ]
        if self.settings.debug is not None:
            host, port = self.settings.debug.host, self.settings.debug.port
            servers.append(DebugServer(self.inspector, host=host, port=port))
        parts = Parts(
            controllers=self._controllers,
            caches=[self.cache],
            helpers=self._helpers,
            recorder=self.recorder,
            elector=self._elector,
            server=_Servers(servers),
            health=health,
        )
        return Manager(parts, grace=self.settings.grace)

    def _make_inspector(self) -> Inspector:
        return Inspector(
            self.settings.about,
            clock=self.clock,
            controllers=self._controllers,
            cache=self.cache,
            elector=self._elector,
            election=self.settings.election,
            parts=self._parts,
        )

    def _make_elector(self, client: Client) -> Elector | None:
        if self.settings.election is None:
            return None
        return Elector(
            client,
            self.settings.election,
            clock=self.clock,
            rng=self.rng,
            metrics=self.metrics,
        )

    def _tell(self, owner: Object, action: str, store: Store, name: str) -> None:
        self._notices.note(owner, action, f"{store.resource.kind} {name}")
