"""What the operator writes for one Registry, request by request.

In flows nothing; out flow the writes of the whole operator, as composed in production, before an
API server in memory: every child once and the last status. Sent to a real server by a client that
does nothing else, they are the floor that no operator of the same children can be under; with all
pods ready they are what a world at rest is made of (settled.py).
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from controllers.kinds import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    POD_DISRUPTION_BUDGET,
    REGISTRY,
    REPLICA_SET,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
)
from controllers.registry import assembly
from registry_operator.distribution.check import Check, Result, Verdict
from registry_operator.kube.client import Client
from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.operator import Address, Operator, Settings
from registry_operator.runtime.recorder import EVENTS
from registry_operator.settings import NAME
from registry_operator.testing.cluster_model import ClusterModel
from registry_operator.testing.fake_api import FakeApi
from registry_operator.testing.virtual_loop import VirtualClock, VirtualLoop

SPEC = {"image": "registry:3.1.2", "storage": {"emptyDir": {}}}
KINDS = (
    *(REGISTRY, DEPLOYMENT, REPLICA_SET, POD, POD_DISRUPTION_BUDGET, AUTOSCALER),
    *(SECRET, CONFIG_MAP, SERVICE, SERVICE_ACCOUNT, ENDPOINT_SLICE, PERSISTENT_VOLUME_CLAIM),
)
_HERE = Address("127.0.0.1", 0)
KEY = ObjectKey("the-recorded-namespace", "the-recorded-name")
_LONG_ENOUGH = 10.0  # virtual seconds


def a_registry(key: ObjectKey) -> dict[str, Any]:
    """The Registry that every benchmark makes."""
    return {
        "apiVersion": REGISTRY.api_version,
        "kind": REGISTRY.kind,
        "metadata": {"namespace": key.namespace, "name": key.name},
        "spec": SPEC,
    }


@dataclass(frozen=True, slots=True)
class Recording:
    """Writes in the order in which they were sent; `uid` is the recorded Registry's.

    `objects` is everything that was there at the end, as the server tells it.
    """

    writes: tuple[Request, ...]
    uid: str
    objects: tuple[tuple[Resource, Mapping[str, Any]], ...]

    @property
    def children(self) -> int:
        """How many objects are written besides the status."""
        return sum(not request.path.endswith("/status") for request in self.writes)

    def retold(self, *, namespace: str, name: str, uid: str) -> list[Request]:
        """The same writes for another Registry."""
        words = {KEY.namespace: namespace, KEY.name: name, self.uid: uid}
        return [_reworded(request, words) for request in self.writes]

    def export(self, file: Path) -> None:
        """Writes the children to a JSON file, for operators that share no code with ours."""
        children = [
            (request.path, (request.body or b"").decode())
            for request in self.writes
            if not request.path.endswith("/status")
        ]
        words = {"namespace": KEY.namespace, "name": KEY.name, "uid": self.uid}
        file.write_text(json.dumps({**words, "children": children}))


def record(*, ready: bool = False) -> Recording:
    """Runs the operator over one Registry without a cluster; its pods become `ready` or stay away.

    Takes no real time to speak of.
    """
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_record(ready=ready))


async def _record(*, ready: bool) -> Recording:
    clock = VirtualClock()
    api = FakeApi((*KINDS, EVENTS), clock=clock)
    uid: str = api.put(REGISTRY, a_registry(KEY))["metadata"]["uid"]
    cluster = ClusterModel(api)
    async with _Running(api, clock):
        await clock.sleep(_LONG_ENOUGH)
        if ready:
            controllers = asyncio.create_task(cluster.run())
            await clock.sleep(_LONG_ENOUGH)
            controllers.cancel()
    last = {
        request.path: _without_precondition(replace(request, fence=None))
        for request in api.writes()
        if "/events" not in request.path
    }

    objects = [(kind, body) for kind in KINDS for body in api.objects(kind)]

    return Recording(tuple(last.values()), uid, tuple(objects))


class _Running:
    """The operator at work until it is left."""

    def __init__(self, api: FakeApi, clock: VirtualClock) -> None:
        operator = Operator(
            Client(api),
            Settings(name=NAME, metrics=_HERE, probes=_HERE),
            clock=clock,
            rng=random.Random(1),
        )
        assembly.install(
            operator, namespace=None, asker=_ask, checker=_check, random_secret=lambda: "0" * 64
        )
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


async def _ask(address: str, path: str) -> bytes:
    raise TimeoutError(address, path)


async def _check(what: Check, *, nonce: bytes) -> Result:
    return Result(Verdict.UNREACHABLE, "/", f"nobody is at {what.host} for {nonce!r}", 0.0)


def _without_precondition(request: Request) -> Request:
    """First writes say that there must be nothing yet; who repeats them must not."""
    body = json.loads(request.body or b"{}")
    body["metadata"].pop("resourceVersion", None)

    return replace(request, body=json.dumps(body, separators=(",", ":")).encode())


def _reworded(request: Request, words: dict[str, str]) -> Request:
    path, body = request.path, (request.body or b"").decode()
    for word, other in words.items():
        path, body = path.replace(word, other), body.replace(word, other)

    return replace(request, path=path, body=body.encode())
