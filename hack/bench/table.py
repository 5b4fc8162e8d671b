"""The tables of docs/performance.md, made from a file of results.

In flow records; out flow rows of Markdown, as they were measured: nothing is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from hack.bench.figure import FLOOR, KOPF
from hack.bench.results import Record

_HEAD = ("figure", "Registries", "value", "floor", "kopf", "target", "holds")
_JUDGEMENT = {True: "yes", False: "**no**", None: ""}


def judged(records: Sequence[Record]) -> str:
    """Figures that have a target."""
    return _table(one for one in records if one["target"] is not None)


def told(records: Sequence[Record]) -> str:
    """Figures that have none."""
    return _table(one for one in records if one["target"] is None)


def _table(records: Iterable[Record]) -> str:
    lines = [_HEAD, ("---",) * len(_HEAD), *map(_row, _ordered(records))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _ordered(records: Iterable[Record]) -> list[Record]:
    """By benchmark and figure as they were first met, then by size."""
    place: dict[str, int] = {}
    kept = list(records)
    for record in kept:
        place.setdefault(record["bench"], len(place))
    for record in kept:
        place.setdefault(record["name"], len(place))
    return sorted(
        kept, key=lambda one: (place[one["bench"]], place[one["name"]], one["registries"] or 0)
    )


def _row(record: Record) -> tuple[str, ...]:
    unit = record["unit"]
    return (
        record["name"],
        _number(record["registries"]) if record["registries"] else "",
        f"{_number(record['value'])} {unit}",
        ", ".join(_others(record)),
        _compared(record["baselines"].get(KOPF)),
        (record["target"] or "").replace("<=", "≤").replace(">=", "≥"),
        _JUDGEMENT[record["holds"]],
    )


def _others(record: Record) -> Iterator[str]:
    for name, baseline in record["baselines"].items():
        if name == FLOOR:
            yield _compared(baseline)
        elif name != KOPF:
            yield f"{name}: {_compared(baseline)}"


def _compared(baseline: Record | None) -> str:
    """A baseline, and how many times it our value is."""
    if baseline is None:
        return ""
    ratio = baseline["ratio"]
    return _number(baseline["value"]) + (f" ({ratio:.3g} x)" if ratio is not None else "")


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:g}"
