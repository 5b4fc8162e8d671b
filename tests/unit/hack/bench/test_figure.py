import json

import pytest

from hack.bench.figure import Baseline, Figure, Target

_BARE = Baseline("bare client", 2.0)


def test_a_line_has_exactly_the_keys_that_readers_expect() -> None:
    line = Figure(figure="wall time", value=2.25, unit="s", baseline=_BARE).line()

    assert json.loads(line) == {
        "figure": "wall time",
        "value": 2.25,
        "unit": "s",
        "baseline": {"name": "bare client", "value": 2.0},
        "target": None,
        "holds": None,
    }


@pytest.mark.parametrize(("value", "holds"), [(2.5, True), (2.51, False)])
def test_a_multiple_of_the_baseline_is_a_bound(value: float, *, holds: bool) -> None:
    target = Target(bound=1.25, times_baseline=True)
    figure = Figure(figure="wall time", value=value, unit="s", baseline=_BARE, target=target)

    assert figure.holds is holds
    assert json.loads(figure.line())["target"] == "<= 2.5 (1.25 x baseline)"


@pytest.mark.parametrize(("value", "holds"), [(30_000, True), (29_999, False)])
def test_more_can_be_better(value: float, *, holds: bool) -> None:
    target = Target(bound=30_000, at_least=True)

    assert Figure(figure="decode", value=value, unit="events/s", target=target).holds is holds


def test_a_multiple_of_nothing_is_an_error() -> None:
    target = Target(bound=2, times_baseline=True)

    with pytest.raises(ValueError, match="wall time: a multiple of a baseline"):
        _ = Figure(figure="wall time", value=1, unit="s", target=target).holds
