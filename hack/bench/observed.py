"""The operator as users run it, watched from inside: the loop's turns, and where the time goes.

`python -m hack.bench.observed run …` takes the operator's own arguments. BENCH_TURNS names a file
that the longest turns of the event loop are written to (seconds, one a line) whenever SIGUSR2
comes, and at the end. BENCH_PROFILE names one that the profile is written to: cProfile's, by own
and by cumulated time. Both cost time, so figures of CPU are taken without.
"""

from __future__ import annotations

import asyncio
import cProfile
import io
import os
import pstats
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from hack.bench.meter import MeteredPolicy, Turns
from registry_operator.cli import main as operator

MODULE = "hack.bench.observed"
TURNS, PROFILE = "BENCH_TURNS", "BENCH_PROFILE"
_LINES = 60


def main() -> None:
    """Runs the operator to its end."""
    turns = os.environ.get(TURNS)
    profile = os.environ.get(PROFILE)
    work: Callable[[], None] = _operate
    if turns:
        work = _metered(work, Path(turns))
    if profile:
        work = _profiled(work, Path(profile))
    work()


def _operate() -> None:
    operator(sys.argv[1:], standalone_mode=False)


def _metered(work: Callable[[], None], file: Path) -> Callable[[], None]:
    def metered() -> None:
        turns = Turns()
        asyncio.set_event_loop_policy(MeteredPolicy(turns))

        def tell() -> None:
            partial = file.with_suffix(".partial")
            partial.write_text("".join(f"{seconds:.6f}\n" for seconds in turns.longest))
            partial.replace(file)

        signal.signal(signal.SIGUSR2, lambda *_: tell())
        try:
            work()
        finally:
            tell()

    return metered


def _profiled(work: Callable[[], None], file: Path) -> Callable[[], None]:
    def profiled() -> None:
        profile = cProfile.Profile()
        try:
            profile.runcall(work)
        finally:
            text = io.StringIO()
            stats = pstats.Stats(profile, stream=text)
            for order in ("tottime", "cumulative"):
                stats.sort_stats(order).print_stats(_LINES)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text.getvalue())

    return profiled


if __name__ == "__main__":
    main()
