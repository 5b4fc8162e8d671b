"""Clients push and pull, 60 requests a second, while all that is planned happens: no request fails.

Two Registries on a real store and real nodes, each of two replicas, and the operator as a process.
Where a node's power is cut, requests fail for a while, and how long is told (`pytest -rP` shows all
figures). Needs Linux and root.
"""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controllers.kinds import REGISTRY, SECRET
from hack.cluster.cluster import Cluster, take_down
from hack.cluster.controlplane import APISERVER
from hack.cluster.report import to_nowhere, to_stderr
from hack.e2e import installation
from hack.images.catalogue import image
from hack.load.load_thread import LoadThread
from hack.load.table import summary
from hack.operator import OperatorProcess
from hack.world import World, a_world
from tests.e2e.go_clients import crane, skopeo
from tests.e2e.loading import address_of, assert_none_failed, loaded
from tests.e2e.pods import Pods

# On a machine that others use, what fails is the machine.
pytestmark = pytest.mark.load

_OLD, _MIDDLE, _NEW = "registry:2", "registry:3.0.0", "registry:3.1.2"
_DEAD_SECONDS = 3.0
_OUTAGE_SECONDS = 60.0
_HEALED_SECONDS = 90.0  # twice what was seen on a machine that had no room
_CLIENTS, _VICTIM = "node-1", "node-2"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Real nodes, in the place of those that are simulated (conftest.py)."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    tars = [image(one, say=to_nowhere) for one in (_OLD, _MIDDLE, _NEW)]
    try:
        yield Cluster.up(name, profile="full", nodes=2, s3=True, images=tars, say=to_nowhere)
    finally:
        left = take_down(name)

    assert not left, left


@pytest.fixture(scope="module")
def operator(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """The operator of all these tests, electing a leader as in a cluster."""
    process = OperatorProcess(
        tmp_path_factory.mktemp("operator"),
        kubeconfig=installation.install_rights(cluster),
        arguments=["--leader-elect", "--leader-election-namespace", installation.NAMESPACE],
    )
    try:
        process.start()
        process.await_ready()
        yield process
    finally:
        process.stop()


@pytest.fixture(scope="module")
def world(cluster: Cluster, operator: OperatorProcess) -> Iterator[World]:
    """The Registries `images` and `older`, each on a bucket of its own."""
    with a_world(cluster, "availability") as world:
        keys = cluster.s3.keys
        data = {"accessKey": keys.access, "secretKey": keys.secret}
        world.create(SECRET, {"metadata": {"name": "keys"}, "stringData": data})
        for name, tag in (("images", _MIDDLE), ("older", _OLD)):
            cluster.s3.make_bucket(name)
            world.create_registry(name, _specification(cluster, name, tag))
        for name in ("images", "older"):
            Pods(world, name).await_rolled(2)
        yield world
        for name in ("images", "older"):
            world.delete(REGISTRY, name)


def test_an_image_is_rolled_without_a_failed_request(world: World) -> None:
    with loaded(world, "images") as load:
        _change(world, {"image": _NEW})

    assert_none_failed(load)


def test_version_2_is_upgraded_to_version_3_without_a_failed_request(world: World) -> None:
    with loaded(world, "older") as load:
        _change(world, {"image": _NEW}, name="older")

    assert_none_failed(load)


def test_a_configuration_is_rolled_without_a_failed_request_of_ours_crane_or_skopeo(
    world: World, tmp_path: Path
) -> None:
    with loaded(world, "images") as load:
        world.patch(REGISTRY, "images", {"spec": {"config": {"log": {"level": "warn"}}}})
        crane(world.cluster, address_of(world, "images"), tmp_path)
        skopeo(world.cluster, address_of(world, "images"), tmp_path)
        Pods(world, "images").await_rolled(2)

    assert_none_failed(load)


def test_the_operator_is_killed_in_the_middle_of_a_roll_without_a_failed_request(
    world: World, operator: OperatorProcess
) -> None:
    pods = Pods(world, "images")
    before = pods.nodes()
    with loaded(world, "images") as load:
        world.patch(REGISTRY, "images", {"spec": {"config": {"log": {"level": "error"}}}})
        world.until(lambda: pods.nodes().keys() - before, seconds=60, about="a new pod")
        operator.kill()
        time.sleep(_DEAD_SECONDS)
        operator.start()
        operator.await_ready()
        pods.await_rolled(2)

    assert_none_failed(load)


def test_a_node_is_drained_without_a_failed_request(world: World) -> None:
    pods = Pods(world, "images")
    pods.spread()
    with loaded(world, "images") as load:
        world.cluster.kubectl("drain", _VICTIM, "--ignore-daemonsets", "--timeout=120s")
        pods.await_rolled(2)
        assert set(pods.nodes().values()) == {_CLIENTS}
        world.cluster.kubectl("uncordon", _VICTIM)

    assert_none_failed(load)


def test_replicas_go_from_1_to_5_and_to_2_without_a_failed_request(world: World) -> None:
    with loaded(world, "images") as load:
        for replicas in (1, 5, 2):
            _change(world, {"replicas": replicas}, replicas=replicas)

    assert_none_failed(load)


def test_the_api_server_is_down_for_a_minute_without_a_failed_request(world: World) -> None:
    with loaded(world, "images") as load:
        world.cluster.stop(APISERVER)
        time.sleep(_OUTAGE_SECONDS)
        world.cluster.start(APISERVER)
        Pods(world, "images").await_rolled(2)

    assert_none_failed(load)


def test_where_a_nodes_power_is_cut_requests_fail_for_a_while_only(
    world: World,
) -> None:
    pods = Pods(world, "images")
    pods.spread()
    with loaded(world, "images") as load:
        cut_at = load.report().seconds
        world.cluster.power_off(_VICTIM)
        world.until(
            lambda: pods.serving_nodes() == {_CLIENTS}, seconds=90, about="no endpoint", step=0.5
        )
        gone_at = load.report().seconds
        _await_quiet(load)
    report = load.report()
    to_stderr("\n".join(map(str, report.failures[-5:])))
    to_stderr(
        f"endpoint gone {gone_at - cut_at:.1f} s after the cut, none failed after "
        f"{report.none_failed_after(cut_at):.1f} s; {summary(report)}"
    )

    assert report.failed > 0  # or the pod was not where we believe
    assert report.none_failed_after(cut_at) < _HEALED_SECONDS


def _specification(cluster: Cluster, bucket: str, tag: str) -> dict[str, Any]:
    s3 = {
        "bucket": bucket,
        "region": cluster.s3.region,
        "endpoint": cluster.s3.endpoint,
        "secretRef": {"name": "keys"},
    }
    return {"replicas": 2, "image": tag, "storage": {"s3": s3}}


def _change(world: World, spec: dict[str, Any], *, name: str = "images", replicas: int = 2) -> None:
    """Changes a Registry, and waits until all pods are of the new kind and no other is left."""
    world.patch(REGISTRY, name, {"spec": spec})
    Pods(world, name).await_rolled(replicas)


def _await_quiet(load: LoadThread, *, seconds: float = 8.0, at_most: float = 90.0) -> None:
    """Waits until no request has failed for a while."""
    begun = quiet = time.monotonic()
    failed = load.count.failed
    while time.monotonic() - quiet < seconds:
        assert time.monotonic() - begun < at_most, load.report().failures[-3:]
        time.sleep(0.2)
        if load.count.failed != failed:
            failed, quiet = load.count.failed, time.monotonic()
