"""The parts of an operator, which tell a diary when they start and stop."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from prometheus_client import CollectorRegistry

from registry_operator.kube.client import Client
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.controller import Controller
from registry_operator.runtime.http import Health
from registry_operator.runtime.leader import Elector
from registry_operator.runtime.lease import LEASES, Election
from registry_operator.runtime.manager import Manager, Parts
from registry_operator.runtime.metrics import Metrics
from registry_operator.runtime.outcome import Done, Outcome
from registry_operator.runtime.recorder import EVENTS, Recorder
from registry_operator.runtime.workqueue import WorkQueue
from registry_operator.testing.fake_api import FakeApi
from registry_operator.testing.virtual_loop import VirtualClock

KEY = ObjectKey("team-a", "images")


class BrokenError(Exception):
    pass


class Part:
    """Tells the diary when it starts and stops; may fail after a while."""

    def __init__(self, stage: "Stage", name: str, *, fails_at: float | None = None) -> None:
        self._stage = stage
        self._name = name
        self._fails_at = fails_at

    async def run(self) -> None:
        self._stage.diary.append(f"{self._name} starts")
        try:
            if self._fails_at is None:
                await asyncio.Event().wait()
            await self._stage.clock.sleep(self._fails_at or 0)
            raise BrokenError(self._name)
        finally:
            self._stage.diary.append(f"{self._name} stops")


class Cache(Part):
    """A cache that is synced after a while."""

    def __init__(self, stage: "Stage", *, syncs_in: float = 1, **options: Any) -> None:
        super().__init__(stage, "cache", **options)
        self._syncs_in = syncs_in
        self._synced = False

    async def wait_synced(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        async with asyncio.timeout(timeout):
            await self._stage.clock.sleep(self._syncs_in)
        self._synced = True

    async def catch_up(self, resource_version: str, timeout: float | None = None) -> None:  # noqa: ASYNC109
        self._stage.diary.append(f"cache passes {resource_version}")

    def pending(self) -> list[str]:
        return [] if self._synced else ["secrets"]


class Stage:
    """The parts of an operator whose one reconciler takes five seconds."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.diary: list[str] = []
        self.api = FakeApi([LEASES, EVENTS], clock=clock)
        self.metrics = Metrics(CollectorRegistry())
        self.health = Health()
        self.takes = 5.0
        self.when_cut_off: Callable[[], None] = lambda: None
        self.queue: WorkQueue[ObjectKey] = WorkQueue("images", clock=clock)
        self.controller = Controller(
            "images", self._reconcile, queue=self.queue, clock=clock, metrics=self.metrics
        )
        self.elector = Elector(
            Client(self.api),
            Election("a", "system", "operator"),
            clock=clock,
            rng=random.Random(1),
            metrics=self.metrics,
        )
        self.recorder = Recorder(
            Client(self.api).fenced(self.elector.fence),
            component="operator",
            clock=clock,
            rng=random.Random(2),
            metrics=self.metrics,
        )

    async def _reconcile(self, _key: ObjectKey) -> Outcome:
        self.diary.append("reconcile starts")
        try:
            await self.clock.sleep(self.takes)
        except asyncio.CancelledError:
            self.when_cut_off()
            raise
        finally:
            self.diary.append("reconcile stops")
        return Done()

    @asynccontextmanager
    async def server(self) -> AsyncIterator[None]:
        self.diary.append("server starts")
        try:
            yield
        finally:
            self.diary.append(f"server stops, lease of {self.holder!r}")

    @property
    def holder(self) -> str:
        lease = self.api.get(LEASES, ObjectKey("system", "operator"))
        return "" if lease is None else lease["spec"]["holderIdentity"]

    def hand_over(self, identity: str) -> None:
        """As if another had taken the Lease."""
        lease = self.api.get(LEASES, ObjectKey("system", "operator"))
        assert lease is not None
        lease["spec"]["holderIdentity"] = identity
        self.api.put(LEASES, lease)

    def manager(self, *, grace: float = 30, **parts: Any) -> Manager:
        given: dict[str, Any] = {
            "controllers": [self.controller],
            "caches": [Cache(self)],
            "helpers": [Part(self, "helper")],
            "elector": self.elector,
            "server": self.server(),
            "recorder": self.recorder,
            "health": self.health,
        }
        return Manager(Parts(**(given | parts)), grace=grace)
