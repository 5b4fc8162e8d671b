"""Laying an intent over what is live, by the schema of the kind (structured-merge-diff).

In flow a schema, a live value and an intent; out flows the merged value, or the reason why the
intent fits no object of this kind.
"""

from typing import Any

from registry_operator.testing.fake_api.schema.fields import is_granular, members, paths, steps
from registry_operator.testing.fake_api.schema.model import ANYTHING, Schema
from registry_operator.testing.fake_api.schema.validation import is_mistyped, json_type


class MisfitError(ValueError):
    """An intent that is no object of its kind; the message names the field."""


def check(schema: Schema, value: Any, *, at: str = "") -> None:
    """Raise MisfitError for undeclared fields, wrong types and items that are the same."""
    if value is None:
        return
    if is_mistyped(schema, value):
        wanted = "numeric (int or float)" if "integer" in schema.types else min(schema.types)
        raise MisfitError(f"{at}: expected {wanted}, got {json_type(value)}")
    if isinstance(value, dict) and not schema.is_atomic:
        for name, member in value.items():
            known = schema.member(name)
            if known is None and schema.is_object:
                raise MisfitError(f"{at}.{name}: field not declared in schema")
            check(known or ANYTHING, member, at=f"{at}.{name}")
    elif isinstance(value, list) and schema.items is not None:
        _check_list(schema, value, at)


def _check_list(schema: Schema, value: list[Any], at: str) -> None:
    assert schema.items is not None
    for index, item in enumerate(value):
        where = f"{at}[{index}]"
        if schema.keys and isinstance(item, dict):
            (where,) = paths({steps(schema, [item])[0]: {}}, at=at)
            if where == f"{at}[]":
                keys = ", ".join(f'"{key}"' for key in schema.keys)
                raise MisfitError(
                    f"{at}: element {index}: associative list with keys has an element that omits"
                    f" all key fields [{keys}] (and doesn't have default values for any key fields)"
                )
        check(schema.items, item, at=where)
    if schema.keys or schema.is_set:
        named = steps(schema, value)
        twice = next((step for i, step in enumerate(named) if step in named[:i]), None)
        if twice is not None:
            (where,) = paths({twice: {}})
            raise MisfitError(f"{at}: duplicate entries for key {where}")


def merged(schema: Schema, live: Any, intent: Any) -> Any:
    """Lay an intent over what is live; the result shares parts of both, neither is changed."""
    if not is_granular(schema, intent):
        return intent
    if type(live) is not type(intent):
        live = {} if isinstance(intent, dict) else []
    if isinstance(intent, dict):
        result = dict(live)
        for name, member in intent.items():
            result[name] = merged(schema.member(name) or ANYTHING, live.get(name), member)
        return result
    return _merged_list(schema, live, intent)


def _merged_list(schema: Schema, live: list[Any], intent: list[Any]) -> list[Any]:
    """Ours in our order; the items of others stay where they stood among them."""
    theirs = {step: item for step, _, item in members(schema, live)}
    ours = {step: item for step, _, item in members(schema, intent)}
    items = schema.items or ANYTHING
    return [
        merged(items, theirs.get(step), ours[step]) if step in ours else theirs[step]
        for step in _interleaved(list(theirs), list(ours))
    ]


def _interleaved(live: list[str], intent: list[str]) -> list[str]:
    shared = [step for step in intent if step in set(live)]
    left = list(reversed(live))
    right = list(reversed(intent))
    result: list[str] = []
    while left or right:
        step = left[-1] if left else None
        if step is None:
            result += reversed(right)
            break
        if step not in intent:
            result.append(left.pop())
        elif not shared or step != shared[0]:
            # It has been taken already, or is taken when the intent comes to it.
            left.pop()
        else:
            result.append(taken := right.pop())
            if taken == step:
                left.pop()
                shared.pop(0)
    return result
