"""Sets of fields behave as sets do, whatever tree they are."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_operator.testing.fake_api.schema.fields import (
    changed,
    difference,
    everything,
    intersection,
    named,
    paths,
    removed,
    union,
    with_declared,
    without,
)
from registry_operator.testing.fake_api.schema.model import ANYTHING, structural

_names = st.sampled_from("abc")
_values = st.recursive(
    st.integers(0, 2), lambda below: st.dictionaries(_names, below, max_size=3), max_leaves=8
)
objects = st.dictionaries(_names, _values, max_size=3)
sets = objects.map(lambda value: named(ANYTHING, value))


def members(fields: Any) -> set[str]:
    return set(paths(fields))


@given(sets, sets)
def test_set_algebra(one: Any, other: Any) -> None:
    assert members(union(one, other)) == members(one) | members(other)
    assert members(intersection(one, other)) == members(one) & members(other)
    assert members(difference(one, other)) == members(one) - members(other)


@given(objects, objects)
def test_what_changed_and_what_was_removed_tell_two_states_apart(old: Any, new: Any) -> None:
    before, after = members(everything(ANYTHING, old)), members(everything(ANYTHING, new))

    assert after - before <= members(changed(ANYTHING, old, new)) <= after
    assert before - after <= members(removed(ANYTHING, old, new)) <= before
    assert (changed(ANYTHING, old, new) == removed(ANYTHING, old, new) == {}) == (old == new)


@given(objects)
def test_without_everything_nothing_is_left(value: Any) -> None:
    assert without(ANYTHING, value, everything(ANYTHING, value)) == {}
    assert without(ANYTHING, value, {}) == value


SCHEMA = structural(
    {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "ports": {
                        "type": "array",
                        "x-kubernetes-list-type": "map",
                        "x-kubernetes-list-map-keys": ["port", "protocol"],
                        "items": {
                            "type": "object",
                            "properties": {
                                "port": {"type": "integer"},
                                "protocol": {"type": "string", "default": "TCP"},
                            },
                        },
                    },
                    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                    "set": {
                        "type": "array",
                        "x-kubernetes-list-type": "set",
                        "items": {"type": "string"},
                    },
                },
            }
        },
    }
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"spec": {}}, {"f:spec": {}}),
        ({"spec": {"labels": {}}}, {"f:spec": {"f:labels": {}}}),
        ({"spec": {"labels": {"a": "b"}}}, {"f:spec": {"f:labels": {"f:a": {}}}}),
        ({"spec": {"set": []}}, {}),
        ({"spec": {"set": ["x"]}}, {"f:spec": {"f:set": {'v:"x"': {}}}}),
        (
            {"spec": {"ports": [{"port": 1}]}},
            {
                "f:spec": {
                    "f:ports": {'k:{"port":1,"protocol":"TCP"}': {".": {}, "f:port": {}}},
                }
            },
        ),
    ],
)
def test_an_intent_names_leaves_items_and_what_is_empty(value: Any, expected: Any) -> None:
    assert named(SCHEMA, value) == expected


def test_declared_fields_on_the_way_become_members_and_entries_do_not() -> None:
    fields: Any = {"f:spec": {"f:labels": {"f:a": {}}}}

    assert with_declared(SCHEMA, fields) == {
        "f:spec": {".": {}, "f:labels": {".": {}, "f:a": {}}},
    }


def test_paths_are_written_as_errors_name_them() -> None:
    value = {"spec": {"ports": [{"port": 1}], "set": ["x"]}}

    assert list(paths(named(SCHEMA, value))) == [
        '.spec.ports[port=1,protocol="TCP"]',
        '.spec.ports[port=1,protocol="TCP"].port',
        '.spec.set[="x"]',
    ]
