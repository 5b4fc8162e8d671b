"""The schema of a kind, whoever wrote it: a CustomResourceDefinition or the server itself.

In flows OpenAPI v3, as a structural schema or as the definitions that the API server publishes; out
flows a tree that says of each place what may stand there, how its lists and maps are merged, and
what is filled in. The rest of the server asks this tree and never the name of a field.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

Body = dict[str, Any]

# JSON Schema's words for what is checked once the type is right.
RULES: Final = frozenset(
    {
        "enum",
        "format",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "not",
        "pattern",
    }
)


@dataclass(slots=True, eq=False)
class Schema:
    """One place of an object. `types` is empty where anything may stand.

    `keys` make a list a map, `is_set` a set; a list that is neither belongs to one manager as a
    whole, as a map does that is `is_atomic`. `fill` completes what was derived from other fields.
    """

    types: frozenset[str] = frozenset()
    fields: Mapping[str, "Schema"] = field(default_factory=dict)
    values: "Schema | None" = None
    items: "Schema | None" = None
    keys: tuple[str, ...] = ()
    is_set: bool = False
    is_atomic: bool = False
    is_open: bool = False
    is_nullable: bool = False
    is_quantity: bool = False
    # Of what the server knows itself, empty values are left out, as its Go types do.
    is_typed: bool = False
    required: frozenset[str] = frozenset()
    rules: Mapping[str, Any] = field(default_factory=dict)
    has_default: bool = False
    default: Any = None
    fill: Callable[[Body], None] | None = None

    def member(self, name: str) -> "Schema | None":
        """Return what may stand under a name, None if nothing may."""
        found = self.fields.get(name)
        if found is not None:
            return found
        return self.values or (ANYTHING if self.is_open else None)

    @property
    def is_object(self) -> bool:
        return "object" in self.types

    @property
    def says_nothing(self) -> bool:
        """Whether whatever stands below is left alone."""
        return self.is_open and not self.fields


ANYTHING: Final = Schema(is_open=True, is_nullable=True)


def structural(raw: Mapping[str, Any]) -> Schema:
    """Read a structural schema, as CustomResourceDefinitions hold it."""
    properties = {name: structural(each) for name, each in raw.get("properties", {}).items()}
    values, items = raw.get("additionalProperties"), raw.get("items")
    types = {raw["type"]} if "type" in raw else set()
    if raw.get("x-kubernetes-int-or-string"):
        types = {"integer", "string"}
    return Schema(
        types=frozenset(types),
        fields=properties,
        values=structural(values) if isinstance(values, Mapping) else None,
        items=structural(items) if items is not None else None,
        is_open=bool(raw.get("x-kubernetes-preserve-unknown-fields") or values is True),
        is_nullable=bool(raw.get("nullable")),
        required=frozenset(raw.get("required", ())),
        rules={word: raw[word] for word in RULES & raw.keys()},
        **_default(raw),
        **_merging(raw),
    )


class Definitions:
    """The schemas that the server publishes, by the name of the definition.

    `defaults` are what it fills in without saying so, `fillers` what it derives.
    """

    def __init__(
        self,
        raw: Mapping[str, Mapping[str, Any]],
        *,
        defaults: Mapping[str, Mapping[str, Any]],
        fillers: Mapping[str, Callable[[Body], None]],
    ) -> None:
        self._raw = raw
        self._defaults = defaults
        self._fillers = fillers
        self._read: dict[str, Schema] = {}

    def __getitem__(self, name: str) -> Schema:
        if name not in self._read:
            schema = self._schema(self._raw[name], defaults=self._defaults.get(name, {}))
            schema.fill = self._fillers.get(name)
            schema.is_quantity = name.endswith(".Quantity")
            self._read[name] = schema
        return self._read[name]

    def _schema(
        self, raw: Mapping[str, Any], *, defaults: Mapping[str, Any] | None = None
    ) -> Schema:
        reference = raw.get("$ref") or next((r["$ref"] for r in raw.get("allOf", ())), None)
        if reference is not None:
            known = self[reference]
            return replace(known, **_default(raw)) if "default" in raw else known
        types = {raw["type"]} if "type" in raw else {r["type"] for r in raw.get("oneOf", ())}
        fields = {name: self._schema(each) for name, each in raw.get("properties", {}).items()}
        for name, value in (defaults or {}).items():
            fields[name] = replace(fields[name], default=value, has_default=True)
        values, items = raw.get("additionalProperties"), raw.get("items")
        return Schema(
            types=frozenset(types),
            fields=fields,
            values=self._schema(values) if values is not None else None,
            items=self._schema(items) if items is not None else None,
            is_open=types == {"object"} and not fields and values is None,
            is_typed=True,
            **_default(raw),
            **_merging(raw),
        )


def _default(raw: Mapping[str, Any]) -> dict[str, Any]:
    is_there = raw.get("default") is not None
    return {"has_default": is_there, "default": raw["default"] if is_there else None}


def _merging(raw: Mapping[str, Any]) -> dict[str, Any]:
    kind = raw.get("x-kubernetes-list-type")
    return {
        "keys": tuple(raw.get("x-kubernetes-list-map-keys", ())) if kind == "map" else (),
        "is_set": kind == "set",
        "is_atomic": raw.get("x-kubernetes-map-type") == "atomic",
    }
