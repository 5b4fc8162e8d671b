"""COSI in the local cluster: the real controller and sidecar, our driver, a real store.

Needs Linux and root. No node is needed: nothing here runs in a pod.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from functools import partial

import pytest

from controllers.kinds import BUCKET_ACCESS, BUCKET_CLAIM, SECRET
from hack.cluster.api import Api
from hack.cluster.aws import Client, Keys
from hack.cluster.cluster import Cluster, take_down
from hack.cluster.network import within
from hack.cluster.pki import COSI_CONTROLLER
from hack.cluster.report import to_nowhere
from hack.cosi_driver import stubs
from hack.world import World, a_world
from registry_operator.kube.resource import Resource

pytestmark = pytest.mark.e2e
CLASS, ACCESS_CLASS = "my-s3-class", "my-s3-access-class"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A cluster that ran before it got COSI."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    try:
        made = Cluster.up(name, profile="full", nodes=0, s3=True, say=to_nowhere)
        made.add_cosi()
        yield made
    finally:
        left = take_down(name)

    assert not left, left


@pytest.fixture
def world(cluster: Cluster) -> Iterator[World]:
    with a_world(cluster, f"w-{uuid.uuid4().hex[:8]}") as made:
        yield made


def claim(world: World, name: str) -> None:
    spec = {"bucketClassName": CLASS, "protocols": ["S3"]}
    world.create(BUCKET_CLAIM, {"metadata": {"name": name}, "spec": spec})


def access(world: World, name: str) -> None:
    spec = {
        "bucketClaimName": name,
        "bucketAccessClassName": ACCESS_CLASS,
        "credentialsSecretName": f"{name}-keys",
        "protocol": "S3",
    }
    world.create(BUCKET_ACCESS, {"metadata": {"name": name}, "spec": spec})


def bucket(world: World, name: str) -> str:
    """The bucket of a claim; empty while it is not ready."""
    status = (world.get(BUCKET_CLAIM, name) or {}).get("status", {})

    return str(status["bucketName"]) if status.get("bucketReady") else ""


def keys(world: World, name: str) -> Keys:
    """The keys of an access that is granted."""

    def granted() -> bool:
        status = (world.get(BUCKET_ACCESS, name) or {}).get("status", {})
        return bool(status.get("accessGranted"))

    world.until(granted, seconds=40, about=f"access {name} is granted")
    secret = world.get(SECRET, f"{name}-keys")
    assert secret is not None
    info = json.loads(base64.b64decode(secret["data"]["BucketInfo"]))["spec"]["secretS3"]
    assert info["endpoint"] == world.cluster.s3.endpoint

    return Keys(access=info["accessKeyID"], secret=info["accessSecretKey"])


def status(cluster: Cluster, by: Keys, method: str, path: str) -> int:
    client = Client(cluster.s3.endpoint, cluster.s3.region, by)

    return within(cluster.plan.unique, lambda: client.s3(method, path))[0]


def is_gone(world: World, kind: Resource, name: str) -> bool:
    return world.get(kind, name) is None


def remove(world: World, name: str, *kinds: Resource) -> None:
    for kind in kinds or (BUCKET_ACCESS, BUCKET_CLAIM):
        world.delete(kind, name)
        world.until(partial(is_gone, world, kind, name), seconds=40)


def test_a_claim_gets_a_bucket_and_an_access_gets_keys_for_it_alone(world: World) -> None:
    claim(world, "images")
    access(world, "images")
    claim(world, "other")
    mine = world.until(lambda: bucket(world, "images"))
    others = world.until(lambda: bucket(world, "other"))

    by = keys(world, "images")

    assert status(world.cluster, by, "PUT", f"/{mine}/blob") == 200
    assert status(world.cluster, by, "GET", f"/{mine}/blob") == 200
    assert status(world.cluster, by, "GET", f"/{mine}") == 200
    assert status(world.cluster, by, "DELETE", f"/{mine}/blob") == 204
    assert status(world.cluster, by, "GET", f"/{others}") == 403
    assert status(world.cluster, by, "PUT", f"/{others}/blob") == 403
    assert status(world.cluster, by, "DELETE", f"/{mine}") == 403
    assert status(world.cluster, by, "PUT", "/one-more") == 403
    remove(world, "images")
    remove(world, "other")


def test_an_access_that_is_deleted_takes_its_keys_along_and_leaves_the_bucket(
    world: World,
) -> None:
    claim(world, "images")
    access(world, "images")
    mine, by = world.until(lambda: bucket(world, "images")), keys(world, "images")

    remove(world, "images", BUCKET_ACCESS)

    assert world.get(SECRET, "images-keys") is None
    assert status(world.cluster, by, "GET", f"/{mine}") == 403
    assert world.cluster.s3.has_bucket(mine)

    access(world, "images")
    again = keys(world, "images")

    assert again != by
    assert status(world.cluster, again, "GET", f"/{mine}") == 200
    remove(world, "images")


def test_a_claim_that_is_deleted_takes_its_bucket_along_with_all_that_is_in_it(
    world: World,
) -> None:
    claim(world, "images")
    access(world, "images")
    mine, by = world.until(lambda: bucket(world, "images")), keys(world, "images")
    assert status(world.cluster, by, "PUT", f"/{mine}/blob") == 200

    remove(world, "images")

    assert not world.cluster.s3.has_bucket(mine)


def test_ten_claims_at_once_are_all_ready(world: World) -> None:
    names = [f"images-{number}" for number in range(10)]
    for name in names:
        claim(world, name)
        access(world, name)

    buckets = {world.until(partial(bucket, world, name), seconds=40) for name in names}

    assert len(buckets) == 10
    assert len({keys(world, name).access for name in names}) == 10
    for name in names:
        remove(world, name)


def test_the_controller_can_not_take_back_that_a_claim_is_ready(world: World) -> None:
    claim(world, "images")
    world.until(lambda: bucket(world, "images"))
    credentials = world.cluster._assembly.context.credentials
    controller = Api(credentials.outside, credentials.pair(COSI_CONTROLLER))
    path = BUCKET_CLAIM.path(world.namespace, "images")
    name = bucket(world, "images")
    body = world.cluster.api.get(path)
    # The sidecar was faster: nobody has said which bucket it is.
    del body["status"]["bucketName"]
    nameless = world.cluster.api.request("PUT", f"{path}/status", body).body
    nameless["status"] = {"bucketName": name, "bucketReady": False}

    answer = controller.request("PUT", f"{path}/status", nameless)

    assert answer.status == 200
    assert bucket(world, "images") == name
    remove(world, "images", BUCKET_CLAIM)


@pytest.mark.parametrize("part", ["cosi-driver", "cosi-controller", "cosi-sidecar"])
def test_a_part_that_was_killed_goes_on_where_it_was(world: World, part: str) -> None:
    world.cluster.kill(part)
    claim(world, "images")
    access(world, "images")

    world.cluster.start(part)

    mine = world.until(lambda: bucket(world, "images"), seconds=60)
    assert status(world.cluster, keys(world, "images"), "GET", f"/{mine}") == 200
    remove(world, "images")


def test_the_messages_are_the_ones_of_the_published_proto() -> None:
    assert stubs.main(["--check"]) == 0
