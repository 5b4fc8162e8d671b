"""The plots of docs/performance.md, drawn from a file of results.

In flow records; out flow SVG files that are the same, byte for byte, for the same records. A plot
whose figures were not measured is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hack.bench.contender import OURS
from hack.bench.figure import FLOOR, KOPF
from hack.bench.results import Record

_COLOURS = {FLOOR: "#8c8c8c", OURS: "#1f6feb", KOPF: "#d9822b"}
_OTHER = "#8c8c8c"
_STYLE = {
    "svg.hashsalt": "registry-operator",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
    "legend.frameon": False,
}
_WIDTH, _HEIGHT = 4.0, 3.0


def draw(records: Sequence[Record], folder: Path) -> list[Path]:
    """Draws what can be drawn into `folder`; the files, in order."""
    import matplotlib as mpl

    mpl.use("svg")
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    with mpl.rc_context(_STYLE):
        for name, plot in _PLOTS.items():
            figure = plot(records)
            if figure is not None:
                file = folder / f"{name}.svg"
                figure.savefig(file, metadata={"Date": None})
                drawn.append(file)

    return drawn


def _convergence(records: Sequence[Record]) -> Any:
    return _bars(
        [
            ("wall time, times the bare client", _relative(records, "converge", "wall time")),
            ("CPU, times the bare client", _relative(records, "converge", "CPU per Registry")),
        ],
        limits=(1.25, 3),
    )


def _relative(records: Sequence[Record], start: str, end: str) -> dict[str, dict[str, float]]:
    """Value of each contender as a multiple of the floor's, by what was measured."""
    taken = {}
    for record in _matching(records, start, end):
        floor = record["baselines"][FLOOR]["value"]
        where = "with controllers" if "with" in record["name"] else "API server alone"
        taken[f"{record['registries']},\n{where}"] = {
            name: value / floor for name, value in _values(record).items()
        }
    return taken


def _restart(records: Sequence[Record]) -> Any:
    panels = []
    for title, name in (
        ("restart: seconds", "restart: from start of the process to settled"),
        ("restart: CPU seconds", "restart: CPU"),
        ("resident memory, MB", "resident memory"),
    ):
        taken = {str(one["registries"]): _values(one) for one in _matching(records, name, "")}
        panels.append((title, taken))
    return _bars(panels, limits=(2, 1.5, 130))


def _bars(
    panels: Sequence[tuple[str, Mapping[str, Mapping[str, float]]]], *, limits: Sequence[float]
) -> Any:
    """Panels of groups of bars, with a line at each panel's target."""
    if not all(groups for _, groups in panels):
        return None
    figure, axes = _panels(len(panels))
    for axis, (title, groups), limit in zip(axes, panels, limits, strict=True):
        names = [name for name in (FLOOR, OURS, KOPF) if any(name in g for g in groups.values())]
        width = 0.8 / len(names)
        for number, name in enumerate(names):
            places = [place + number * width for place in range(len(groups))]
            heights = [group.get(name, 0) for group in groups.values()]
            bars = axis.bar(places, heights, width * 0.9, color=_COLOURS[name], label=name)
            axis.bar_label(bars, fmt="%.3g", fontsize=7)
        axis.axhline(limit, color="black", linewidth=0.8, linestyle=":", label="target")
        axis.set_xticks([place + 0.4 - width / 2 for place in range(len(groups))], list(groups))
        axis.set_xlabel("Registries")
        axis.set_title(title)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper")
    return figure


def _repair(records: Sequence[Record]) -> Any:
    found = _matching(records, "repair of ", ": 99th percentile")
    if not found:
        return None
    figure, axes = _panels(len(found))
    for axis, record in zip(axes, found, strict=True):
        title = record["name"].removeprefix("repair of ").partition(":")[0]
        _distribution(axis, record["samples"], f"{title},\n{record['registries']} Registries")
        limit = float(record["target"].removeprefix("<= "))
        axis.axvline(limit, color="black", linewidth=0.8, linestyle=":", label="target of 99 %")
    axes[0].legend()
    return figure


def _hotkey(records: Sequence[Record]) -> Any:
    found = _matching(records, "hot key: latency", "median")
    if not found:
        return None
    figure, (axis,) = _panels(1)
    _distribution(axis, found[-1]["samples"], "repairs of others\nbeside a hot key")
    axis.legend()
    return figure


def _distribution(axis: Any, samples: Mapping[str, Sequence[float]], title: str) -> None:
    for name, values in samples.items():
        axis.ecdf(values, color=_COLOURS.get(name, _OTHER), label=name)
    _logarithmic(axis)
    axis.set_xlabel("ms")
    axis.set_ylabel("share of tries")
    axis.set_title(title)


def _scaling(records: Sequence[Record]) -> Any:
    found = _matching(records, "scaling: CPU per change", "")
    if not found:
        return None
    figure, (axis,) = _panels(1)
    sizes = [record["registries"] for record in found]
    values = [record["value"] for record in found]
    axis.plot(sizes, values, "o-", color=_COLOURS[OURS], label=OURS)
    axis.fill_between(
        sizes, values[0] / 1.2, values[0] * 1.2, color=_OTHER, alpha=0.2, label="target"
    )
    _logarithmic(axis)
    axis.set_ylim(bottom=0)
    axis.set_xlabel("Registries")
    axis.set_ylabel("CPU ms per change")
    axis.legend()
    return figure


def _turns(records: Sequence[Record]) -> Any:
    found = _matching(records, "start with ", "longest turn of the event loop to settled")
    if not found:
        return None
    figure, (axis,) = _panels(1)
    longest = found[-1]["samples"][OURS]
    axis.bar(range(1, len(longest) + 1), longest, color=_COLOURS[OURS])
    axis.axhline(50, color="black", linewidth=0.8, linestyle=":")
    axis.set_xlabel("the longest turns of the event loop")
    axis.set_ylabel("ms")
    axis.set_title(found[-1]["name"].partition(":")[0])
    return figure


def _logarithmic(axis: Any) -> None:
    """Tenfold steps, written out."""
    from matplotlib.ticker import NullFormatter

    axis.set_xscale("log")
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter(NullFormatter())


def _panels(count: int) -> tuple[Any, list[Any]]:
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, count, figsize=(_WIDTH * count, _HEIGHT), squeeze=False)
    return figure, list(axes[0])


def _values(record: Record) -> dict[str, float]:
    baselines = {name: one["value"] for name, one in record["baselines"].items()}
    return {OURS: record["value"], **baselines}


def _matching(records: Iterable[Record], start: str, end: str) -> list[Record]:
    found = [one for one in records if one["name"].startswith(start) and one["name"].endswith(end)]
    return sorted(found, key=lambda one: (one["registries"] or 0, one["name"]))


_PLOTS: Mapping[str, Callable[[Sequence[Record]], Any]] = {
    "convergence": _convergence,
    "restart": _restart,
    "repair": _repair,
    "scaling": _scaling,
    "hotkey": _hotkey,
    "turns": _turns,
}
