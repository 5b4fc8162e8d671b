"""apimachinery's conditions and resource versions."""

from datetime import UTC, datetime
from typing import Any

import pytest

from registry_operator.kube.object import newer, parse_resource_version
from registry_operator.runtime.conditions import Condition, merge
from tests.conformance.origin import origin

BEFORE, NOW = "2026-11-23T05:00:00Z", datetime(2026, 11, 23, 6, tzinfo=UTC)
SUPPLIED = datetime(2026, 11, 23, 5, 30, tzinfo=UTC)
READY = {
    "type": "Ready",
    "status": "True",
    "reason": "Serving",
    "message": "",
    "lastTransitionTime": BEFORE,
}


@origin(
    146, "conditions_test :: TestSetStatusCondition: add, supplied time, fields only, nothing", "T2"
)
@pytest.mark.parametrize(
    ("existing", "new", "changed"),
    [
        ([], Condition("Ready", "True", "Serving"), {"lastTransitionTime": "2026-11-23T06:00:00Z"}),
        (
            [READY],
            Condition("Ready", "False", "Down", last_transition_time=SUPPLIED),
            {"status": "False", "reason": "Down", "lastTransitionTime": "2026-11-23T05:30:00Z"},
        ),
        (
            [READY],
            Condition("Ready", "False", "Down"),
            {"status": "False", "reason": "Down", "lastTransitionTime": "2026-11-23T06:00:00Z"},
        ),
        (
            [READY],
            Condition("Ready", "True", "Other", "words", 7),
            {"reason": "Other", "message": "words", "observedGeneration": 7},
        ),
        ([READY], Condition("Ready", "True", "Serving"), {}),
    ],
)
def test_only_a_change_of_the_status_moves_the_time_of_transition(
    existing: list[dict[str, Any]], new: Condition, changed: dict[str, Any]
) -> None:
    assert merge(existing, [new], NOW) == [READY | changed]


@origin(146, "resourceversion_test :: TestCompareResourceVersion", "S1")
@pytest.mark.parametrize(
    ("a", "b", "is_newer"),
    [
        ("2", "1", True),
        ("1", "2", False),
        ("7", "7", False),
        ("10", "9", True),
        ("9", "10", False),
        (f"{2**64 + 1}", f"{2**64}", True),
        (f"1{'0' * 40}", "9" * 40, True),
    ],
)
def test_resource_versions_are_compared_as_numbers_of_any_length(
    a: str,
    b: str,
    is_newer: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    assert newer(a, b) is is_newer


@origin(146, "resourceversion_test :: TestCompareResourceVersion: invalid", "S1")
@pytest.mark.parametrize("text", ["", "0", "01", "-1", "1.0", "x", "1 ", "\u0661"])
def test_what_is_no_resource_version_is_not_compared(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        parse_resource_version(text)
    with pytest.raises(ValueError, match="cannot be compared"):
        newer("1", text)
