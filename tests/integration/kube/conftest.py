"""A real API server to introduce ourselves to."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from hack.cluster.cluster import Cluster
from registry_operator.kube.auth import load
from registry_operator.kube.credentials import Credentials
from registry_operator.kube.resource import Resource
from registry_operator.kube.transport import HttpTransport

CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps")
ACCOUNTS = Resource("", "v1", "ServiceAccount", "serviceaccounts")


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
