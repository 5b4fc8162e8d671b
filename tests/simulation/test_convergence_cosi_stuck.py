"""What COSI forgets, holds for ever or does slowly: noticed, told with the cure, never stormed."""

from collections import Counter
from typing import Any

import pytest

from controllers.kinds import BUCKET, BUCKET_ACCESS, BUCKET_CLAIM, REGISTRY, SECRET
from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import ObjectKey
from registry_operator.testing.builders import CLAIMED, COSI, NAMESPACE
from registry_operator.testing.claims import a_bucket
from registry_operator.testing.virtual_loop import VirtualClock
from tests.simulation.test_convergence_bucket_claim import claim, cosi_over
from tests.unit.controllers.registry_stage import RegistryStage

pytestmark = pytest.mark.virtual

KEY = ObjectKey(NAMESPACE, "images")


@pytest.fixture
def stage(clock: VirtualClock) -> RegistryStage:
    return RegistryStage(clock, cosi=True)


def forget(stage: RegistryStage, name: str = "images") -> None:
    """What the controller of v0.2.2 does when it is late: the claim's Bucket is ready, it is not."""
    key = ObjectKey(NAMESPACE, name)
    status = {"bucketReady": False, "bucketName": f"bucket-{name}"}
    forgotten = stage.api.change(BUCKET_CLAIM, key, lambda body: body.update(status=status))
    stage.api.put(BUCKET, a_bucket(forgotten))


def to_cosi(stage: RegistryStage) -> list[Request]:
    """The writes of COSI's kinds since the last call."""
    return [one for one in stage.new_writes() if "objectstorage" in one.path]


async def test_a_claim_that_cosi_forgot_is_set_right_and_the_registry_comes_up(
    stage: RegistryStage,
) -> None:
    async with cosi_over(stage) as cosi, stage.running():
        cosi.is_down = True
        stage.create(storage=COSI)
        await stage.settle()
        forget(stage)
        cosi.buckets.add(KEY)
        cosi.is_down = False
        stage.new_writes()
        await stage.settle(40)
        assert stage.told() == ("False", "BucketNotReady")
        assert to_cosi(stage) == []

        await stage.settle(40)
        assert stage.told() == ("True", "Ready")
        assert [one.path.rpartition("/")[2] for one in to_cosi(stage)] == ["status"]


async def test_a_claim_that_is_forgotten_again_and_again_is_told_and_not_fought_for(
    stage: RegistryStage,
) -> None:
    async with cosi_over(stage) as cosi, stage.running():
        stage.create(storage=COSI)
        await stage.settle(70)
        assert stage.told() == ("True", "Ready")
        cosi.is_down = True
        stage.new_writes()
        forget(stage)
        await stage.settle(1)
        assert [one.path.rpartition("/")[2] for one in to_cosi(stage)] == ["status"]
        assert stage.told() == ("True", "Ready")

        forget(stage)
        await stage.settle()
        assert stage.told() == stage.told("StorageReady") == ("False", "BucketClaimStuck")
        assert "kubectl -n team-a patch bucketclaim images" in stage.message()
        assert stage.told("Available") == ("True", "Serving")
        await stage.settle(60)
        assert to_cosi(stage) == []

        await stage.settle(60)
        assert len(to_cosi(stage)) == 1
        assert stage.told() == ("True", "Ready")


async def test_of_a_users_claim_it_is_only_told_until_somebody_sets_it_right(
    stage: RegistryStage,
) -> None:
    claim(stage)
    async with cosi_over(stage) as cosi, stage.running():
        stage.create(storage=CLAIMED)
        await stage.settle(70)
        cosi.is_down = True
        stage.new_writes()
        forget(stage, "theirs")
        await stage.settle()
        assert stage.told() == ("False", "BucketClaimStuck")
        assert "kubectl -n team-a patch bucketclaim theirs" in stage.message()
        stage.new_writes()
        await stage.settle(600)
        assert stage.new_writes() == []

        key = ObjectKey(NAMESPACE, "theirs")
        stage.api.change(BUCKET_CLAIM, key, lambda body: body["status"].update(bucketReady=True))
        await stage.settle()
        assert stage.told() == ("True", "Ready")


async def test_an_access_that_is_never_let_go_is_named_with_what_holds_it(
    stage: RegistryStage,
) -> None:
    async with cosi_over(stage) as cosi, stage.running():
        stage.create(storage=COSI)
        await stage.settle(30)
        cosi.is_down = True
        stage.api.delete(BUCKET_ACCESS, KEY)
        await stage.settle()
        assert stage.told() == ("False", "ChildTerminating")
        assert stage.told("Available") == ("True", "Serving")

        await stage.settle(180)
        assert stage.told() == stage.told("StorageReady") == ("False", "DeletionStuck")
        assert "held by cosi.objectstorage.k8s.io/protection" in stage.message()
        assert "kubectl -n team-a patch bucketaccess images --type=json" in stage.message()
        stage.new_writes()
        await stage.settle(900)
        assert stage.new_writes() == []

        stage.api.change(BUCKET_ACCESS, KEY, lambda body: body["metadata"].update(finalizers=[]))
        stage.api.delete(SECRET, ObjectKey(NAMESPACE, "images-bucket"))
        cosi.is_down = False
        await stage.settle(40)
        assert stage.told() == ("True", "Ready")


async def test_a_registry_that_can_not_go_says_what_holds_its_bucket(stage: RegistryStage) -> None:
    async with cosi_over(stage) as cosi, stage.running():
        stage.create(storage=COSI, deletionPolicy="Delete")
        await stage.settle(30)
        cosi.is_down = True
        stage.api.delete(REGISTRY, KEY)
        await stage.settle()
        assert stage.message() == "BucketAccess images is being deleted"

        await stage.settle(200)
        assert stage.told() == ("False", "Terminating")
        assert "held by cosi.objectstorage.k8s.io/protection" in stage.message()
        stage.new_writes()
        await stage.settle(900)
        assert stage.new_writes() == []

        cosi.is_down = False
        await stage.settle(30)
        assert stage.names(REGISTRY) == stage.names(BUCKET_CLAIM) == []


def what(request: Request) -> tuple[Any, ...]:
    return request.method, *request.path.split("/")[-2:]


async def test_twenty_at_once_ask_a_slow_cosi_for_what_they_need_and_for_nothing_more(
    stage: RegistryStage,
) -> None:
    names = [f"images-{number}" for number in range(20)]
    async with cosi_over(stage, at_once=1), stage.running():
        stage.new_writes()
        asked = len(stage.api.requests)
        for name in names:
            stage.create(name, storage=COSI)
        await stage.settle(180)
        assert {stage.told(name=name) for name in names} == {("True", "Ready")}

    kinds = ("bucketclaims", "bucketaccesses")
    wanted = Counter(("PATCH", kind, name) for kind in kinds for name in names)
    assert Counter(map(what, to_cosi(stage))) == wanted
    read = [r for r in stage.api.requests[asked:] if r.method == "GET" and "objects" in r.path]
    # Watches that are begun anew, and nothing else.
    assert [r.path for r in read if ("watch", "true") not in r.query] == []
