"""`python -m hack.simulate`: plays seeds on all cores; the laws of tests/simulation must hold.

The first seeds that break one are made small, shown, and kept in tests/simulation/regressions. The
exit code is 0 when none did; the last line is `N passed, N failed`. `--seed N` and `--plan FILE`
play one plan and show what happens in it.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from hack.e2e.report import Verdict as Case
from hack.e2e.report import merge
from hack.simulate.failure import keep, read, shrunk, told
from hack.simulate.seeds import HASHING, verdicts
from registry_operator.testing.simulation.plan import Plan
from tests.simulation.run import Verdict, run
from tests.simulation.scenario import plan

_SHOWN = 3
_PROGRESS_SECONDS = 20.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Play what is asked for and return the exit code."""
    options = _parser().parse_args(arguments)
    if os.environ.get("PYTHONHASHSEED") != HASHING["PYTHONHASHSEED"]:
        command = [sys.executable, "-m", "hack.simulate", *(arguments or sys.argv[1:])]
        os.execve(sys.executable, command, os.environ | HASHING)
    if options.seed is not None:
        return _one(plan(options.seed))
    if options.plan is not None:
        return _one(read(options.plan))

    return _many(options)


def _one(chosen: Plan) -> int:
    verdict = run(chosen, tell=True)
    print(chosen, *verdict.tail, "", sep="\n")
    print(
        f"{verdict.seconds:.0f} virtual seconds, {verdict.changes} lines, digest {verdict.digest}"
    )
    print(verdict.breach or "all laws held")

    return 0 if verdict.breach is None else 1


def _many(options: argparse.Namespace) -> int:
    seeds = range(options.first, options.first + options.seeds)
    tally = _Tally(len(seeds))
    for verdict in verdicts(seeds, jobs=options.jobs):
        tally.add(verdict)
    broken = sorted(tally.broken, key=lambda verdict: verdict.plan.seed)
    for verdict in broken[:_SHOWN]:
        small = shrunk(verdict)
        print(f"\n{told(small)}\n\nkept in {keep(small)}", flush=True)
    if options.report:
        merge([], tally.cases(), out=options.report)
    print(tally.summary(), f"{tally.held} passed, {len(broken)} failed", sep="\n")

    return 1 if broken else 0


class _Tally:
    """Counts verdicts as they come; says which are broken, and now and then how far it is."""

    def __init__(self, seeds: int) -> None:
        self._seeds = seeds
        self._began = self._told = time.monotonic()
        self._hours = 0.0
        self._lines = 0
        self.held = 0
        self.broken: list[Verdict] = []

    def add(self, verdict: Verdict) -> None:
        """Count a verdict."""
        self._hours += verdict.seconds / 3600
        self._lines += verdict.changes
        if verdict.breach is None:
            self.held += 1
        else:
            self.broken.append(verdict)
            print(f"seed {verdict.plan.seed}: {verdict.breach}", flush=True)
        if time.monotonic() - self._told > _PROGRESS_SECONDS:
            self._told = time.monotonic()
            done = self.held + len(self.broken)
            print(f"{done} of {self._seeds} seeds, {len(self.broken)} broke a law", flush=True)

    def summary(self) -> str:
        """What was simulated, and how fast."""
        took = time.monotonic() - self._began
        rate = (self.held + len(self.broken)) / took
        return (
            f"{self._hours:.0f} hours of cluster life in {took:.0f} s ({rate:.1f} seeds/s), "
            f"{self._lines} changes"
        )

    def cases(self) -> list[Case]:
        """One case for all seeds that held, each broken one by itself: for a JUnit report."""
        broken = [Case(f"seed {one.plan.seed}", str(one.breach)) for one in self.broken]
        return [*(Case(f"held {number}") for number in range(self.held)), *broken]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hack.simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, metavar="N", help="how many")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the first of them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("--seed", type=int, metavar="N", help="play one seed and show it")
    parser.add_argument("--plan", type=Path, metavar="FILE", help="play a plan that was kept")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write a JUnit report")

    return parser


if __name__ == "__main__":
    sys.exit(main())
