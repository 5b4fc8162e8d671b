"""Laying intents over what is live."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from registry_operator.testing.fake_api.schema.merge import merged
from registry_operator.testing.fake_api.schema.model import structural

LIST = structural(
    {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "items": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "note": {"type": "string"}},
        },
    }
)
names = st.lists(st.sampled_from("abcdef"), unique=True)


def items(chosen: list[str], **extra: str) -> list[dict[str, Any]]:
    return [{"name": name, **extra} for name in chosen]


@given(names, names)
def test_nothing_is_lost_and_ours_stand_in_our_order(live: list[str], intent: list[str]) -> None:
    result = [item["name"] for item in merged(LIST, items(live), items(intent))]

    assert sorted(result) == sorted({*live, *intent})
    assert [name for name in result if name in intent] == intent
    theirs = [name for name in live if name not in intent]
    assert [name for name in result if name in theirs] == theirs


@given(names)
def test_laying_the_same_twice_changes_nothing(intent: list[str]) -> None:
    once = merged(LIST, [], items(intent))

    assert merged(LIST, once, items(intent)) == once == items(intent)


def test_neither_side_is_changed() -> None:
    live, intent = items(["a", "b"], note="live"), items(["b", "c"], note="ours")
    before = copy.deepcopy((live, intent))
    result = merged(LIST, live, intent)

    assert (live, intent) == before
    assert [item["note"] for item in result] == ["live", "ours", "ours"]


def test_what_is_of_another_kind_is_replaced() -> None:
    assert merged(LIST, {"a": 1}, items(["b"])) == items(["b"])
    assert merged(LIST, None, items(["b"])) == items(["b"])
