"""What the server makes of a body that is sent: unknown fields go, defaults come.

In flow a schema and a value; out flows a new value, which may share parts of the old one. Nulls
stand for absence, where the schema does not allow them (structural schemas, nullable).
"""

from typing import Any

from registry_operator.testing.fake_api.schema.model import Schema
from registry_operator.testing.fake_api.schema.quantity import canonical


def completed(schema: Schema, value: Any) -> Any:
    """Prune and default a value."""
    if schema.says_nothing:
        return value
    if isinstance(value, dict) and schema.is_object:
        return _object(schema, value)
    if isinstance(value, list) and schema.items is not None:
        return [completed(schema.items, item) for item in value]
    return canonical(value) if schema.is_quantity else value


def _object(schema: Schema, value: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, member in value.items():
        known = schema.member(name)
        if known is None or (member is None and not known.is_nullable):
            continue
        made = completed(known, member)
        if not (schema.is_typed and _is_left_out(known, made)):
            result[name] = made
    for name, known in schema.fields.items():
        if known.has_default and name not in result:
            # Completing makes a new object of a default that is one.
            result[name] = completed(known, known.default)
    if schema.fill is not None:
        schema.fill(result)
    return result


def _is_left_out(schema: Schema, value: Any) -> bool:
    """Whether a Go type would not write it: empty lists and maps, but not empty structs."""
    if schema.has_default:
        return False
    if isinstance(value, dict):
        return not value and schema.values is not None
    return isinstance(value, list) and not value
