"""`python -m hack.tiers [TIER …]`: runs tiers (default: all), then tells the truth in a table.

Every tier runs, whatever became of the ones before it. The exit code is 0 when all that was asked
for passed; the last line is `N passed, N failed`. Clusters of the run live in a folder of its own
and are taken down with it, also when a tier was killed or the run is interrupted.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from hack.cluster.cluster import take_down
from hack.cluster.home import names
from hack.tiers.plan import tiers
from hack.tiers.tier import Counts, Result, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what is asked for and returns the exit code."""
    for number in (signal.SIGTERM, signal.SIGINT):  # a shell's background job ignores SIGINT
        signal.signal(number, _interrupt)
    results: list[Result] = []
    with workplace() as folder:
        known = tiers(folder)
        parser = argparse.ArgumentParser(prog="python -m hack.tiers", description=__doc__)
        parser.add_argument("tiers", nargs="*", metavar="TIER", help=f"of {', '.join(known)}")
        chosen = parser.parse_args(arguments).tiers or list(known)
        unknown = [name for name in chosen if name not in known]
        if unknown:
            parser.error(f"no such tier: {', '.join(unknown)}")

        try:
            for name in chosen:
                results.append(run(known[name]))  # noqa: PERF401 -- keeps what ran before Ctrl-C
        except KeyboardInterrupt:
            print("\ninterrupted: the rest was not run", flush=True)
            results.append(Result("interrupted", Counts(failed=1), 0.0))

    code = 0 if all(result.ok for result in results) else 1
    print(table(results, exit_code=code), flush=True)

    return code


@contextmanager
def workplace() -> Iterator[Path]:
    """A folder for reports and for the clusters of this run, which do not outlive it."""
    with tempfile.TemporaryDirectory(prefix="ro-test-") as folder:
        os.environ["XDG_STATE_HOME"] = f"{folder}/state"
        try:
            yield Path(folder)
        finally:
            for name in names():
                print(f"taking down cluster {name}: {take_down(name)} left", flush=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def table(results: Sequence[Result], *, exit_code: int) -> str:
    """The summary: a line per tier, the exit code, and last the sum."""
    lines = ["", f"{'tier':12} {'passed':>7} {'failed':>7} {'skipped':>8} {'seconds':>8}"]
    total = Counts()
    for result in results:
        counts = result.counts
        note = "" if result.ok else ("  FAILED" if counts.failed else "  NOTHING WAS TESTED")
        lines.append(
            f"{result.name:12} {counts.passed:7} {counts.failed:7} {counts.skipped:8} "
            f"{result.seconds:8.1f}{note}"
        )
        total += counts

    lines.append(f"exit code {exit_code}")
    lines.append(f"{total.passed} passed, {total.failed} failed")

    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
