from typing import Any

import pytest

from registry_operator.kube.errors import BadRequest, Invalid
from registry_operator.testing.fake_api.patch import json_patched, merge_patched


@pytest.mark.parametrize(
    ("body", "patch", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": [1]}, {"a": [2, 3]}, {"a": [2, 3]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": "foo"}, {"a": {"b": "c"}}, {"a": {"b": "c"}}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"a": 1}, ["c"], ["c"]),
    ],
)
def test_merge_patches_follow_the_examples_of_rfc_7386(
    body: Any, patch: Any, expected: Any
) -> None:
    assert merge_patched(body, patch) == expected


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "add", "path": "/list/-", "value": 3}, {"list": [1, 2, 3], "a/b": 1}),
        ({"op": "add", "path": "/list/0", "value": 3}, {"list": [3, 1, 2], "a/b": 1}),
        ({"op": "add", "path": "/new", "value": {}}, {"list": [1, 2], "a/b": 1, "new": {}}),
        ({"op": "remove", "path": "/list/0"}, {"list": [2], "a/b": 1}),
        ({"op": "replace", "path": "/a~1b", "value": 2}, {"list": [1, 2], "a/b": 2}),
        ({"op": "replace", "path": "/new", "value": 2}, {"list": [1, 2], "a/b": 1, "new": 2}),
        ({"op": "test", "path": "/list/1", "value": 2}, {"list": [1, 2], "a/b": 1}),
        ({"op": "replace", "path": "", "value": {"x": 1}}, {"x": 1}),
    ],
)
def test_json_patches_do_as_they_say(operation: dict[str, Any], expected: Any) -> None:
    body = {"list": [1, 2], "a/b": 1}

    assert json_patched(body, [operation]) == expected
    assert body == {"list": [1, 2], "a/b": 1}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/missing"},
        {"op": "replace", "path": "/list/0", "value": 1},
        {"op": "test", "path": "/a", "value": 2},
        {"op": "add", "path": "/x/y", "value": 2},
        {"op": "add", "path": "/list/word", "value": 2},
    ],
)
def test_an_operation_that_fails_is_invalid(operation: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        json_patched({"a": 1, "list": []}, [operation])


def test_an_unknown_operation_is_refused() -> None:
    with pytest.raises(BadRequest):
        json_patched({}, [{"op": "mix", "path": "/a"}])
