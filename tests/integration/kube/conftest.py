"""One suite, two servers: the real API server and the fake one must both keep its promises."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from hack.cluster.cluster import Cluster
from registry_operator.kube.auth import load
from registry_operator.kube.client import Client
from registry_operator.kube.credentials import Credentials
from registry_operator.kube.exchange import Transport
from registry_operator.kube.resource import Resource
from registry_operator.kube.transport import HttpTransport
from registry_operator.runtime.clock import SystemClock
from registry_operator.testing.fake_api import FakeApi

CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps")
DEPLOYMENTS = Resource("apps", "v1", "Deployment", "deployments")
LEASES = Resource("coordination.k8s.io", "v1", "Lease", "leases")
NAMESPACES = Resource("", "v1", "Namespace", "namespaces", namespaced=False)
ACCOUNTS = Resource("", "v1", "ServiceAccount", "serviceaccounts")
KINDS = (CONFIG_MAPS, DEPLOYMENTS, LEASES, NAMESPACES, ACCOUNTS)


@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    """An API server and its etcd, and no controller that would interfere."""
    running = Cluster.up(
        "kube-test", profile="control-plane", controller_manager=False, scheduler=False
    )
    try:
        yield running
    finally:
        running.down()


@dataclass
class Api:
    """A server under test: `client` speaks to it, in the namespace `namespace`."""

    transport: Transport
    client: Client
    namespace: str


@asynccontextmanager
async def connected(credentials: Credentials) -> AsyncIterator[HttpTransport]:
    """Speak to the real server."""
    transport = HttpTransport(credentials, user_agent="tests")
    try:
        yield transport
    finally:
        await transport.close()


def loaded(path: str) -> Credentials:
    """Load credentials where no loop runs."""
    return asyncio.run(load(kubeconfig=path, in_cluster=False))


@pytest.fixture(scope="package")
def administrator(cluster: Cluster) -> Credentials:
    return loaded(str(cluster.kubeconfig()))


@pytest.fixture(params=["real", "fake"])
async def api(request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    """Either server, with a namespace of the test's own."""
    name = request.node.name.partition("[")[0].replace("_", "-").removeprefix("test-")[:60]
    namespace = name.rstrip("-")
    if request.param == "fake":
        fake = FakeApi(KINDS, clock=SystemClock())
        fake.put(NAMESPACES, {"metadata": {"name": namespace}})
        yield Api(fake, Client(fake), namespace)
        return
    async with connected(request.getfixturevalue("administrator")) as transport:
        client = Client(transport)
        await client.apply(NAMESPACES, {"metadata": {"name": namespace}}, field_manager="tests")
        yield Api(transport, client, namespace)
