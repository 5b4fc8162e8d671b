"""The generic reconciler of one owned kind: when it writes, when it waits, and what it never does."""

from typing import Any

import pytest

from registry_operator.kube.errors import (
    Conflict,
    TransportError,
)
from registry_operator.kube.exchange import MERGE_PATCH
from registry_operator.kube.object import Object
from registry_operator.runtime.operator import Operator
from registry_operator.runtime.outcome import After, Blocked, Done, Outcome, Stalled
from registry_operator.testing.virtual_loop import VirtualClock
from tests.example_operator import CONFIG_MAP, GREETING, LABEL, Snapshot
from tests.unit.runtime.owned_stage import (
    CHILD,
    MARKED,
    OWNER,
    OwnedStage,
    reason_of,
    writes_children,
)

MARK = "example.org/intent"


@pytest.fixture
def stage(clock: VirtualClock) -> OwnedStage:
    return OwnedStage(clock)


def outcome(operator: Operator) -> Outcome:
    return operator.outcomes.of(OWNER)["config-map"].outcome


async def test_an_owner_that_is_gone_leaves_nothing_on_the_board(stage: OwnedStage) -> None:
    stage.greet("ann")
    async with stage.running() as operator:
        assert outcome(operator) == Done()
        stage.api.delete(GREETING, OWNER)
        await stage.settle()

        assert operator.outcomes.of(OWNER) == {}


async def test_nothing_is_written_for_an_owner_on_hold(stage: OwnedStage) -> None:
    stage.greet("ann")
    hold = {"finalizers": ["example.org/hold"]}
    stage.api.change(GREETING, OWNER, lambda body: body["metadata"].update(hold))
    stage.api.delete(GREETING, OWNER)
    async with stage.running() as operator:
        assert reason_of(outcome(operator)) == "Terminating"

    assert stage.new_writes() == []


@pytest.mark.parametrize("said", [Blocked("NotYet", "wait"), Stalled("Wrong", "correct it")])
async def test_what_cannot_be_desired_is_told_and_deletes_nothing(
    clock: VirtualClock, said: Blocked | Stalled
) -> None:
    made = OwnedStage(clock)
    made.greet("ann")
    async with made.running():
        made.new_writes()
    stage = OwnedStage(clock, desired=lambda _snapshot: said)
    stage.api = made.api
    async with stage.running() as operator:
        assert outcome(operator) == said

    assert stage.names() == ["hi-ann"]


async def test_the_server_may_add_and_rewrite_without_a_further_write(stage: OwnedStage) -> None:
    def default(_verb: str, resource: object, body: dict[str, Any]) -> None:
        if resource == CONFIG_MAP:
            body["data"]["text"] = body["data"]["text"].upper()
            body["immutable"] = False

    stage.api.admit(default)
    stage.greet("ann")
    async with stage.running():
        await stage.settle()
        assert len(stage.new_writes()) == 1
        stage.change_child(extra="of somebody else")
        await stage.settle()

    assert stage.new_writes() == []


async def test_an_object_that_is_not_ours_is_left_alone_named_and_looked_at_again(
    stage: OwnedStage,
) -> None:
    stage.a_config_map()
    stage.greet("ann", "bob")
    async with stage.running() as operator:
        told = outcome(operator)
        assert isinstance(told, After)
        assert told.reason == "ForeignObject"
        assert "ConfigMap ns/hi-ann exists and is not created by this operator" in told.message
        assert "delete or rename it" in told.message
        assert stage.child["data"] == {"text": "theirs"}
        assert "hi-bob" in stage.names()

        stage.api.delete(CONFIG_MAP, CHILD)
        await stage.settle(31)
        assert stage.child["data"] == {"text": "Hello, ann!"}
        assert outcome(operator) == Done()


async def test_a_foreign_object_in_which_nothing_is_disputed_is_not_taken_over_either(
    stage: OwnedStage,
) -> None:
    stage.api.put(CONFIG_MAP, {"metadata": {"namespace": "ns", "name": CHILD.name}})
    before = stage.child
    stage.greet("ann")
    async with stage.running() as operator:
        assert reason_of(outcome(operator)) == "ForeignObject"

    assert stage.child == before


async def test_what_takes_the_name_after_the_look_is_left_alone_too(stage: OwnedStage) -> None:
    """The look of a first write and the write are one request: nothing comes in between."""
    stage.api.faults.plan(writes_children, delay=5.0)
    async with stage.running() as operator:
        stage.greet("ann")
        await stage.settle(1)
        before = stage.a_config_map()
        await stage.settle()

        assert reason_of(outcome(operator)) == "ForeignObject"
    assert stage.child == before


async def test_a_first_write_is_one_request(stage: OwnedStage) -> None:
    async with stage.running():
        stage.api.requests.clear()
        stage.greet("ann", "bob")
        await stage.settle()

        asked = [one for one in stage.api.requests if "/configmaps" in one.path]
        assert [(one.method, one.path[-6:]) for one in asked] == [
            ("PATCH", "hi-ann"),
            ("PATCH", "hi-bob"),
        ]


async def test_a_name_that_is_taken_is_looked_at_and_no_more_written(stage: OwnedStage) -> None:
    stage.a_config_map()
    stage.greet("ann")
    async with stage.running():
        await stage.settle(300)

        assert len(stage.new_writes()) == 1


async def test_a_conflict_about_something_else_does_not_keep_a_child_from_being_made(
    stage: OwnedStage,
) -> None:
    """As where many creations at once contend for a quota."""
    contended = Conflict(409, reason="Conflict", message="resourcequotas: please try again")
    stage.api.faults.plan(writes_children, contended)
    stage.greet("ann")
    async with stage.running() as operator:
        assert outcome(operator) == Done()

    assert stage.child["data"] == {"text": "Hello, ann!"}


async def test_the_child_of_a_deleted_namesake_is_waited_for(stage: OwnedStage) -> None:
    stage.a_config_map(labels=MARKED, finalizers=["example.org/hold"])
    stage.greet("ann")
    stage.api.delete(CONFIG_MAP, CHILD)
    async with stage.running() as operator:
        assert reason_of(outcome(operator)) == "ChildTerminating"
        stage.change_child(metadata={"finalizers": []})
        await stage.settle(1)

        assert stage.child["data"] == {"text": "Hello, ann!"}
        assert outcome(operator) == Done()


async def test_an_orphan_with_our_labels_is_adopted(stage: OwnedStage) -> None:
    stage.a_config_map(labels=MARKED)
    owner = stage.greet("ann")
    async with stage.running():
        controller = Object.of(stage.child).controller()

    assert controller is not None
    assert controller.uid == owner["metadata"]["uid"]
    assert stage.child["data"] == {"text": "Hello, ann!"}


async def test_a_child_whose_label_was_taken_away_is_found_and_marked_again(
    stage: OwnedStage,
) -> None:
    stage.greet("ann")
    async with stage.running():
        stage.change_child(metadata={"labels": {}}, data={"text": "changed"})
        await stage.settle()

    assert stage.child["metadata"]["labels"] == MARKED
    assert stage.child["data"] == {"text": "Hello, ann!"}


async def test_only_what_we_own_and_no_longer_want_is_deleted(stage: OwnedStage) -> None:
    stage.greet("ann")
    other = {"apiVersion": "v1", "kind": "Other", "name": "o", "uid": "nobody", "controller": True}
    async with stage.running():
        owner = stage.api.put(GREETING, {"metadata": {"namespace": "ns", "name": "other"}, "spec": {"names": []}})  # fmt: skip
        reference = other | {"uid": owner["metadata"]["uid"]}
        stage.a_config_map("foreign", labels=MARKED, ownerReferences=[reference])
        stage.a_config_map("orphan", labels=MARKED)
        stage.a_config_map("unmarked")
        await stage.settle()

        assert stage.names() == ["foreign", "hi-ann", "unmarked"]


async def test_what_may_not_be_pruned_stays(clock: VirtualClock) -> None:
    for may_prune in (None, lambda _snapshot, _child: False):
        stage = OwnedStage(clock, may_prune=may_prune)
        stage.greet("ann")
        async with stage.running():
            stage.greet()
            await stage.settle()

        assert stage.names() == ["hi-ann"]


async def test_a_child_that_outlives_its_owner_has_none(clock: VirtualClock) -> None:
    stage = OwnedStage(clock, outlives_owner=True)
    stage.greet("ann")
    async with stage.running():
        assert "ownerReferences" not in stage.child["metadata"]
        stage.api.delete(GREETING, OWNER)
        await stage.settle()

    assert stage.names() == ["hi-ann"]


class TestMadeOnce:
    """Kinds that are `create_only`."""

    @pytest.fixture
    def stage(self, clock: VirtualClock) -> OwnedStage:
        return OwnedStage(clock, create_only=True, desired=_never_twice_the_same())

    async def test_is_never_written_again(self, stage: OwnedStage) -> None:
        stage.greet("ann")
        async with stage.running():
            before = stage.child["data"]
            stage.new_writes()
            stage.greet("ann", "bob")
            await stage.settle()
            assert [request.path[-6:] for request in stage.new_writes()] == ["hi-bob"]
        async with stage.running():
            await stage.settle()

        assert stage.child["data"] == before
        assert stage.new_writes() == []

    @pytest.mark.parametrize("labels", [{}, {LABEL: ""}, {LABEL: "another"}])
    async def test_gets_labels_and_owner_back_and_keeps_the_rest(
        self, stage: OwnedStage, labels: dict[str, str]
    ) -> None:
        stage.greet("ann")
        async with stage.running():
            before = stage.child
            stage.change_child(metadata={"labels": labels, "annotations": {"x": "y"}})
            await stage.settle()

        assert stage.child["metadata"]["labels"] == MARKED
        assert stage.child["metadata"]["annotations"] == {"x": "y"}
        assert stage.child["data"] == before["data"]

    async def test_labels_that_are_taken_again_and_again_are_given_up_for_a_while(
        self, stage: OwnedStage
    ) -> None:
        stage.greet("ann")
        async with stage.running() as operator:
            told = set()
            for _ in range(30):
                stage.change_child(metadata={"labels": {}})
                await stage.settle(0.3)
                told.add(getattr(outcome(operator), "message", ""))

        (contested,) = told - {""}
        assert f"metadata.labels.{LABEL} of ConfigMap ns/hi-ann is changed" in contested
        repairs = [one for one in stage.new_writes() if one.content_type == MERGE_PATCH]
        assert len(repairs) < 14


def _never_twice_the_same() -> Any:
    count = 0

    def desired(snapshot: Snapshot) -> list[dict[str, Any]]:
        nonlocal count
        count += 1
        names = snapshot.owner.body()["spec"]["names"]
        return [
            {"metadata": {"namespace": "ns", "name": f"hi-{name}"}, "data": {"n": str(count)}}
            for name in names
        ]

    return desired


class TestSomebodyInsists:
    """Two controllers that write the same field."""

    @pytest.mark.parametrize("strip_annotation", [False, True])
    async def test_repairs_become_rare_and_are_told(
        self,
        stage: OwnedStage,
        strip_annotation: bool,  # noqa: FBT001 - a parameter of the test
    ) -> None:
        def insist(body: dict[str, Any]) -> None:
            body["data"]["text"] = "mine"
            if strip_annotation:
                body["metadata"].pop("annotations", None)

        stage.greet("ann")
        async with stage.running() as operator:
            stage.new_writes()
            for _ in range(600):
                if stage.child["data"]["text"] != "mine":
                    stage.api.change(CONFIG_MAP, CHILD, insist)
                await stage.settle(1)
            told = outcome(operator)

        assert len(stage.new_writes()) <= 18
        assert isinstance(told, After)
        assert told.reason == "Contested"
        assert "ConfigMap ns/hi-ann is changed by somebody else again and again" in told.message

    async def test_who_deletes_a_child_again_and_again_is_named_too(
        self, stage: OwnedStage
    ) -> None:
        stage.greet("ann")
        async with stage.running() as operator:
            stage.new_writes()
            for _ in range(600):
                if stage.names():
                    stage.api.delete(CONFIG_MAP, CHILD)
                await stage.settle(1)
            told = outcome(operator)

        assert len(stage.new_writes()) <= 18
        assert reason_of(told) == "Contested"
        assert "ConfigMap ns/hi-ann is deleted by somebody else" in getattr(told, "message", "")

    async def test_the_owner_of_the_same_name_that_comes_next_starts_anew(
        self, stage: OwnedStage
    ) -> None:
        async with stage.running():
            for _ in range(14):
                stage.greet("ann")
                await stage.settle(1)
                assert stage.names() == ["hi-ann"]
                stage.api.delete(GREETING, OWNER)
                await stage.settle(1)

    async def test_what_we_prune_ourselves_is_no_contest(self, stage: OwnedStage) -> None:
        async with stage.running():
            for _ in range(14):
                stage.greet("ann")
                await stage.settle(1)
                assert stage.names() == ["hi-ann"]
                stage.greet()
                await stage.settle(1)
                assert stage.names() == []

    async def test_a_quiet_time_ends_it(self, stage: OwnedStage) -> None:
        stage.greet("ann")
        async with stage.running() as operator:
            for _ in range(14):
                stage.change_child(data={"text": "mine"})
                await stage.settle(1)
            await stage.settle(900)
            assert outcome(operator) == Done()
            stage.change_child(data={"text": "mine"})
            await stage.settle(0.5)

            assert stage.child["data"]["text"] == "Hello, ann!"


async def test_a_write_whose_fate_is_unknown_is_made_once(stage: OwnedStage) -> None:
    cut = TransportError("cut", sent=True)
    stage.api.faults.plan(writes_children, cut, after_effect=True)
    stage.greet("ann")
    async with stage.running() as operator:
        assert outcome(operator) == Done()

    assert stage.child["metadata"]["uid"]
    assert stage.child["data"] == {"text": "Hello, ann!"}


async def test_the_sealed_digest_tells_one_intent_from_another(stage: OwnedStage) -> None:
    stage.greet("ann")
    async with stage.running():
        mark = stage.child["metadata"]["annotations"][MARK]
        stage.change_child(metadata={"annotations": {MARK: "forged"}})
        await stage.settle()

        assert stage.child["metadata"]["annotations"][MARK] == mark
