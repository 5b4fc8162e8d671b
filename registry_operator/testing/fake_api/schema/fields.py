"""Sets of fields, as `managedFields` writes them (KEP-555, FieldsV1).

In flow a schema and values; out flow sets: what an intent names, what was added, changed or removed
between two states. A set is the tree of FieldsV1 itself: a node is a member of the set when it is
empty or holds ".".
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from registry_operator.testing.fake_api.schema.model import ANYTHING, Schema

Fields = dict[str, Any]

_SELF: Final = "."


def item_step(schema: Schema, item: Mapping[str, Any]) -> str:
    """Name one item of a list that is a map, by its keys and their defaults."""
    assert schema.items is not None
    keys = {}
    for key in sorted(schema.keys):
        declared = schema.items.fields.get(key)
        default = declared.default if declared is not None else None
        if item.get(key, default) is not None:
            keys[key] = item.get(key, default)
    return "k:" + orjson.dumps(keys).decode()


def steps(schema: Schema, values: list[Any]) -> list[str]:
    """Name the items of a list that is a map or a set."""
    if schema.keys:
        return [item_step(schema, item) for item in values]
    return ["v:" + orjson.dumps(value).decode() for value in values]


def is_granular(schema: Schema, value: Any) -> bool:
    """Whether several managers may own parts of this value."""
    if isinstance(value, dict):
        return not schema.is_atomic
    return isinstance(value, list) and bool(schema.keys or schema.is_set)


def members(schema: Schema, value: Any) -> Iterator[tuple[str, Schema, Any]]:
    """Yield the parts of a granular value: step, schema and value of each."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield f"f:{name}", schema.member(name) or ANYTHING, member
    elif schema.items is not None:
        for step, item in zip(steps(schema, value), value, strict=True):
            yield step, schema.items, item


def named(schema: Schema, value: Any) -> Fields:
    """Return what an intent names: its leaves, the items of its lists, the entries of its maps."""
    result: Fields = {}
    for step, known, member in members(schema, value):
        if not is_granular(known, member):
            result[step] = {}
            continue
        below = named(known, member)
        is_member = member == {} or step[0] != "f" or step[2:] not in schema.fields
        if is_member or below:
            result[step] = _node(below, is_member=is_member)
    return result


def everything(schema: Schema, value: Any) -> Fields:
    """Return all of a value: each leaf and whatever holds it."""
    return {
        step: _node(everything(known, member), is_member=True) if is_granular(known, member) else {}
        for step, known, member in members(schema, value)
    }


def changed(schema: Schema, old: Any, new: Any) -> Fields:
    """Return what was added or changed between two granular values."""
    before = {step: value for step, _, value in members(schema, old)}
    result: Fields = {}
    for step, known, value in members(schema, new):
        if step not in before:
            below = everything(known, value) if is_granular(known, value) else {}
            result[step] = _node(below, is_member=True)
        elif before[step] != value:
            if is_granular(known, value) and is_granular(known, before[step]):
                below = changed(known, before[step], value)
                if below:
                    result[step] = below
            else:
                below = everything(known, value) if is_granular(known, value) else {}
                result[step] = _node(below, is_member=True)
    return result


def removed(schema: Schema, old: Any, new: Any) -> Fields:
    """Return what there was before and is no longer."""
    after = {step: value for step, _, value in members(schema, new)}
    result: Fields = {}
    for step, known, value in members(schema, old):
        if step not in after:
            below = everything(known, value) if is_granular(known, value) else {}
            result[step] = _node(below, is_member=True)
        elif is_granular(known, value) and value != after[step]:
            is_alike = is_granular(known, after[step])
            below = removed(known, value, after[step]) if is_alike else everything(known, value)
            if below:
                result[step] = below
    return result


def union(one: Fields, other: Fields) -> Fields:
    """Return the members of either."""
    result = dict(one)
    for step, node in _nodes(other):
        mine = one.get(step)
        if mine is None:
            result[step] = node
        elif mine is not node:
            below = union(_below(mine), _below(node))
            result[step] = _node(below, is_member=_is_member(mine) or _is_member(node))
    return result


def difference(one: Fields, other: Fields) -> Fields:
    """Return the members of one that are not in the other."""
    result: Fields = {}
    for step, node in _nodes(one):
        theirs = other.get(step)
        if theirs is None:
            result[step] = node
            continue
        is_member = _is_member(node) and not _is_member(theirs)
        below = difference(_below(node), _below(theirs))
        if is_member or below:
            result[step] = _node(below, is_member=is_member)
    return result


def intersection(one: Fields, other: Fields) -> Fields:
    """Return the members of both."""
    result: Fields = {}
    for step, node in _nodes(one):
        theirs = other.get(step)
        if theirs is None:
            continue
        is_member = _is_member(node) and _is_member(theirs)
        below = intersection(_below(node), _below(theirs))
        if is_member or below:
            result[step] = _node(below, is_member=is_member)
    return result


def with_declared(schema: Schema, fields: Fields) -> Fields:
    """Make members of the declared fields on the way to the members."""
    result: Fields = {}
    for step, node in _nodes(fields):
        if step[0] == "f":
            declared = schema.fields.get(step[2:])
            known = declared or schema.member(step[2:]) or ANYTHING
        else:
            declared, known = None, schema.items or ANYTHING
        below = with_declared(known, _below(node))
        result[step] = _node(below, is_member=_is_member(node) or declared is not None)
    return result


def without(schema: Schema, value: Any, fields: Fields) -> Any:
    """Return a granular value without the members of a set, and all that stands below them."""
    if isinstance(value, dict):
        return {
            name: _trimmed(schema.member(name) or ANYTHING, member, fields.get(f"f:{name}"))
            for name, member in value.items()
            if not _goes(fields.get(f"f:{name}"))
        }
    return [
        _trimmed(schema.items or ANYTHING, item, fields.get(step))
        for step, item in zip(steps(schema, value), value, strict=True)
        if not _goes(fields.get(step))
    ]


def paths(fields: Fields, *, at: str = "") -> Iterator[str]:
    """Yield the members as errors name them: `.spec.parts[name="a"].note`."""
    for step, node in _nodes(fields):
        path = at + _written(step)
        if _is_member(node):
            yield path
        yield from paths(_below(node), at=path)


def _trimmed(schema: Schema, value: Any, node: Fields | None) -> Any:
    if not node or not is_granular(schema, value):
        return value
    return without(schema, value, node)


def _goes(node: Fields | None) -> bool:
    return node is not None and _is_member(node)


def _written(step: str) -> str:
    kind, text = step[0], step[2:]
    if kind == "f":
        return f".{text}"
    if kind == "v":
        return f"[={text}]"
    keys = orjson.loads(text)
    return "[" + ",".join(f"{k}={orjson.dumps(v).decode()}" for k, v in keys.items()) + "]"


def _nodes(fields: Fields) -> Iterator[tuple[str, Fields]]:
    return ((step, node) for step, node in fields.items() if step != _SELF)


def _is_member(node: Fields) -> bool:
    return not node or _SELF in node


def _below(node: Fields) -> Fields:
    return {step: below for step, below in node.items() if step != _SELF}


def _node(below: Fields, *, is_member: bool) -> Fields:
    return {_SELF: {}, **below} if is_member and below else below
