"""Kubernetes quantities, compared by value.

In: the text or number that a user wrote ("500m", "0.5", 1, "1Gi"). Out: a `Decimal`.
The server rewrites quantities on their way in ("1000m" comes back as "1"), so drift must be judged
by value. Grammar: k8s.io/apimachinery/pkg/api/resource/quantity.go.
"""

import re
from decimal import Decimal

_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
_DECIMAL = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal(10) ** 3,
    "M": Decimal(10) ** 6,
    "G": Decimal(10) ** 9,
    "T": Decimal(10) ** 12,
    "P": Decimal(10) ** 15,
    "E": Decimal(10) ** 18,
}
_GRAMMAR = re.compile(
    r"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))"
    r"(?:(?P<binary>[KMGTPE]i)|(?P<exponent>[eE][+-]?\d+)|(?P<decimal>[numkMGTPE]?))"
)


def parse_quantity(text: str | float) -> Decimal:
    """The value of a quantity.

    Raises:
        ValueError: the text is no quantity.
    """
    match = _GRAMMAR.fullmatch(str(text))
    if match is None:
        raise ValueError(f"{text!r} is not a quantity such as 500m, 2 or 1Gi")
    try:
        return _value(match)
    except ArithmeticError as error:
        # A digest of ten digits may look like one: 1234e56789.
        raise ValueError(f"{text!r} is beyond all quantities") from error


def _value(match: re.Match[str]) -> Decimal:
    number = Decimal(match["number"])
    if match["binary"]:
        return number * _BINARY[match["binary"]]
    if match["exponent"]:
        return number.scaleb(int(match["exponent"][1:]))
    return number * _DECIMAL[match["decimal"]]


def same_quantity(one: object, other: object) -> bool:
    """Whether both are quantities of one value; False when either is none."""
    if not isinstance(one, (str, int, float)) or not isinstance(other, (str, int, float)):
        return False
    if isinstance(one, bool) or isinstance(other, bool):
        return False
    try:
        return parse_quantity(one) == parse_quantity(other)
    except ValueError:
        return False
