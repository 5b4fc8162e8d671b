"""From pydantic to structural schema: every trap is a case."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import ConfigDict, Field

from registry_operator.api.schema import SchemaError, structural_schema
from registry_operator.api.types import Int32, Model, Quantity


class _Inner(Model):
    """What it is by itself."""

    size: Int32 = 1


def _field(annotation: Any, default: Any = ...) -> dict[str, Any]:
    """The schema of one field of that annotation."""
    made = type(
        "Made", (Model,), {"__annotations__": {"field": annotation}, "field": Field(default)}
    )
    found: dict[str, Any] = structural_schema(made)["properties"]["field"]

    return found


def test_references_are_put_in_place_and_siblings_win() -> None:
    class Outer(Model):
        inner: _Inner = _Inner()
        """What it is here."""

    assert structural_schema(Outer)["properties"]["inner"] == {
        "type": "object",
        "description": "What it is here.",
        "nullable": True,
        "properties": {
            "size": {
                "type": "integer",
                "format": "int32",
                "description": "Defaults to 1.",
                "nullable": True,
            }
        },
    }


def test_optional_is_the_type_itself_that_may_be_null_and_has_no_default() -> None:
    assert _field(str | None, None) == {"type": "string", "nullable": True}


def test_required_may_not_be_null() -> None:
    assert _field(str) == {"type": "string"}


def test_a_default_is_told_and_not_set() -> None:
    assert _field(Annotated[str, Field(description="It is.")], "a") == {
        "type": "string",
        "description": "It is. Defaults to a.",
        "nullable": True,
    }


def test_an_optional_model_keeps_its_own_description() -> None:
    assert _field(_Inner | None, None)["description"] == "What it is by itself."


def test_a_literal_of_one_is_an_enum() -> None:
    assert _field(Literal["a"]) == {"type": "string", "enum": ["a"]}


def test_a_literal_of_several_is_an_enum() -> None:
    assert _field(Literal["a", "b"]) == {"type": "string", "enum": ["a", "b"]}


def test_int_or_string_keeps_the_pattern_of_the_string() -> None:
    schema = _field(Quantity | None, None)

    assert schema["x-kubernetes-int-or-string"] is True
    assert schema["anyOf"] == [{"type": "integer"}, {"type": "string"}]
    assert schema["pattern"].startswith("^")
    assert "type" not in schema
    assert "default" not in schema


def test_text_or_an_object_has_no_type_and_each_keyword_is_of_its_own_type() -> None:
    class Asked(Model):
        name: str
        """Who it is."""

    assert _field(Annotated[str, Field(max_length=3)] | Asked | None, None) == {
        "maxLength": 3,
        "properties": {"name": {"type": "string", "description": "Who it is."}},
        "required": ["name"],
        "not": {"pattern": "$.", "maxProperties": 0},
        "x-kubernetes-preserve-unknown-fields": True,
        "nullable": True,
    }


def test_an_open_mapping_keeps_unknown_fields() -> None:
    assert _field(dict[str, Any]) == {
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": True,
    }


def test_a_mapping_of_a_type_has_additional_properties() -> None:
    assert _field(Annotated[dict[str, str], Field(max_length=3)]) == {
        "type": "object",
        "maxProperties": 3,
        "additionalProperties": {"type": "string"},
    }


def test_a_set_is_a_list_without_repeats() -> None:
    schema = _field(set[str])

    assert schema == {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"}


def test_exclusive_bounds_are_flags() -> None:
    bounded = Annotated[Int32, Field(gt=0, lt=9)]

    schema = _field(bounded)

    assert schema["minimum"] == 0
    assert schema["exclusiveMinimum"] is True
    assert schema["maximum"] == 9
    assert schema["exclusiveMaximum"] is True


def test_titles_are_nowhere() -> None:
    class Titled(Model):
        inner: list[_Inner]

    assert "title" not in str(structural_schema(Titled))


def test_forbidding_extras_adds_nothing() -> None:
    class Closed(Model):
        model_config = ConfigDict(extra="forbid")
        name: str

    assert "additionalProperties" not in structural_schema(Closed)


def test_a_description_is_one_line() -> None:
    class Described(Model):
        name: str
        """First
        second."""

    assert structural_schema(Described)["properties"]["name"]["description"] == "First second."


def test_required_fields_are_by_their_wire_names() -> None:
    class Needed(Model):
        long_name: str
        other: str = ""

    assert structural_schema(Needed)["required"] == ["longName"]


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (tuple[str, int], "prefixItems"),
        (int, "Int32 or Int64"),
        (str | list[str], "optional blocks"),
        (bool | _Inner, "optional blocks"),
        (str | _Inner | list[str], "optional blocks"),
        (str | int | None | list[str], "optional blocks"),
        (Any, "any type"),
        (Annotated[Int32, Field(json_schema_extra={"x-other": 1})], "x-other"),
        (list[Any], "any type"),
    ],
)
def test_what_a_crd_cannot_say_is_an_error_with_the_path(annotation: Any, message: str) -> None:
    with pytest.raises(SchemaError, match=rf"^\.field.*{message}"):
        _field(annotation)


class _Tree(Model):
    children: list["_Tree"] | None = None


def test_a_model_that_contains_itself_is_an_error() -> None:
    with pytest.raises(SchemaError, match="_Tree contains itself"):
        structural_schema(_Tree)


def test_a_model_may_stand_in_two_places() -> None:
    class Twice(Model):
        one: _Inner
        two: list[_Inner]

    schema = structural_schema(Twice)["properties"]

    assert schema["one"]["properties"] == schema["two"]["items"]["properties"]
