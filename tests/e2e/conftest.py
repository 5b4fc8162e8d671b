"""A control plane with simulated nodes whose audit log counts, and the operator as a process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.cluster.cluster import Cluster
from hack.e2e import installation
from hack.operator import OperatorProcess


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    name = request.module.__name__.rpartition(".")[2].replace("_", "-").removeprefix("test-")
    running = Cluster.up(name, profile="control-plane", kwok=True, audit=True)
    try:
        running.simulate_nodes(2)
        yield running
    finally:
        running.down()


@pytest.fixture
def operator(cluster: Cluster, tmp_path: Path) -> Iterator[OperatorProcess]:
    """Not started. Elects a leader as in a cluster, so that its Lease is all that it writes."""
    process = OperatorProcess(
        tmp_path,
        kubeconfig=installation.install_rights(cluster),
        arguments=[
            *("--leader-elect", "--leader-election-namespace", installation.NAMESPACE),
            *("--log-level", "debug"),
        ],
    )
    try:
        yield process
    finally:
        process.stop()
