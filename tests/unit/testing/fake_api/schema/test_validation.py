"""What a structural schema forbids, where the suite of behaviours does not say it already."""

from typing import Any

import pytest

from registry_operator.testing.fake_api.schema.model import structural
from registry_operator.testing.fake_api.schema.validation import violations

SCHEMA = structural(
    {
        "type": "object",
        "properties": {
            "size": {"type": "integer", "maximum": 10},
            "ratio": {"type": "number", "minimum": 0.5},
            "list": {"type": "array", "minItems": 1, "items": {"type": "string"}},
            "map": {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 2,
                "additionalProperties": {"type": "string"},
            },
            "either": {
                "maxLength": 3,
                "properties": {"key": {"type": "string"}},
                "required": ["key"],
                "not": {"pattern": "$.", "maxProperties": 0},
                "x-kubernetes-preserve-unknown-fields": True,
            },
            "parts": {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
                "items": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string"},
                        "weight": {"type": "integer", "maximum": 5},
                    },
                },
            },
        },
    }
)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"ratio": 0.1}, "ratio in body should be greater than or equal to 0.5"),
        ({"ratio": 1}, ""),
        ({"list": []}, "list in body should have at least 1 items"),
        ({"map": {}}, "map in body should have at least 1 properties"),
        ({"map": {"a": "", "b": "", "c": ""}}, "Too many: 3: must have at most 2 items"),
        ({"size": True}, 'must be of type integer: "boolean"'),
        ({"size": 1.5}, 'must be of type integer: "number"'),
        ({"unknown": 1}, ""),
        ({"either": "abc"}, ""),
        ({"either": ""}, ""),
        ({"either": {"key": "a", "other": 1}}, ""),
        ({"either": "abcd"}, "Too long: may not be more than 3 bytes"),
        ({"either": {"name": "a"}}, "Required value"),
        ({"either": {"key": 1}}, "either.key in body must be of type string"),
        ({"either": 5}, '"either" must not validate the schema (not)'),
        ({"either": True}, '"either" must not validate the schema (not)'),
        ({"either": []}, '"either" must not validate the schema (not)'),
    ],
)
def test_bounds_of_every_type(value: Any, told: str) -> None:
    found = violations(SCHEMA, value)

    assert len(found) == bool(told)
    assert told in "".join(cause.message for cause in found)


def test_what_was_wrong_before_and_stays_as_it_was_is_forgiven() -> None:
    old = {"size": 11, "parts": [{"name": "a", "weight": 9}]}
    new = {"size": 11, "parts": [{"name": "b", "weight": 8}, {"name": "a", "weight": 9}]}

    assert [cause.field for cause in violations(SCHEMA, new, old=old)] == ["parts[0].weight"]
    assert [cause.field for cause in violations(SCHEMA, old)] == ["parts[0].weight", "size"]
