from hack.bench import table
from hack.bench.figure import FLOOR, KOPF, Baseline, Figure, Target
from hack.bench.results import Record


def a_record(bench: str = "converge", **fields: object) -> Record:
    usual = {"name": "wall time", "registries": 100, "value": 2.5, "unit": "s"}
    return {"bench": bench, **Figure(**{**usual, **fields}).record()}  # type: ignore[arg-type]  # fields of a figure


def rows(text: str) -> list[str]:
    return text.splitlines()[2:]


def test_a_figure_with_a_target_is_judged_and_one_without_is_told() -> None:
    with_target = a_record(targets=[Target(bound=2)])
    without = a_record(name="Events")

    assert rows(table.judged([with_target, without])) == [
        "| wall time | 100 | 2.5 s |  |  | ≤ 2 | **no** |"
    ]
    assert rows(table.told([with_target, without])) == ["| Events | 100 | 2.5 s |  |  |  |  |"]


def test_floor_and_kopf_have_columns_and_other_baselines_their_names() -> None:
    baselines = [Baseline(FLOOR, 2), Baseline("in peace", 1), Baseline(KOPF, 5000)]

    assert rows(table.told([a_record(baselines=baselines)])) == [
        "| wall time | 100 | 2.5 s | 2 (1.25 x), in peace: 1 (2.5 x) | 5,000 (0.0005 x) |  |  |"
    ]


def test_rows_stand_together_by_benchmark_and_figure_and_grow() -> None:
    records = [
        a_record(name="wall", registries=1000),
        a_record("rest", name="idle"),
        a_record(name="cpu", registries=100),
        a_record(name="wall", registries=100),
    ]

    cells = [row.split(" | ")[:2] for row in rows(table.told(records))]
    assert cells == [["| wall", "100"], ["| wall", "1,000"], ["| cpu", "100"], ["| idle", "100"]]
