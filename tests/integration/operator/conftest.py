"""A control plane with simulated nodes, and the operator as a process under its account's rights."""

from collections.abc import Iterator

import pytest

from hack.cluster.cluster import Cluster
from hack.e2e import installation
from hack.operator import OperatorProcess
from hack.world import World, a_world


@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    running = Cluster.up("operator-test", profile="control-plane", kwok=True, audit=True)
    try:
        running.simulate_nodes(2)
        yield running
    finally:
        running.down()


@pytest.fixture(scope="package")
def operator(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    process = OperatorProcess(
        tmp_path_factory.mktemp("operator"),
        kubeconfig=installation.install_rights(cluster),
        arguments=["--log-level", "debug"],
        mark=str(cluster.home.root),
    )
    process.start()
    try:
        process.await_ready()
        yield process
    finally:
        process.stop()


@pytest.fixture
def world(
    cluster: Cluster, operator: OperatorProcess, request: pytest.FixtureRequest
) -> Iterator[World]:
    """A namespace of the test's own."""
    name = request.node.name.replace("_", "-").removeprefix("test-")[:50].rstrip("-")
    with a_world(cluster, name) as world:
        yield world
