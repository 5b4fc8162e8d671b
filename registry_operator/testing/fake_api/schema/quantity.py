"""Quantities as the server writes them: the same value, the fewest digits.

In: what was sent ("1000m", "0.5Gi", 1). Out: the canonical text ("1", "512Mi", "1"). Grammar and
rules: k8s.io/apimachinery/pkg/api/resource/quantity.go.
"""

from decimal import Decimal
from typing import Final

from registry_operator.runtime.quantity import parse_quantity

_BINARY: Final = ("Ei", "Pi", "Ti", "Gi", "Mi", "Ki")
_DECIMAL: Final = ("E", "P", "T", "G", "M", "k", "", "m", "u", "n")


def canonical(value: object) -> object:
    """Return a quantity as the server writes it; what is none, as it is."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return value
    try:
        number = parse_quantity(value)
    except ValueError:
        return value
    text = str(value)
    if text.endswith("i") and number >= 1024 and number == int(number):
        return _binary(int(number))
    return _exponential(number) if "e" in text.lower().rstrip("e") else _decimal(number)


def _binary(number: int) -> str:
    for position, suffix in enumerate(_BINARY):
        unit = 1024 ** (len(_BINARY) - position)
        if number % unit == 0:
            return f"{number // unit}{suffix}"
    return str(number)


def _decimal(number: Decimal) -> str:
    for position, suffix in enumerate(_DECIMAL):
        unit = Decimal(1000) ** (6 - position)
        if number and number % unit == 0:
            return f"{int(number / unit)}{suffix}"
    return "0"


def _exponential(number: Decimal) -> str:
    exponent = 18
    while number % Decimal(10) ** exponent and exponent > -9:
        exponent -= 3
    digits = int(number.scaleb(-exponent))
    return f"{digits}e{exponent}" if exponent else str(digits)
