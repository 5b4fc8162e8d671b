from pathlib import Path

import pytest

from hack.bench.figure import Figure
from hack.bench.results import Results, load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bench" / "results.json"


def a_figure(value: float, *, registries: int = 100) -> Figure:
    return Figure(name="wall time", registries=registries, value=value, unit="s")


def test_a_figure_that_is_measured_again_replaces_the_one_before(file: Path) -> None:
    Results(file).add("converge", a_figure(1))
    results = Results(file)
    results.add("converge", a_figure(2))
    results.add("converge", a_figure(3, registries=1000))

    told = [(one["bench"], one["registries"], one["value"]) for one in load(file)]
    assert told == [("converge", 100, 2), ("converge", 1000, 3)]


def test_a_record_says_when_and_on_what_it_was_taken(file: Path) -> None:
    Results(file).add("converge", a_figure(1))

    (record,) = load(file)
    assert {"taken", "machine", "python", "load"} <= record.keys()
    assert list(file.parent.iterdir()) == [file]
