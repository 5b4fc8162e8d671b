"""`python -m hack.bench run [--only NAME …] [-n N …]`: prints a line of JSON for every figure.

`python -m hack.bench plot` draws what a run has left. Progress goes to stderr. Nothing here fails
because something is slow: `holds` says what is.
"""

from __future__ import annotations

import argparse
import compileall
import site
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from hack.bench import (
    convergence,
    decoding,
    hotkey,
    memory,
    plots,
    queueing,
    repair,
    rest,
    results,
    rolling,
    scaling,
    simulated,
    single,
    syncing,
)
from hack.bench.plan import Bench, Plan
from hack.operator import ROOT
from registry_operator import logs

BENCHES: Mapping[str, tuple[Bench, int]] = {
    "converge": (convergence.figures, 100),
    "writes": (single.figures, 10),
    "roll": (rolling.figures, 100),
    "rest": (rest.figures, 100),
    "simulated": (simulated.figures, 1000),
    "repair": (repair.figures, 100),
    "memory": (memory.figures, 0),
    "decode": (decoding.figures, 0),
    "sync": (syncing.figures, 50_000),
    "scaling": (scaling.figures, 1000),
    "hotkey": (hotkey.figures, 100),
    "queue": (queueing.figures, 0),
}
"""Each benchmark, and how many Registries it has (for `sync`: objects) unless told otherwise."""
_BUILD = ROOT / "build" / "bench"
_PAGE = ROOT / "docs" / "performance"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what is asked for, everything by default; 0 when it could be measured."""
    parsed = _parser().parse_args(arguments)
    if parsed.command == "plot":
        for file in plots.draw(results.load(parsed.results), parsed.folder):
            print(file)
        return 0

    logs.configure(level="error", as_json=False)
    _compile()
    taken = results.Results(parsed.output)
    for name in parsed.only or BENCHES:
        bench, usual = BENCHES[name]
        for count in parsed.counts if parsed.counts and usual else [usual]:
            plan = Plan(
                registries=count,
                rounds=parsed.rounds,
                kopf=not parsed.without_kopf,
                profile=parsed.output.parent / "profile" if parsed.profile else None,
            )
            for figure in bench(plan):
                print(figure.line(), flush=True)
                taken.add(name, figure)

    return 0


def _compile() -> None:
    """Compiles all modules, as the image does: what is measured shall not do it at its start."""
    folders = [ROOT / "registry_operator", ROOT / "controllers", ROOT / "hack" / "bench"]
    for folder in (*folders, *map(Path, site.getsitepackages())):
        compileall.compile_dir(folder, quiet=2)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hack.bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="measure")
    run.add_argument("--only", action="append", choices=BENCHES, help="may be repeated")
    run.add_argument(
        "-n",
        dest="counts",
        action="append",
        type=int,
        help="how many Registries (sync: objects), where a benchmark has any; may be repeated",
    )
    run.add_argument("--rounds", type=int, default=3, help="repetitions; medians count")
    run.add_argument("--without-kopf", action="store_true", help="measure ours and the floor only")
    run.add_argument(
        "--profile",
        action="store_true",
        help="leave a profile of the operator beside the results; its CPU figures are void",
    )
    run.add_argument(
        "--output", type=Path, default=_BUILD / "results.json", help="file that results go to"
    )
    plot = commands.add_parser("plot", help="draw the plots of results")
    plot.add_argument("--results", type=Path, default=_PAGE / "results.json")
    plot.add_argument("--folder", type=Path, default=_PAGE, help="where the SVG files go")

    return parser


if __name__ == "__main__":
    sys.exit(main())
