"""Structural schemas: what pydantic says of a model, in the words of a CustomResourceDefinition.

A model flows in, pydantic writes JSON Schema 2020-12 for it, and one walk over that turns it into
JSONSchemaProps, which lacks half of the keywords: references are put in place, `X | None` becomes
X that may be null, `int | str` becomes int-or-string, `str | Model` a field without a type, open
dicts keep unknown fields, titles go.
Defaults are told in the description and are no keyword: the API server would write them into the
object, and nobody could tell any more what its author left to a template (ADR 0010). What has no
counterpart is an error with the path of the field, here and not at the API server: a keyword left
over would be dropped there without a word.

Rules:
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
(structural schema) and apiextensions.k8s.io/v1 JSONSchemaProps.
"""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from registry_operator.api.types import Model

_KEPT = frozenset(
    {
        "type",
        "format",
        "description",
        "enum",
        "required",
        "nullable",
        "minimum",
        "maximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "pattern",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        "x-kubernetes-validations",
        "x-kubernetes-list-type",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-map-type",
        "x-kubernetes-preserve-unknown-fields",
    }
)
_TRANSLATED = frozenset(
    {
        "properties",
        "items",
        "additionalProperties",
        "const",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "uniqueItems",
    }
)
_DROPPED = frozenset({"title", "$defs"})
_TOLD = frozenset({"default"})
_NEITHER = {"pattern": "$.", "maxProperties": 0}
"""What every string and every object with a field breaks, and nothing else does."""


class SchemaError(ValueError):
    """A model says what a CustomResourceDefinition cannot: names the field and the keyword."""


class _Generator(GenerateJsonSchema):
    """pydantic's generator, but a model as a default is what its author would write: `{}`."""

    def encode_default(self, dft: Any) -> Any:
        return dft.wire() if isinstance(dft, Model) else super().encode_default(dft)


def structural_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The structural schema of a model, properties in its fields' order; raises SchemaError."""
    schema = model.model_json_schema(by_alias=True, mode="validation", schema_generator=_Generator)

    return _Walk(schema.get("$defs", {})).convert(schema, path="")


class _Walk:
    """One walk over a schema: the definitions it may refer to, and those it is inside of."""

    def __init__(self, definitions: Mapping[str, JsonSchemaValue]) -> None:
        self._definitions = definitions
        self._inside: tuple[str, ...] = ()

    def convert(self, schema: JsonSchemaValue, *, path: str) -> dict[str, Any]:
        if "$ref" in schema:
            return self._resolve(schema, path=path)

        if "anyOf" in schema:
            return self._union(schema, path=path)

        unknown = schema.keys() - _KEPT - _TRANSLATED - _DROPPED - _TOLD
        if unknown:
            raise SchemaError(
                f"{path or '.'}: no counterpart in a CRD for {', '.join(sorted(unknown))}"
            )

        if not schema.keys() - {"title", "description", "default"}:
            raise SchemaError(f"{path or '.'}: a value of any type: say which types it may have")

        return self._translate(schema, path=path)

    def _resolve(self, schema: JsonSchemaValue, *, path: str) -> dict[str, Any]:
        name = schema["$ref"].removeprefix("#/$defs/")
        if name in self._inside:
            raise SchemaError(f"{path}: {name} contains itself")

        siblings = {key: value for key, value in schema.items() if key not in ("$ref", "$defs")}
        outside, self._inside = self._inside, (*self._inside, name)
        try:
            return self.convert({**self._definitions[name], **siblings}, path=path)
        finally:
            self._inside = outside

    def _union(self, schema: JsonSchemaValue, *, path: str) -> dict[str, Any]:
        siblings = {key: value for key, value in schema.items() if key not in ("anyOf", "$defs")}
        members = [one for one in schema["anyOf"] if one.get("type") != "null"]
        if len(members) == 1:
            return self.convert({**members[0], **siblings}, path=path)

        by_type = {one.get("type"): one for one in members}
        if by_type.keys() == {"integer", "string"} and len(members) == 2:
            return self._int_or_string({**by_type["integer"], **by_type["string"], **siblings})

        if by_type.keys() == {"string", None} and len(members) == 2 and "$ref" in by_type[None]:
            return self._text_or_object(by_type["string"], by_type[None], siblings, path=path)

        raise SchemaError(
            f"{path}: only X | None, int | str and str | Model can be unions: use optional blocks"
        )

    @staticmethod
    def _int_or_string(merged: JsonSchemaValue) -> dict[str, Any]:
        converted = {key: merged[key] for key in merged if key in _KEPT and key != "type"}

        return {
            **converted,
            **_description(merged),
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
        }

    def _text_or_object(
        self,
        text: JsonSchemaValue,
        reference: JsonSchemaValue,
        siblings: JsonSchemaValue,
        *,
        path: str,
    ) -> dict[str, Any]:
        """A field that names no type, as there is no union of types; CEL rules can't see it.

        Each keyword looks only at values of the type that it is about, and `not` refuses those that
        no keyword looks at: numbers, booleans, lists. A new name for what is in the object is kept
        and not pruned.
        """
        fields = self.convert(reference, path=path)

        return {
            **{key: text[key] for key in text if key in _KEPT and key != "type"},
            **{key: fields[key] for key in ("properties", "required") if key in fields},
            **_description(siblings),
            "not": dict(_NEITHER),
            "x-kubernetes-preserve-unknown-fields": True,
        }

    def _translate(self, schema: JsonSchemaValue, *, path: str) -> dict[str, Any]:
        converted = {key: schema[key] for key in schema if key in _KEPT} | _description(schema)
        if "const" in schema:
            converted["enum"] = [schema["const"]]

        for bound, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            if bound in schema:
                converted |= {limit: schema[bound], bound: True}

        if schema.get("type") == "integer" and "format" not in schema:
            raise SchemaError(f"{path}: an integer needs a size: use Int32 or Int64")

        if schema.get("uniqueItems"):
            converted["x-kubernetes-list-type"] = "set"

        if "items" in schema:
            converted["items"] = self.convert(schema["items"], path=f"{path}[]")

        if "properties" in schema:
            required = schema.get("required", ())
            converted["properties"] = {
                name: self._property(field, path=f"{path}.{name}", required=name in required)
                for name, field in schema["properties"].items()
            }

        return converted | self._additional(schema, path=path)

    def _property(self, field: JsonSchemaValue, *, path: str, required: bool) -> dict[str, Any]:
        """What may be left out may be null, by which a Registry removes what its template says.

        The API server drops null where the schema does not say so. A field says `nullable: False`
        to be an exception.
        """
        converted = self.convert(field, path=path)
        if not converted.pop("nullable", not required):
            return converted

        if "enum" in converted:
            # The API server refuses null beside an enum, even one that lists it.
            alternatives = "|".join(re.escape(value) for value in converted.pop("enum"))
            converted["pattern"] = f"^({alternatives})$"

        return {**converted, "nullable": True}

    def _additional(self, schema: JsonSchemaValue, *, path: str) -> dict[str, Any]:
        """Map values; `extra="forbid"` (False) says nothing new: the API server prunes."""
        additional = schema.get("additionalProperties")
        if additional is True:
            return {"x-kubernetes-preserve-unknown-fields": True}

        if isinstance(additional, dict):
            return {"additionalProperties": self.convert(additional, path=f"{path}.*")}

        return {}


def _description(schema: JsonSchemaValue) -> dict[str, str]:
    """The description in one line, with the default; nothing where there is neither."""
    told = " ".join(schema.get("description", "").split())
    default = schema.get("default")
    if default is not None and default != {}:
        value = str(default).lower() if isinstance(default, bool) else default
        told = f"{told} Defaults to {value}.".lstrip()

    return {"description": told} if told else {}
