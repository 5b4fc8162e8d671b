"""Candidates for one Lease before a fake API server."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

from prometheus_client import CollectorRegistry

from registry_operator.kube.client import Client
from registry_operator.kube.errors import TransportError
from registry_operator.kube.exchange import Request, Response, Transport
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.leader import Elector
from registry_operator.runtime.lease import LEASES, Election
from registry_operator.runtime.metrics import Metrics
from registry_operator.testing.fake_api import FakeApi
from registry_operator.testing.virtual_loop import VirtualClock

KEY = ObjectKey("system", "operator")
DOWN = TransportError("connection refused", sent=False)


class ElectionStage:
    """Candidates before one API server."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.api = FakeApi([LEASES], clock=clock)
        self.metrics = Metrics(CollectorRegistry())

    def elector(
        self,
        identity: str,
        transport: Transport | None = None,
        *,
        pulse: Callable[[], float] | None = None,
    ) -> Elector:
        return Elector(
            Client(transport or self.api),
            Election(identity, KEY.namespace, KEY.name),
            clock=self.clock,
            rng=random.Random(identity),
            metrics=self.metrics,
            pulse=pulse,
        )

    def lease(self) -> dict[str, Any]:
        body = self.api.get(LEASES, KEY)
        assert body is not None
        return body

    @property
    def holder(self) -> str:
        holder: str = self.lease()["spec"]["holderIdentity"]
        return holder

    def held_by(self, identity: str, *, seconds: int = 15, **spec: Any) -> None:
        self.api.put(
            LEASES,
            {
                "metadata": {"name": KEY.name, "namespace": KEY.namespace, "labels": {"a": "b"}},
                "spec": {
                    "holderIdentity": identity,
                    "leaseDurationSeconds": seconds,
                    "leaseTransitions": 4,
                    **spec,
                },
            },
        )

    @property
    def gauge(self) -> float | None:
        return self.metrics.registry.get_sample_value(
            "leader_election_master_status", {"name": KEY.name}
        )


class View:
    """The same API server as seen by a process that can still reach it."""

    def __init__(self, api: FakeApi) -> None:
        self._api = api
        self.is_asking = False
        self.stream = api.stream
        self.close = api.close

    async def send(self, request: Request) -> Response:
        self.is_asking = True
        try:
            return await self._api.send(request)
        finally:
            self.is_asking = False


async def for_ever() -> None:
    await asyncio.Event().wait()


def for_seconds(clock: VirtualClock, seconds: float) -> Callable[[], Awaitable[None]]:
    return lambda: clock.sleep(seconds)


def writes(request: Request) -> bool:
    return request.method == "PUT"


def anything(_request: Request) -> bool:
    return True
