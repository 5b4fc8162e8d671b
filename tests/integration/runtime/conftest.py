"""A control plane for the whole folder, and clients of it as two users."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager

import pytest

from hack.cluster.cluster import Cluster
from registry_operator.kube import auth
from registry_operator.kube.client import Client
from registry_operator.kube.credentials import Credentials
from registry_operator.kube.transport import HttpTransport

NEWCOMER = "newcomer"
ADMINISTRATOR = "administrator"
_LET_GO_SECONDS = 0.05

Users = Mapping[str, Credentials]


@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    """An API server and its etcd; nobody makes objects in it but the tests."""
    running = Cluster.up(
        "runtime-test", profile="control-plane", controller_manager=False, scheduler=False
    )
    try:
        yield running
    finally:
        running.down()


@pytest.fixture(scope="package")
def users(cluster: Cluster) -> Iterator[Users]:
    """The administrator, and one who has no right until a test grants one."""

    async def load(user: str | None) -> Credentials:
        return await auth.load(kubeconfig=str(cluster.kubeconfig(user)), in_cluster=False)

    async def close() -> None:
        for one in loaded.values():
            await one.close()

    loaded = {ADMINISTRATOR: asyncio.run(load(None)), NEWCOMER: asyncio.run(load(NEWCOMER))}
    try:
        yield loaded
    finally:
        asyncio.run(close())


@asynccontextmanager
async def a_client(users: Users, user: str = ADMINISTRATOR) -> AsyncIterator[Client]:
    transport = HttpTransport(users[user], user_agent="tests")
    try:
        yield Client(transport)
    finally:
        await transport.close()
        # asyncio lets go of a socket some turns after it was closed, and the loop ends with the test.
        await asyncio.sleep(_LET_GO_SECONDS)
