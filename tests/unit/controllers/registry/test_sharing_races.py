"""One place has one writer also while pods come, change and go."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from controllers.kinds import DEPLOYMENT, SECRET
from controllers.registry.sharing import ANNOTATION, LEFT, is_there, left
from registry_operator.kube.errors import Forbidden, TransportError
from registry_operator.kube.exchange import Request
from registry_operator.kube.object import Object
from registry_operator.testing.builders import S3, a_deployment, a_registry, a_secret, an_object
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry.test_sharing import KEYS, READS_ONLY, in_folder
from tests.unit.controllers.registry_stage import RegistryStage

UNDER_WAY = 30.0


def deployment(**annotations: str) -> Object:
    body = a_deployment(a_registry())
    names = {"place": ANNOTATION, "left": LEFT}
    body["metadata"]["annotations"] = {names[name]: told for name, told in annotations.items()}
    return an_object(body)


@pytest.mark.parametrize(
    ("found", "place", "all_new", "expected"),
    [
        (None, "a", False, None),
        (deployment(place="a"), "a", True, None),
        (deployment(place="a"), "a", False, None),
        # What is all new is so of the template before.
        (deployment(place="a"), "b", True, "a"),
        (deployment(place="a"), None, True, "a"),
        (deployment(place="b", left="a"), "b", False, "a"),
        (deployment(place="b", left="a"), "b", True, None),
        (deployment(left="a"), None, True, None),
        (deployment(left="a"), None, False, "a"),
        (deployment(place="b", left="a"), "c", True, "a\nb"),
        # Back, before the pods that were there have gone.
        (deployment(place="b", left="a"), "a", True, "b"),
    ],
)
def test_a_place_is_left_when_the_last_pod_of_an_earlier_template_is(
    found: Object | None,
    place: str | None,
    all_new: bool,  # noqa: FBT001 - a parameter of the test
    expected: str | None,
) -> None:
    assert left(found, place, all_new=all_new) == expected


def test_pods_are_where_they_go_and_where_they_come_from() -> None:
    moving = deployment(place="b", left="a\nc")

    assert [place for place in "abcd" if is_there(moving, place)] == ["a", "b", "c"]
    assert not is_there(moving, None)


@pytest.fixture
def stage(clock: VirtualClock) -> RegistryStage:
    return RegistryStage(clock)


@asynccontextmanager
async def running(stage: RegistryStage) -> AsyncIterator[None]:
    stage.api.put(SECRET, a_secret("s3-keys", KEYS))
    async with stage.running():
        yield


def makes(name: str) -> Any:
    """Whether a request makes, or changes, the Deployment of a Registry."""

    def match(request: Request) -> bool:
        return request.method == "PATCH" and f"/deployments/{name}?" in f"{request.path}?"

    return match


async def _one_is_on_its_way_when_an_older_one_comes(stage: RegistryStage) -> None:
    stage.create("older", storage=in_folder("elsewhere"), paused=True)
    await stage.settle(2)
    stage.create("first", storage=S3)
    await stage.settle(2)

    def come(spec: dict[str, Any]) -> None:
        spec.update(storage=dict(S3), paused=False)

    stage.change(come, "older")
    await stage.settle(5)


@pytest.mark.virtual
async def test_an_older_one_does_not_come_in_while_a_younger_one_does(
    stage: RegistryStage,
) -> None:
    stage.api.faults.plan(makes("first"), delay=UNDER_WAY)
    async with running(stage):
        await _one_is_on_its_way_when_an_older_one_comes(stage)

        assert stage.told(name="older") == ("False", "BucketShared")
        await stage.settle(60)
        assert stage.told(name="first") == ("True", "Ready")
        assert stage.names(DEPLOYMENT) == ["first"]


@pytest.mark.virtual
async def test_who_does_not_know_what_became_of_his_pods_is_taken_to_have_them(
    stage: RegistryStage,
) -> None:
    lost = TransportError("cut", sent=True)
    stage.api.faults.plan(makes("first"), lost, delay=1.0, times=4)
    async with running(stage):
        await _one_is_on_its_way_when_an_older_one_comes(stage)
        await stage.settle(60)

        assert stage.told(name="older") == ("False", "BucketShared")
        assert stage.told(name="first") == ("True", "Ready")


@pytest.mark.virtual
async def test_who_is_refused_his_pods_gives_way_to_an_older_one(stage: RegistryStage) -> None:
    refused = Forbidden(403, reason="Forbidden", message="no")
    stage.api.faults.plan(makes("first"), refused, delay=UNDER_WAY, times=None)
    async with running(stage):
        await _one_is_on_its_way_when_an_older_one_comes(stage)
        assert stage.told(name="older") == ("False", "BucketShared")
        await stage.settle(60)

        assert stage.told(name="older") == ("True", "Ready")
        assert stage.told(name="first") == ("False", "BucketShared")


@pytest.mark.virtual
@pytest.mark.parametrize("how", ["goes elsewhere", "only reads"])
async def test_nobody_comes_in_before_the_pods_of_who_leaves_have_gone(
    stage: RegistryStage, how: str
) -> None:
    async with running(stage):
        stage.create("old", storage=S3, upgrade={"canary": False})
        await stage.settle(2)
        stage.create("young", storage=S3)
        await stage.settle()
        # New pods that do not get well keep the old ones up.
        stage.cluster.is_well = lambda _pod: False
        if how == "only reads":
            stage.change(lambda spec: spec.update(config=READS_ONLY), "old")
        else:
            stage.change(lambda spec: spec.update(storage=in_folder("old")), "old")
        await stage.settle(30)
        assert LEFT in stage.one(DEPLOYMENT, "old")["metadata"]["annotations"]
        assert stage.told(name="young") == ("False", "BucketShared")

        stage.cluster.is_well = lambda _pod: True
        stage.cluster.look_again()
        await stage.settle(30)
        assert LEFT not in stage.one(DEPLOYMENT, "old")["metadata"]["annotations"]
        assert stage.told(name="young") == ("True", "Ready")
        stage.new_writes()
        await stage.settle(3600)
        assert stage.new_writes() == []
