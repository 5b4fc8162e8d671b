"""Caches of different kinds know different moments: a child's end may be heard before its owner's."""

import pytest

from registry_operator.kube.object import Object
from registry_operator.runtime.owned import Desired
from registry_operator.testing.virtual_loop import VirtualClock
from tests.example_operator import CONFIG_MAP, GREETING, Snapshot
from tests.unit.runtime.owned_stage import CHILD, OWNER, OwnedStage, reason_of, writes_children


@pytest.fixture
def stage(clock: VirtualClock) -> OwnedStage:
    return OwnedStage(clock)


def greet_with_status(stage: OwnedStage) -> None:
    """An owner that was reconciled before."""
    stage.greet("ann")
    stage.api.change(GREETING, OWNER, lambda body: body.update(status={"greeted": 1}))


async def test_a_child_collected_with_its_owner_is_not_made_again(stage: OwnedStage) -> None:
    greet_with_status(stage)
    async with stage.running() as operator:
        stage.new_writes()
        stage.api.drop_watches("stall", GREETING)
        stage.api.delete(GREETING, OWNER)
        await stage.settle()

        assert reason_of(operator.outcomes.of(OWNER)["config-map"].outcome) == "Terminating"
    assert stage.names() == []
    assert [request for request in stage.new_writes() if writes_children(request)] == []


async def test_a_child_that_its_deleted_owner_let_go_is_left_alone(stage: OwnedStage) -> None:
    greet_with_status(stage)
    async with stage.running() as operator:
        stage.new_writes()
        stage.api.drop_watches("stall", GREETING)
        stage.api.delete(GREETING, OWNER, propagation="Orphan")
        await stage.settle()

        assert reason_of(operator.outcomes.of(OWNER)["config-map"].outcome) == "Terminating"
    assert stage.names() == [CHILD.name]
    assert stage.child["metadata"].get("ownerReferences", []) == []
    assert [request for request in stage.new_writes() if writes_children(request)] == []


async def test_a_child_that_somebody_took_from_its_owner_is_given_back(stage: OwnedStage) -> None:
    greet_with_status(stage)
    async with stage.running():
        owners = stage.child["metadata"]["ownerReferences"]
        stage.change_child(metadata={"ownerReferences": []})
        await stage.settle()

        assert stage.child["metadata"]["ownerReferences"] == owners


def all_in_one(snapshot: Snapshot) -> Desired:
    """One child that changes with its owner."""
    text = " ".join(snapshot.owner.body()["spec"]["names"])
    return [{"metadata": {"namespace": CHILD.namespace, "name": CHILD.name}, "data": {"to": text}}]


async def test_a_change_of_a_child_that_is_gone_unheard_waits_until_that_is_heard(
    clock: VirtualClock,
) -> None:
    stage = OwnedStage(clock, desired=all_in_one)
    greet_with_status(stage)
    async with stage.running():
        stage.api.drop_watches("stall", CONFIG_MAP)
        stage.api.delete(CONFIG_MAP, CHILD)
        stage.api.change(GREETING, OWNER, lambda body: body["spec"].update(names=["ann", "bob"]))
        await stage.settle()
        assert stage.names() == []

        await stage.settle(300)
        assert stage.child["data"] == {"to": "ann bob"}


async def test_a_successor_of_the_same_name_is_served_when_the_cache_has_heard_of_it(
    stage: OwnedStage,
) -> None:
    greet_with_status(stage)
    async with stage.running():
        stage.api.drop_watches("stall", GREETING)
        stage.api.delete(GREETING, OWNER)
        successor = stage.greet("ann")["metadata"]["uid"]
        await stage.settle(200)

        owner = Object.of(stage.child).controller()
        assert owner is not None
        assert owner.uid == successor


async def test_a_child_that_somebody_deletes_is_made_again(stage: OwnedStage) -> None:
    greet_with_status(stage)
    async with stage.running():
        before = stage.child["metadata"]["uid"]
        stage.api.delete(CONFIG_MAP, CHILD)
        await stage.settle()

        assert stage.child["metadata"]["uid"] != before


async def test_children_that_an_earlier_process_made_are_not_made_again(
    stage: OwnedStage,
) -> None:
    """The earlier one died before it wrote a status."""
    stage.greet("ann")
    async with stage.running() as operator:
        stage.api.drop_watches("stall", GREETING)
        stage.new_writes()
        stage.api.delete(GREETING, OWNER)
        await stage.settle()

        assert reason_of(operator.outcomes.of(OWNER)["config-map"].outcome) == "Terminating"
    assert [request for request in stage.new_writes() if writes_children(request)] == []


async def test_an_owner_that_is_told_of_late_may_be_gone_already(stage: OwnedStage) -> None:
    """As by a watch that stood still, and tells one thing after the other when it is back."""
    async with stage.running() as operator:
        stage.api.delay_watches(20.0)
        stage.greet("ann")
        await stage.settle(5.0)
        stage.api.delete(GREETING, OWNER)
        await stage.settle(17.0)

        assert reason_of(operator.outcomes.of(OWNER)["config-map"].outcome) == "Terminating"
    assert [request for request in stage.new_writes() if writes_children(request)] == []


async def test_the_first_children_of_a_new_owner_cost_no_look_at_it(stage: OwnedStage) -> None:
    async with stage.running():
        stage.greet("other")
        stage.api.delete(GREETING, OWNER)
        await stage.settle()
        stage.api.requests.clear()
        stage.greet("ann")
        await stage.settle()

        assert stage.names() == ["hi-ann"]
        looks = [r for r in stage.api.requests if r.method == "GET" and r.path.endswith("/hi")]
        assert looks == []
