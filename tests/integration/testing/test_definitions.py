"""What the API server in memory knows of the server's own kinds is what the server publishes."""

from collections.abc import Iterator

import orjson
import pytest

from hack.cluster.cluster import Cluster
from hack.kinds import FILE, KINDS, published, text

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    running = Cluster.up(
        "definitions-test", profile="control-plane", controller_manager=False, scheduler=False
    )
    try:
        yield running
    finally:
        running.down()


def test_the_definitions_are_those_of_the_running_server(cluster: Cluster) -> None:
    documents = {
        path: orjson.loads(cluster.kubectl("get", "--raw", f"/openapi/v3/{path}")) for path in KINDS
    }

    assert FILE.read_bytes() == text(published(documents)), "run `python -m hack.kinds CLUSTER`"
