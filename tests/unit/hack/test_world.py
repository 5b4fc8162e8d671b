"""When a Registry counts as ready."""

import pytest

from hack.world import is_ready


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, False),
        ({"observedGeneration": 2, "conditions": [{"type": "Ready", "status": "True"}]}, True),
        ({"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]}, False),
        ({"observedGeneration": 2, "conditions": [{"type": "Ready", "status": "False"}]}, False),
        ({"observedGeneration": 2, "conditions": [{"type": "Available", "status": "True"}]}, False),
    ],
)
def test_ready_is_what_is_said_of_the_present_generation(
    status: dict[str, object], *, expected: bool
) -> None:
    assert is_ready({"metadata": {"generation": 2}, "status": status}) is expected
