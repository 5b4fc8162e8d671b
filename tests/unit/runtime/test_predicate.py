"""Which changes wake a reconciler that does not look at the status."""

from typing import Any

import pytest

from registry_operator.kube.object import Object
from registry_operator.runtime.change import Applied, Removed
from registry_operator.runtime.predicate import intent_changed, others_changed

METADATA = {"name": "x", "namespace": "ns", "uid": "u", "generation": 3, "resourceVersion": "7"}
REFERENCE = {"apiVersion": "v1", "kind": "K", "name": "n", "uid": "o"}


def an_object(**changed: Any) -> Object:
    return Object.of({"metadata": METADATA | changed})


def test_a_changed_status_alone_does_not() -> None:
    assert not intent_changed(Applied(an_object(), an_object(resourceVersion="8")))


@pytest.mark.parametrize(
    "changed",
    [
        {"generation": 4},
        {"labels": {"a": "b"}},
        {"annotations": {"a": "b"}},
        {"finalizers": ["f"]},
        {"ownerReferences": [REFERENCE]},
        {"deletionTimestamp": "2026-01-01T00:00:00Z"},
        {"uid": "another"},
    ],
)
def test_anything_else_does(changed: dict[str, Any]) -> None:
    assert intent_changed(Applied(an_object(), an_object(**changed)))


def test_coming_going_resyncs_and_kinds_without_generation_do() -> None:
    assert intent_changed(Applied(None, an_object()))
    assert intent_changed(Removed(an_object()))
    assert intent_changed(Applied(an_object(), an_object(), resync=True))
    assert intent_changed(Applied(an_object(generation=0), an_object(generation=0)))


def test_the_answer_to_our_own_write_is_told_apart() -> None:
    assert not others_changed(Applied(None, an_object(), own=True))
    assert others_changed(Applied(None, an_object()))
    assert others_changed(Removed(an_object()))
