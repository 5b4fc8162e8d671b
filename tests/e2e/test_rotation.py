"""Keys of a bucket are rotated while clients push and pull: two replicas, and no request fails.

Needs Linux and root: real nodes, a real store, the real COSI.
"""

import base64
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from controllers.kinds import BUCKET_ACCESS, BUCKET_CLAIM, POD, REGISTRY, SECRET
from hack.cluster.cluster import Cluster, take_down
from hack.cluster.kubeconfig import write_kubeconfig
from hack.cluster.network import within
from hack.cluster.report import to_nowhere
from hack.e2e import installation
from hack.images.catalogue import image
from hack.load.load_thread import LoadThread
from hack.operator import OperatorProcess
from hack.world import World, a_world
from registry_operator.kube.resource import Resource
from tests.e2e.loading import assert_none_failed, loaded

pytestmark = pytest.mark.e2e

_IMAGE = "registry:3.1.2"
_ACCESS_CLASS = "my-s3-access-class"
_SPEC = {
    "replicas": 2,
    "image": _IMAGE,
    "storage": {"bucketClassName": "my-s3-class", "bucketAccessClass": _ACCESS_CLASS},
}
# Such as a machine bears that runs all other tests too: what is judged is what failed.
_RATE, _LATEST_SECONDS = 20.0, 60.0
_AT_LEAST = 200  # requests between two rotations, or the test proves little


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Real nodes, in the place of those that are simulated (conftest.py)."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    tar = image(_IMAGE, say=to_nowhere)
    try:
        yield Cluster.up(
            name, profile="full", nodes=2, s3=True, cosi=True, images=[tar], say=to_nowhere
        )
    finally:
        left = take_down(name)

    assert not left, left


class OperatorInside(OperatorProcess):
    """The operator in a network namespace from where pods are reached, as from within a pod."""

    def __init__(self, folder: Path, *, kubeconfig: Path, namespace: str) -> None:
        super().__init__(folder, kubeconfig=kubeconfig)
        self._namespace = namespace

    def start(self, *, environment: Mapping[str, str] | None = None) -> None:
        within(self._namespace, lambda: super(OperatorInside, self).start(environment=environment))

    def await_ready(self) -> None:
        within(self._namespace, super().await_ready)


@pytest.fixture
def operator(cluster: Cluster, tmp_path: Path) -> Iterator[OperatorProcess]:
    """In the place of one that could try no pod (conftest.py); keys are tried on a pod first."""
    plan = cluster.plan
    text = installation.install_rights(cluster).read_text()
    told = json.loads(text.replace(plan.host_server, plan.server))
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", told)
    process = OperatorInside(tmp_path, kubeconfig=kubeconfig, namespace=plan.namespace or "")
    try:
        yield process
    finally:
        process.stop()


@pytest.fixture
def world(cluster: Cluster, operator: OperatorProcess) -> Iterator[World]:
    """A Registry that serves from a bucket by COSI; what COSI made goes in its order."""
    with ExitStack() as stack:
        world = stack.enter_context(a_world(cluster, "rotation"))
        operator.start()
        operator.await_ready()
        for resource, name in (
            (BUCKET_CLAIM, "images"),
            (BUCKET_ACCESS, "images"),
            (BUCKET_ACCESS, "other"),
            (REGISTRY, "images"),
        ):
            stack.callback(_remove, world, resource, name)
        world.create_registry("images", _SPEC)
        world.until(lambda: world.is_ready("images"), seconds=120, about="images is ready")
        yield world


def test_new_keys_reach_the_pods_without_a_failed_request(world: World) -> None:
    old, new = _keys(world, "images-bucket"), _other_keys(world)

    with loaded(world, "images", rate=_RATE) as load:
        _await(world, load)
        for info in (new, old, new):
            _rotate(world, info)
            _await(world, load)
        # Whoever still used the old keys would be told now.
        account = (world.get(BUCKET_ACCESS, "images") or {})["status"]["accountID"]
        world.cluster.s3.revoke(account, _access_key(old))
        _await(world, load)

    assert_none_failed(load, latest=_LATEST_SECONDS)
    assert world.is_ready("images")


def _await(world: World, load: LoadThread) -> None:
    """Lets clients do their work for a while; not longer once one failed."""
    before = load.count.requests
    world.until(
        lambda: load.count.requests >= before + _AT_LEAST or load.count.failed,
        seconds=120,
        about=f"{_AT_LEAST} requests are answered",
    )


def _rotate(world: World, info: str) -> None:
    """Writes other keys into the Secret, and waits until no pod has the former ones."""
    before = _configuration(world)
    world.patch(SECRET, "images-bucket", {"data": {"BucketInfo": info}})
    world.until(
        lambda: _configuration(world) != before and world.is_ready("images"),
        seconds=300,
        about="the pods have other keys",
    )
    world.until(
        lambda: len(world.items(POD, owner="images")) == 2, seconds=120, about="old pods are gone"
    )


def _configuration(world: World) -> str:
    """The configuration in use; it is named by its content, keys included."""
    status = (world.get(REGISTRY, "images") or {}).get("status", {})

    return str(status.get("configuration", ""))


def _other_keys(world: World) -> str:
    """Keys for the same bucket, by an access of its own."""
    spec = {
        "bucketClaimName": "images",
        "bucketAccessClassName": _ACCESS_CLASS,
        "credentialsSecretName": "other-keys",
        "protocol": "S3",
    }
    world.create(BUCKET_ACCESS, {"metadata": {"name": "other"}, "spec": spec})
    world.until(lambda: world.get(SECRET, "other-keys"), seconds=60, about="other keys")

    return _keys(world, "other-keys")


def _keys(world: World, secret: str) -> str:
    return str((world.get(SECRET, secret) or {})["data"]["BucketInfo"])


def _access_key(info: str) -> str:
    return str(json.loads(base64.b64decode(info))["spec"]["secretS3"]["accessKeyID"])


def _remove(world: World, resource: Resource, name: str) -> None:
    world.delete(resource, name)
    world.until(lambda: world.get(resource, name) is None, seconds=60, about=f"{name} is gone")
