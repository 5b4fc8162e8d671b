"""Where a behaviour comes from: the row of our list, the upstream test, and the rule it stands for.

`@origin(2, "queue_test :: TestAddWhileProcessing", "W4")` flows in above a test; the page
docs/conformance.md flows out of all of them, and a test holds that no row is lost. The origin is
kept on the function itself, and not in a pytest marker, so that the page is made without pytest.
Sources are named in full (repository, folder) in hack/generate/conformance.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

_ORIGINS = "__origins__"

Test = TypeVar("Test", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """One row of the list of behaviours: its number, "file :: test" upstream, and rules ("W4, K1")."""

    row: int
    source: str
    rule: str


@dataclass(frozen=True, slots=True)
class Declined:
    """A behaviour that we decided against, or that has no place in our design, and why."""

    origin: Origin
    reason: str


def origin(row: int, source: str, rule: str) -> Callable[[Test], Test]:
    """Names the origin of a test; stands as often as the test has origins.

    Args:
        row: 1 to 148, the number in the list of behaviours.
        source: "file :: test" of the project that has the behaviour.
        rule: the short names of the rules that the behaviour stands for; "" where none is named.
    """

    def mark(test: Test) -> Test:
        setattr(test, _ORIGINS, (Origin(row, source, rule), *origins(test)))
        return test

    return mark


def origins(test: object) -> tuple[Origin, ...]:
    """The origins of a test as they are written above it; empty for anything else."""
    found: tuple[Origin, ...] = getattr(test, _ORIGINS, ())
    return found
