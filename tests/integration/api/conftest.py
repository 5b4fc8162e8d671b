"""One control plane for these tests, with our kinds served."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.cluster.cluster import Cluster, take_down

_CRDS = Path(__file__).parents[3] / "crds"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """etcd and an API server, into which the committed CRDs are applied."""
    name = f"api-{os.getpid()}"
    try:
        cluster = Cluster.up(name, controller_manager=False, scheduler=False)
        for crd in sorted(_CRDS.glob("regist*.yaml")):
            cluster.kubectl("apply", "--server-side", "-f", str(crd))

        cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")
        yield cluster
    finally:
        take_down(name)
