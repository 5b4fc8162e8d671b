"""`python -m hack.tiers [TIER …]`: runs tiers (default: all), then tells the truth in a table.

Every tier runs, whatever became of the ones before it. The exit code is 0 when all that was asked
for passed; the last line is `N passed, N failed`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hack.tiers.plan import tiers
from hack.tiers.tier import Counts, Result, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what is asked for and returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="registry-operator-tiers-") as folder:
        known = tiers(Path(folder))
        parser = argparse.ArgumentParser(prog="python -m hack.tiers", description=__doc__)
        parser.add_argument("tiers", nargs="*", metavar="TIER", help=f"of {', '.join(known)}")
        names = parser.parse_args(arguments).tiers or list(known)
        unknown = [name for name in names if name not in known]
        if unknown:
            parser.error(f"no such tier: {', '.join(unknown)}")

        results: list[Result] = []
        try:
            for name in names:
                results.append(run(known[name]))  # noqa: PERF401 -- keeps what ran before Ctrl-C
        except KeyboardInterrupt:
            print("\ninterrupted: the rest was not run", flush=True)
            results.append(Result("interrupted", Counts(failed=1), 0.0))

    code = 0 if all(result.ok for result in results) else 1
    print(table(results, exit_code=code), flush=True)

    return code


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
