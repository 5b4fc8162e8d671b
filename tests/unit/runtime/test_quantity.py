"""Quantities compared by value, as the API server canonicalises them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_operator.runtime.quantity import parse_quantity, same_quantity

SUFFIXES = {
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)},
    **{letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", start=1)},
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("0.001"),
    "": Decimal(1),
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500m", "0.5"),
        ("0.5", "0.5"),
        (".5", "0.5"),
        ("5.", "5"),
        (1, "1"),
        (0.25, "0.25"),
        ("1Gi", "1073741824"),
        ("1e3", "1000"),
        ("1E-2", "0.01"),
        ("2E", "2e18"),
        ("-3k", "-3000"),
        ("+7", "7"),
    ],
)
def test_a_quantity_has_the_value_that_kubernetes_gives_it(text: str | float, value: str) -> None:
    assert parse_quantity(text) == Decimal(value)


@pytest.mark.parametrize(
    "text", ["", "1 Gi", "Gi", "1ki", "0x10", "1e", "1Gib", "1.2.3", "NaN", "."]
)
def test_what_is_no_quantity_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity such as 500m") as raised:
        parse_quantity(text)
    assert repr(text) in str(raised.value)


@given(st.integers(0, 10**9), st.sampled_from(sorted(SUFFIXES)))
def test_every_suffix_scales_by_its_factor(number: int, suffix: str) -> None:
    assert parse_quantity(f"{number}{suffix}") == number * SUFFIXES[suffix]


@given(st.integers(0, 10**6))
def test_rewriting_keeps_the_value(number: int) -> None:
    assert same_quantity(f"{number}000m", number)
    assert same_quantity(f"{number}Ki", number * 1024)
    assert same_quantity(f"{number}.0", str(number))
    assert not same_quantity(f"{number}", f"{number + 1}")


@pytest.mark.parametrize(
    ("one", "other"),
    [("1", "one"), (True, 1), (1, True), (None, 1), ("1", ["1"]), ("images", "images")],
)
def test_values_that_are_no_quantities_are_never_the_same_quantity(
    one: object, other: object
) -> None:
    assert not same_quantity(one, other)
