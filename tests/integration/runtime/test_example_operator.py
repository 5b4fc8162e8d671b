"""The second, tiny operator against a real control plane: API server, garbage collector and all."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from hack.cluster.cluster import Cluster
from registry_operator.kube import auth
from registry_operator.kube.client import Client
from registry_operator.kube.errors import NotFound
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.kube.transport import HttpTransport
from registry_operator.runtime.clock import SystemClock
from registry_operator.runtime.operator import Operator, Settings
from tests import example_operator
from tests.example_operator import CONFIG_MAP, GREETING
from tests.operator_stage import LOCAL

pytestmark = [pytest.mark.integration, pytest.mark.real_time]

CRD = Resource("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False)  # fmt: skip
KEY = ObjectKey("default", "hi")
_DEFINITION: dict[str, Any] = {
    "metadata": {"name": "greetings.example.org"},
    "spec": {
        "group": "example.org",
        "names": {"kind": "Greeting", "plural": "greetings", "listKind": "GreetingList", "singular": "greeting"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                },
            }
        ],
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def control_plane() -> Iterator[Cluster]:
    """With a controller manager: it collects what an owner leaves behind."""
    running = Cluster.up("example-operator-test", profile="control-plane", scheduler=False)
    try:
        yield running
    finally:
        running.down()


class Process:
    """A client, and operators on it, one after the other."""

    def __init__(self, client: Client) -> None:
        self.client = client

    @asynccontextmanager
    async def operator(self) -> AsyncIterator[Operator]:
        settings = Settings(name="example", metrics=LOCAL, probes=LOCAL)
        operator = Operator(self.client, settings, clock=SystemClock(), rng=random.Random(1))
        example_operator.install(operator)
        manager = operator.manager()
        run = asyncio.create_task(manager.run())
        try:
            yield operator
        finally:
            manager.stop()
            await run

    async def greet(self, *names: str) -> None:
        body = {"metadata": {"namespace": "default", "name": "hi"}, "spec": {"names": [*names]}}
        await self.client.apply(GREETING, body, field_manager="user")

    async def texts(self) -> dict[str, str]:
        listing = await self.client.list(CONFIG_MAP, namespace="default", label_selector=example_operator.LABEL)  # fmt: skip
        return {one.name: one.body()["data"]["text"] for one in listing.items}

    async def until(self, expected: dict[str, str], *, seconds: float = 30) -> None:
        """Waits for the children to be so."""
        async with asyncio.timeout(seconds):
            while await self.texts() != expected:  # noqa: ASYNC110 - seen from outside the operator
                await asyncio.sleep(0.1)

    async def versions(self) -> dict[str, str]:
        listing = await self.client.list(CONFIG_MAP, namespace="default", label_selector=example_operator.LABEL)  # fmt: skip
        return {one.name: one.resource_version for one in listing.items}


@asynccontextmanager
async def a_process(cluster: Cluster) -> AsyncIterator[Process]:
    credentials = await auth.load(kubeconfig=str(cluster.kubeconfig(None)), in_cluster=False)
    transport = HttpTransport(credentials, user_agent="tests")
    process = Process(Client(transport))
    await process.client.apply(CRD, _DEFINITION, field_manager="test")
    try:
        async with asyncio.timeout(30):
            while not await _is_served(process.client):  # noqa: ASYNC110 - the same
                await asyncio.sleep(0.1)
        yield process
    finally:
        await transport.close()
        await credentials.close()


async def _is_served(client: Client) -> bool:
    try:
        await client.list(GREETING)
    except NotFound:
        return False
    return True


async def test_it_converges_repairs_prunes_and_leaves_nothing_behind(
    control_plane: Cluster,
) -> None:
    async with a_process(control_plane) as process:
        async with process.operator():
            await process.greet("ann", "bob")
            await process.until({"hi-ann": "Hello, ann!", "hi-bob": "Hello, bob!"})

            child = ObjectKey("default", "hi-ann")
            await process.client.patch(CONFIG_MAP, child, {"data": {"text": "Bye"}}, kind="merge")
            await process.until({"hi-ann": "Hello, ann!", "hi-bob": "Hello, bob!"})
            labels = {"metadata": {"labels": {example_operator.LABEL: None}}}
            await process.client.patch(CONFIG_MAP, child, labels, kind="merge")
            await process.until({"hi-ann": "Hello, ann!", "hi-bob": "Hello, bob!"})
            await process.client.delete(CONFIG_MAP, child)
            await process.until({"hi-ann": "Hello, ann!", "hi-bob": "Hello, bob!"})

            await process.greet("bob", "cyd")
            await process.until({"hi-bob": "Hello, bob!", "hi-cyd": "Hello, cyd!"})

        before = await process.versions()
        async with process.operator() as operator:
            await operator.cache.wait_synced(30)
            await asyncio.sleep(2)
        assert await process.versions() == before

        async with process.operator():
            await process.client.delete(GREETING, KEY)
            # The collector looks for new kinds every 30 s only.
            await process.until({}, seconds=120)
