"""What the operator writes for one Registry, request by request.

In flows nothing; out flow the writes of the whole operator, as composed in production, before an
API server in memory: every child once and the last status. Sent to a real server by a client that
does nothing else, they are the floor that no operator of the same children can be under.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from controllers.kinds import (
    DEPLOYMENT,
    ENDPOINT_SLICE,
    POD,
    REGISTRY,
    REPLICA_SET,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
)
from controllers.registry import assembly
from registry_operator.kube.client import Client
from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.operator import Address, Operator, Settings
from registry_operator.runtime.recorder import EVENTS
from registry_operator.settings import NAME
from registry_operator.testing.fake_api import FakeApi
from registry_operator.testing.virtual_loop import VirtualClock, VirtualLoop

SPEC = {"image": "registry:3.1.2", "storage": {"emptyDir": {}}}
_KINDS = (
    *(REGISTRY, DEPLOYMENT, REPLICA_SET, POD),
    *(SECRET, SERVICE, SERVICE_ACCOUNT, ENDPOINT_SLICE, EVENTS),
)
_HERE = Address("127.0.0.1", 0)
_KEY = ObjectKey("the-recorded-namespace", "the-recorded-name")
_LONG_ENOUGH = 10.0  # virtual seconds


@dataclass(frozen=True, slots=True)
class Recording:
    """Writes in the order in which they were sent; `uid` is the recorded Registry's."""

    writes: tuple[Request, ...]
    uid: str

    @property
    def children(self) -> int:
        """How many objects are written besides the status."""
        return sum(not request.path.endswith("/status") for request in self.writes)

    def retold(self, *, namespace: str, name: str, uid: str) -> list[Request]:
        """The same writes for another Registry."""
        words = {_KEY.namespace: namespace, _KEY.name: name, self.uid: uid}
        return [_reworded(request, words) for request in self.writes]


def record() -> Recording:
    """Runs the operator over one Registry without a cluster. Takes no real time to speak of."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_record())


async def _record() -> Recording:
    clock = VirtualClock()
    api = FakeApi(_KINDS, clock=clock)
    uid: str = api.put(
        REGISTRY,
        {
            "apiVersion": REGISTRY.api_version,
            "kind": REGISTRY.kind,
            "metadata": {"namespace": _KEY.namespace, "name": _KEY.name},
            "spec": SPEC,
        },
    )["metadata"]["uid"]
    async with _Running(api, clock):
        await clock.sleep(_LONG_ENOUGH)
    last = {
        request.path: replace(request, fence=None)
        for request in api.writes()
        if "/events" not in request.path
    }

    return Recording(tuple(last.values()), uid)


class _Running:
    """The operator at work until it is left."""

    def __init__(self, api: FakeApi, clock: VirtualClock) -> None:
        operator = Operator(
            Client(api),
            Settings(name=NAME, metrics=_HERE, probes=_HERE),
            clock=clock,
            rng=random.Random(1),
        )
        assembly.install(operator, namespace=None, asker=_ask, random_secret=lambda: "0" * 64)
        self._manager = operator.manager()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._manager.run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._manager.stop()
        await self._task


async def _ask(address: str) -> bytes:
    raise TimeoutError(address)


def _reworded(request: Request, words: dict[str, str]) -> Request:
    path, body = request.path, (request.body or b"").decode()
    for word, other in words.items():
        path, body = path.replace(word, other), body.replace(word, other)

    return replace(request, path=path, body=body.encode())
