import json

import pytest

from hack.bench.figure import FLOOR, KOPF, Baseline, Figure, Target

_BASELINES = [Baseline(FLOOR, 2.0), Baseline(KOPF, 6.0)]


def test_a_line_has_exactly_the_keys_that_readers_expect() -> None:
    figure = Figure(
        name="wall time",
        registries=100,
        value=2.25,
        unit="s",
        baselines=_BASELINES,
        samples={"operator": [2.25]},
    )

    assert json.loads(figure.line()) == {
        "name": "wall time",
        "registries": 100,
        "value": 2.25,
        "unit": "s",
        "baselines": {
            "bare client": {"value": 2.0, "ratio": 1.125},
            "kopf": {"value": 6.0, "ratio": 0.375},
        },
        "target": None,
        "holds": None,
    }


def test_a_record_is_the_line_with_the_samples() -> None:
    figure = Figure(name="wall time", value=2, unit="s", samples={"operator": [1.00001, 2, 3]})

    assert figure.record() == json.loads(figure.line()) | {"samples": {"operator": [1.0, 2, 3]}}


@pytest.mark.parametrize(("value", "holds"), [(2.5, True), (2.51, False)])
def test_a_multiple_of_a_baseline_is_a_bound(value: float, *, holds: bool) -> None:
    target = Target(bound=1.25, of=FLOOR)
    figure = Figure(name="wall", value=value, unit="s", baselines=_BASELINES, targets=[target])

    assert figure.holds is holds
    assert json.loads(figure.line())["target"] == "<= 1.25 x bare client (2.5)"


@pytest.mark.parametrize(("half_of_kopf", "holds"), [(0.5, True), (0.3, False)])
def test_every_target_must_hold(half_of_kopf: float, *, holds: bool) -> None:
    targets = [Target(bound=1.25, of=FLOOR), Target(bound=half_of_kopf, of=KOPF)]
    figure = Figure(name="wall", value=2.2, unit="s", baselines=_BASELINES, targets=targets)

    assert figure.holds is holds
    assert " and <= " in json.loads(figure.line())["target"]


@pytest.mark.parametrize(("value", "holds"), [(30_000, True), (29_999, False)])
def test_more_can_be_better(value: float, *, holds: bool) -> None:
    target = Target(bound=30_000, at_least=True)

    assert Figure(name="decode", value=value, unit="events/s", targets=[target]).holds is holds


def test_a_multiple_of_what_was_not_measured_is_an_error() -> None:
    figure = Figure(name="wall time", value=1, unit="s", targets=[Target(bound=2, of=KOPF)])

    with pytest.raises(ValueError, match="wall time: a multiple of kopf, which was not measured"):
        _ = figure.holds


def test_nothing_times_a_baseline_of_nothing_has_no_ratio() -> None:
    figure = Figure(name="writes", value=1, unit="writes", baselines=[Baseline(FLOOR, 0)])

    assert json.loads(figure.line())["baselines"]["bare client"]["ratio"] is None
