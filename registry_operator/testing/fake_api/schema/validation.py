"""What is wrong with an object, by the structural schema of its kind.

In flow a schema, a value and the value before; out flow causes, in the words of the API server. A
part that was wrong before and stays as it was is forgiven (KEP-4008). CEL rules are not evaluated:
they are tested against a real server.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from types import NoneType
from typing import Any, Final

import orjson

from registry_operator.kube.errors import Cause
from registry_operator.testing.fake_api.schema.fields import item_step
from registry_operator.testing.fake_api.schema.model import Schema

_MISSING: Final = object()
_TYPES: Final[Mapping[type, str]] = {
    NoneType: "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def violations(schema: Schema, value: Any, *, old: Any = None, at: str = "") -> list[Cause]:
    """Return everything that is wrong, ordered by field."""
    before = _MISSING if old is None else old
    return sorted(_wrong(schema, value, before, at), key=lambda cause: cause.field)


def json_type(value: Any) -> str:
    """Name the type of a value as JSON Schema does."""
    return _TYPES[type(value)]


def is_mistyped(schema: Schema, value: Any) -> bool:
    """Whether a value is of none of the types that may stand here."""
    if not schema.types or (value is None and schema.is_nullable):
        return False
    found = json_type(value)
    return found not in schema.types and not (found == "integer" and "number" in schema.types)


def first_mistyped(schema: Schema, value: Any) -> tuple[str, str] | None:
    """Return where a value of the wrong type stands, and of which type it is; None if nowhere."""
    if value is None:
        return None
    if is_mistyped(schema, value):
        return "", json_type(value)
    if schema.says_nothing:
        return None
    if isinstance(value, dict):
        for name, member in value.items():
            known = schema.member(name)
            found = None if known is None else first_mistyped(known, member)
            if found is not None:
                return f"{name}.{found[0]}".rstrip("."), found[1]
    elif isinstance(value, list) and schema.items is not None:
        found_in = (first_mistyped(schema.items, item) for item in value)
        return next((found for found in found_in if found is not None), None)
    return None


def _wrong(schema: Schema, value: Any, old: Any, at: str) -> Iterator[Cause]:
    if old is not _MISSING and old == value:
        return
    if is_mistyped(schema, value):
        told = orjson.dumps(json_type(value)).decode()
        wanted = ",".join(sorted(schema.types))
        message = f"Invalid value: {told}: {at} in body must be of type {wanted}: {told}"
        yield Cause("FieldValueTypeInvalid", message, at)
        return
    if value is None:
        return
    yield from _rules(schema.rules, value, at)
    if isinstance(value, dict):
        yield from _in_object(schema, value, old, at)
    elif isinstance(value, list) and schema.items is not None:
        yield from _in_list(schema, value, old, at)


def _in_object(schema: Schema, value: Mapping[str, Any], old: Any, at: str) -> Iterator[Cause]:
    before = old if isinstance(old, Mapping) else {}
    for name in schema.required:
        if name not in value:
            yield Cause("FieldValueRequired", "Required value", _under(at, name))
    for name, member in value.items():
        known = schema.member(name)
        if known is not None:
            yield from _wrong(known, member, before.get(name, _MISSING), _under(at, name))


def _in_list(schema: Schema, value: list[Any], old: Any, at: str) -> Iterator[Cause]:
    assert schema.items is not None
    before: dict[str, Any] = {}
    if schema.keys and isinstance(old, list):
        before = {item_step(schema, item): item for item in old}
    seen: set[str] = set()
    for index, item in enumerate(value):
        where = f"{at}[{index}]"
        step = ""
        if schema.keys and isinstance(item, dict):
            step = item_step(schema, item)
        elif schema.is_set:
            step = _told(item)
        if step and step in seen:
            told = _told({k: item[k] for k in schema.keys if k in item} if schema.keys else item)
            yield Cause("FieldValueDuplicate", f"Duplicate value: {told}", where)
        seen.add(step)
        yield from _wrong(schema.items, item, before.get(step, _MISSING), where)


def _rules(rules: Mapping[str, Any], value: Any, at: str) -> Iterator[Cause]:
    if "enum" in rules and value not in rules["enum"]:
        allowed = ", ".join(_told(each) for each in rules["enum"])
        message = f"Unsupported value: {_told(value)}: supported values: {allowed}"
        yield Cause("FieldValueNotSupported", message, at)
    if "not" in rules and not [*_rules(rules["not"], value, at)]:
        # The server itself has no path for this one.
        message = f'Invalid value: "": "{at}" must not validate the schema (not)'
        yield Cause("FieldValueInvalid", message, "<nil>")
    for word, bound in rules.items():
        check = _CHECKS.get(word)
        found = None if check is None else check(bound, value)
        if found is not None:
            reason, message = found
            yield Cause(reason, message.format(value=_told(value), at=at, bound=bound), at)


Found = tuple[str, str] | None
_INVALID: Final = "FieldValueInvalid"


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _minimum(bound: Any, value: Any) -> Found:
    message = "Invalid value: {value}: {at} in body should be greater than or equal to {bound}"
    return (_INVALID, message) if _number(value) and value < bound else None


def _maximum(bound: Any, value: Any) -> Found:
    message = "Invalid value: {value}: {at} in body should be less than or equal to {bound}"
    return (_INVALID, message) if _number(value) and value > bound else None


def _shortest(bound: int, value: Any) -> Found:
    message = "Invalid value: {value}: {at} in body should be at least {bound} chars long"
    return (_INVALID, message) if isinstance(value, str) and len(value) < bound else None


def _longest(bound: int, value: Any) -> Found:
    message = "Too long: may not be more than {bound} bytes"
    is_over = isinstance(value, str) and len(value) > bound
    return ("FieldValueTooLong", message) if is_over else None


def _pattern(pattern: str, value: Any) -> Found:
    message = "Invalid value: {value}: {at} in body should match '{bound}'"
    is_off = isinstance(value, str) and re.search(pattern, value) is None
    return (_INVALID, message) if is_off else None


def _fewest(kind: type[list[Any] | dict[str, Any]], what: str, bound: int, value: Any) -> Found:
    message = f"Invalid value: {{value}}: {{at}} in body should have at least {{bound}} {what}"
    return (_INVALID, message) if isinstance(value, kind) and len(value) < bound else None


def _most(kind: type[list[Any] | dict[str, Any]], bound: int, value: Any) -> Found:
    if not isinstance(value, kind) or len(value) <= bound:
        return None
    return ("FieldValueTooMany", f"Too many: {len(value)}: must have at most {bound} items")


_CHECKS: Final[Mapping[str, Callable[[Any, Any], Found]]] = {
    "minimum": _minimum,
    "maximum": _maximum,
    "minLength": _shortest,
    "maxLength": _longest,
    "pattern": _pattern,
    "minItems": lambda bound, value: _fewest(list, "items", bound, value),
    "maxItems": lambda bound, value: _most(list, bound, value),
    "minProperties": lambda bound, value: _fewest(dict, "properties", bound, value),
    "maxProperties": lambda bound, value: _most(dict, bound, value),
}


def _told(value: Any) -> str:
    return orjson.dumps(value).decode()


def _under(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
