"""An API server with an audit log, and two operators of which one may work."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.cluster.cluster import Cluster
from hack.world import World, a_world
from tests.integration.leadership.candidates import Candidate, candidates


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """No pods run here: Deployments are as far as it goes."""
    name = request.module.__name__.rpartition(".")[2].replace("_", "-").removeprefix("test-")
    running = Cluster.up(f"leader-{name}", profile="control-plane", scheduler=False, audit=True)
    try:
        yield running
    finally:
        running.down()


@pytest.fixture
def pair(cluster: Cluster, tmp_path: Path) -> Iterator[tuple[Candidate, Candidate]]:
    yield from candidates(cluster, tmp_path)


@pytest.fixture
def world(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[World]:
    name = request.node.name.replace("_", "-").removeprefix("test-")[:50].rstrip("-")
    with a_world(cluster, name) as world:
        yield world
