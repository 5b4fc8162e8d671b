"""From a change to keys: whom it concerns, and which changes concern nobody."""

from typing import Any

import pytest

from registry_operator.kube.object import Object
from registry_operator.runtime.change import Applied, Removed
from registry_operator.runtime.ownership import Claim, controller_reference, judge
from registry_operator.runtime.predicate import intent_changed
from registry_operator.testing.virtual_loop import VirtualClock
from tests.conformance.origin import origin
from tests.example_operator import GREETING, LABEL
from tests.unit.runtime.controller_stage import (
    Scripted,
    Stage,
    a_store,
    a_widget,
    by_label,
    running,
)

OWNER = Object.of({"metadata": {"namespace": "ns", "name": "hi", "uid": "u1"}})


@pytest.fixture
def stage(clock: VirtualClock) -> Stage:
    return Stage(clock)


def a_child(**reference: Any) -> Object:
    references = [controller_reference(GREETING, OWNER) | reference]
    metadata = {"namespace": "ns", "name": "x", "ownerReferences": references}
    return Object.of({"metadata": metadata})


@origin(140, "eventhandler_test :: enqueue the owners of both objects in an UpdateEvent", "M2")
@origin(140, "eventhandler_test :: one duplicate owner is enqueued once", "M2")
@pytest.mark.parametrize(
    ("before", "after", "concerned"),
    [
        ("one", "two", {"one", "two"}),
        ("one", "one", {"one"}),
        ("one", "", {"one"}),
        ("", "", set()),
    ],
)
async def test_a_change_concerns_the_owner_before_and_the_owner_after_each_once(
    stage: Stage, before: str, after: str, concerned: set[str]
) -> None:
    store, writer = a_store()
    writer.upsert(a_widget("w", 1, owner=before))
    reconcile = Scripted(stage.clock)
    controller = stage.controller(reconcile)
    async with running(controller):
        controller.watch(store, by_label)
        await stage.clock.sleep(1)
        reconcile.runs.clear()
        writer.upsert(a_widget("w", 2, owner=after))
        await stage.clock.sleep(1)

    assert sorted(key.name for key, _ in reconcile.runs) == sorted(concerned)


@origin(140, "eventhandler_test :: match the owner's group and kind, ignoring the version", "M1")
@origin(
    140, "eventhandler_test :: controller owners only; an invalid APIVersion does nothing", "M1"
)
@pytest.mark.parametrize(
    ("reference", "claim"),
    [
        ({"uid": "u1"}, Claim.OURS),
        ({"uid": "u0", "apiVersion": "example.org/v7"}, Claim.PREDECESSOR),
        ({"uid": "u0", "apiVersion": "example.com/v1"}, Claim.FOREIGN),
        ({"uid": "u0", "apiVersion": "example.org/v1/v2"}, Claim.FOREIGN),
        ({"uid": "u0", "kind": "Other"}, Claim.FOREIGN),
        ({"uid": "u1", "controller": False}, Claim.FOREIGN),
    ],
)
def test_an_owner_is_known_by_uid_or_by_group_kind_and_name_whatever_its_version(
    reference: dict[str, Any], claim: Claim
) -> None:
    child = a_child(**reference)

    assert judge(child, owner=OWNER, resource=GREETING, labels={LABEL: "hi"}) is claim


def a_change(**changed: Any) -> Applied:
    before = {"name": "w", "uid": "u1", "resourceVersion": "1", "generation": 1}
    after = before | {"resourceVersion": "2"} | changed
    return Applied(Object.of({"metadata": before}), Object.of({"metadata": after}))


@origin(142, "predicate_test :: ResourceVersionChanged, GenerationChanged", "Q2, Q3")
@origin(142, "predicate_test :: AnnotationChanged, LabelChanged, Or", "Q1, Q4")
@pytest.mark.parametrize(
    ("changed", "concerns"),
    [
        ({}, False),
        ({"generation": 2}, True),
        ({"labels": {"a": "b"}}, True),
        ({"annotations": {"a": "b"}}, True),
        ({"finalizers": ["example.org/hold"]}, True),
        ({"deletionTimestamp": "2026-01-01T00:00:00Z"}, True),
        ({"generation": 0}, True),
        ({"uid": "u2"}, True),
    ],
)
def test_a_change_of_anything_but_the_status_concerns_a_reconciler(
    changed: dict[str, Any],
    concerns: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    assert intent_changed(a_change(**changed)) is concerns


@origin(142, "predicate_test :: create, delete and generic events pass", "Q2")
def test_creation_and_removal_concern_a_reconciler_always() -> None:
    obj = a_widget("w", 1)

    assert intent_changed(Applied(None, obj))
    assert intent_changed(Removed(obj))


@origin(142, "predicate_test :: And, Or, Not; LabelSelectorPredicate", "Q1")
async def test_changes_are_picked_by_any_function_of_what_was_and_what_is(stage: Stage) -> None:
    store, writer = a_store()
    reconcile = Scripted(stage.clock)
    controller = stage.controller(reconcile)
    controller.watch(
        store,
        by_label,
        when=lambda change: isinstance(change, Applied) and "owner" in change.new.labels,
    )
    async with running(controller):
        writer.upsert(a_widget("w", 1, owner="one"))
        writer.upsert(a_widget("x", 2, owner="two"))
        await stage.clock.sleep(1)
        writer.upsert(a_widget("w", 3))
        writer.remove(a_widget("x", 4, owner="two"))
        await stage.clock.sleep(1)

    assert [key.name for key, _ in reconcile.runs] == ["one", "two"]
