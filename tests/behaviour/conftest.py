"""One suite, two servers: the real API server and the one in memory must keep the same promises.

Each test is one sentence about the API and runs twice: before the fake in virtual time with the
unit tests, before a real kube-apiserver with the integration tests. Where the two differ the real
one is right, and the fake is mended.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from hack.cluster.cluster import Cluster
from registry_operator.kube.auth import load
from registry_operator.kube.client import Client
from registry_operator.kube.credentials import Credentials
from registry_operator.kube.errors import KubeError
from registry_operator.kube.resource import Resource
from registry_operator.kube.transport import HttpTransport
from registry_operator.testing.fake_api import FakeApi
from registry_operator.testing.virtual_loop import VirtualClock, VirtualLoop
from tests.behaviour.bodies import (
    BUILT_IN,
    DEFINITIONS,
    GADGET_DEFINITION,
    GADGETS,
    NAMESPACES,
    WIDGET_DEFINITION,
    WIDGETS,
)
from tests.behaviour.levers import COMPACTION_SECONDS, CONTROLLERS, FakeLevers, RealLevers
from tests.behaviour.server import Server, eventually

_GOOD_BYE_SECONDS = 0.02
# The loop that a test runs on says which server it is about.
_LOOPS = {"fake": VirtualLoop, "real": asyncio.SelectorEventLoop}


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return _LOOPS


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents and _is_real(item):
            item.add_marker("integration")


def _is_real(item: pytest.Item) -> bool:
    assert isinstance(item, pytest.Function)
    return _LOOPS["real"] in item.callspec.params.values()


@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    """A control plane whose controllers are halted where a test does not ask for them."""
    running = Cluster.up(
        "behaviour-test",
        profile="control-plane",
        scheduler=False,
        apiserver_args=[f"--etcd-compaction-interval={COMPACTION_SECONDS}s"],
    )
    running.pause(CONTROLLERS)
    try:
        yield running
    finally:
        running.resume(CONTROLLERS)
        running.down()


@pytest.fixture(scope="package")
def administrator(cluster: Cluster) -> Credentials:
    """Credentials that may do anything, on a server that serves the suite's own kinds."""
    credentials = asyncio.run(load(kubeconfig=str(cluster.kubeconfig()), in_cluster=False))
    asyncio.run(_define(credentials))
    return credentials


@pytest.fixture
def credentials(request: pytest.FixtureRequest) -> Credentials | None:
    """Credentials of the real server; None for the fake one."""
    found: Credentials | None = None
    if _is_real(request.node):
        found = request.getfixturevalue("administrator")
    return found


@pytest.fixture
async def server(
    request: pytest.FixtureRequest, credentials: Credentials | None
) -> AsyncIterator[Server]:
    """Either server, with a namespace of the test's own."""
    name = request.node.name.partition("[")[0].replace("_", "-").removeprefix("test-")
    namespace = name[:50].rstrip("-")
    if credentials is None:
        yield _fake(namespace)
        return
    cluster = request.getfixturevalue("cluster")
    async with _connected(credentials) as transport:
        # A parametrized test comes here several times.
        metadata = {"generateName": f"{namespace}-"}
        made = await Client(transport).create(NAMESPACES, {"metadata": metadata})
        yield Server(transport, made.name, RealLevers(cluster, Client(transport)))


@pytest.fixture
def controllers(request: pytest.FixtureRequest, credentials: Credentials | None) -> Iterator[None]:
    """Let the real server's controllers work; those of the fake always do."""
    if credentials is None:
        yield
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    cluster.resume(CONTROLLERS)
    try:
        yield
    finally:
        cluster.pause(CONTROLLERS)


def _fake(namespace: str) -> Server:
    kinds = (*BUILT_IN, WIDGET_DEFINITION, GADGET_DEFINITION)
    api = FakeApi(kinds, clock=VirtualClock())
    api.put(NAMESPACES, {"metadata": {"name": namespace}})
    return Server(api, namespace, FakeLevers(api))


@asynccontextmanager
async def _connected(credentials: Credentials) -> AsyncIterator[HttpTransport]:
    transport = HttpTransport(credentials, user_agent="tests")
    try:
        yield transport
    finally:
        await transport.close()
        # A stream that was left closes its connection in its own time: TLS says good-bye.
        await asyncio.sleep(_GOOD_BYE_SECONDS)


async def _define(credentials: Credentials) -> None:
    async with _connected(credentials) as transport:
        client = Client(transport)
        for definition in (WIDGET_DEFINITION, GADGET_DEFINITION):
            await client.apply(DEFINITIONS, definition, field_manager="tests")
        for resource in (WIDGETS, GADGETS):
            await eventually(partial(_is_served, client, resource))


async def _is_served(client: Client, resource: Resource) -> bool:
    try:
        await client.list(resource)
    except KubeError:
        return False
    return True
