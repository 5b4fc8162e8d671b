"""Whose object it is: by uid first, then by group, kind and name, then by labels."""

from typing import Any

import pytest

from registry_operator.kube.object import Object
from registry_operator.runtime.ownership import (
    Claim,
    by_owner_label,
    controller_reference,
    describe,
    judge,
)
from tests.example_operator import CONFIG_MAP, GREETING, IDENTITY, LABEL

OWNER = Object.of({"metadata": {"namespace": "ns", "name": "hi", "uid": "u1"}})
LABELS = {LABEL: "hi"}


def a_child(*, labels: dict[str, str] | None = None, **reference: Any) -> Object:
    references = [controller_reference(GREETING, OWNER) | reference] if reference else []
    metadata = {"namespace": "ns", "name": "x", "labels": labels or {}}
    return Object.of({"metadata": metadata | {"ownerReferences": references}})


@pytest.mark.parametrize(
    ("child", "claim"),
    [
        (a_child(uid="u1"), Claim.OURS),
        (a_child(labels=LABELS), Claim.ORPHAN),
        (a_child(labels={LABEL: "other"}), Claim.FOREIGN),
        (a_child(), Claim.FOREIGN),
        (a_child(uid="u0"), Claim.PREDECESSOR),
        (a_child(uid="u0", apiVersion="example.org/v2"), Claim.PREDECESSOR),
        (a_child(uid="u0", apiVersion="v1"), Claim.FOREIGN),
        (a_child(uid="u0", name="else", labels=LABELS), Claim.FOREIGN),
        (a_child(uid="u0", kind="Farewell"), Claim.FOREIGN),
        (a_child(uid="u1", controller=False, labels=LABELS), Claim.ORPHAN),
    ],
)
def test_a_found_object_is_judged(child: Object, claim: Claim) -> None:
    assert judge(child, owner=OWNER, resource=GREETING, labels=LABELS) is claim
    assert IDENTITY.judge(child, owner=OWNER) is claim


def test_a_foreign_object_is_described_by_who_holds_it() -> None:
    assert describe(a_child()) == "not created by this operator"
    assert describe(a_child(uid="u0", kind="Farewell", name="bye")) == "controlled by Farewell bye"


def test_children_are_indexed_by_the_owner_that_their_label_names() -> None:
    index = by_owner_label(LABEL)

    assert index(a_child(labels=LABELS)) == ("ns/hi",)
    assert index(a_child()) == ()


@pytest.mark.parametrize("outlives", [False, True])
def test_an_intent_carries_type_labels_seal_and_owner_unless_it_outlives_him(
    outlives: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    body = {"metadata": {"name": "x", "labels": {"mine": "1", LABEL: "forged"}}, "data": {}}
    intent = IDENTITY.mark(body, resource=CONFIG_MAP, owner=OWNER, outlives_owner=outlives)

    assert (intent["apiVersion"], intent["kind"]) == ("v1", "ConfigMap")
    assert intent["metadata"]["labels"] == {"mine": "1", **LABELS}
    assert ("ownerReferences" in intent["metadata"]) is not outlives
    assert IDENTITY.mark_of(intent)
