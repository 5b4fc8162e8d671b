"""What fields may hold, read by Python."""

import re
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from registry_operator.api.types import (
    LABEL_VALUE,
    OBJECT_NAME,
    QUANTITY,
    Annotations,
    Model,
    Quantity,
    Rule,
    listed_by,
    rules,
)

_QUANTITY: TypeAdapter[int | str] = TypeAdapter(Quantity)


class _Inner(Model):
    some_text: str = "default"
    other: int | None = None


class _Sized(Model):
    size: Quantity


class _Outer(Model):
    inner_one: _Inner = _Inner()
    numbers: list[int] | None = None


@pytest.mark.parametrize(
    "text", ["1", "0.5", ".5", "500m", "1Gi", "1.5Gi", "2e3", "1E-2", "100k", "3."]
)
def test_kubernetes_quantities_are_taken(text: str) -> None:
    assert _QUANTITY.validate_python(text) == text


@pytest.mark.parametrize("text", ["", "much", "1 Gi", "1gi", "-1", "1GB", "0x10", "1e"])
def test_what_is_no_quantity_is_refused_as_such_and_not_by_a_type_error(text: str) -> None:
    with pytest.raises(ValidationError):
        _QUANTITY.validate_python(text)


@pytest.mark.parametrize("value", [-1, True, 0.5, None])
def test_numbers_that_the_server_refuses_are_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        _Sized.model_validate({"size": value})


@given(st.integers(min_value=0))
def test_a_whole_number_is_a_quantity_as_number_and_as_text(number: int) -> None:
    assert _QUANTITY.validate_python(number) == number
    assert _QUANTITY.validate_python(str(number)[:64]) == str(number)[:64]


@pytest.mark.parametrize("pattern", [LABEL_VALUE, OBJECT_NAME, QUANTITY])
def test_patterns_are_anchored_and_use_nothing_that_re2_lacks(pattern: str) -> None:
    assert pattern.startswith("^")
    assert pattern.endswith("$")
    assert not re.search(r"\(\?[=!<]|\\[0-9]", pattern)


def test_what_the_author_wrote_comes_out_again_without_defaults() -> None:
    written = {"innerOne": {"other": 1}, "numbers": []}

    assert _Outer.model_validate(written).wire() == written


def test_explicit_null_is_as_if_not_written() -> None:
    assert _Outer.model_validate({"numbers": None}).wire() == {}


def test_unknown_fields_are_ignored_when_read_and_found_when_asked() -> None:
    body = {"innerOne": {"new": 1}}

    assert _Outer.model_validate(body) == _Outer.model_validate({"innerOne": {}})
    with pytest.raises(ValidationError, match=r"innerOne\.new"):
        _Outer.model_validate(body, extra="forbid")


def test_values_are_not_bent_into_the_wanted_type() -> None:
    with pytest.raises(ValidationError):
        _Outer.model_validate({"numbers": ["1"]})


def test_models_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(_Inner(), "some_text", "x")  # noqa: B010 -- what mypy would not let through


def test_rules_become_validations_and_name_the_field_only_when_told() -> None:
    schema = rules(Rule("a", "b"), Rule("c", "d", field_path=".x"))

    assert schema["x-kubernetes-validations"] == [
        {"rule": "a", "message": "b"},
        {"rule": "c", "message": "d", "fieldPath": ".x"},
    ]


def test_a_list_by_key_is_a_map_for_appliers() -> None:
    assert listed_by("name") == {
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
    }


def test_annotations_hold_text_only() -> None:
    adapter: TypeAdapter[dict[str, str]] = TypeAdapter(Annotated[Annotations, "x"])

    with pytest.raises(ValidationError):
        adapter.validate_python({"a": 1})
