"""Plays seeds for whoever asks on standard input: `SEED ROLL` a line, one line of JSON back.

It runs within a copy of the tree that has a mistake in it, so it is the simulation and the code of
that copy that are played. `roll` 0 is the seed as it is; any other plays the same steps under other
chances (orders, delays, shares of trouble). A play that takes too much CPU ends the process.
"""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import replace
from typing import Final

from tests.simulation.run import run
from tests.simulation.scenario import plan

_CPU_SECONDS: Final = 45.0
_ROLL: Final = 1_000_003


def main() -> None:
    """Answer until nobody asks any more."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for line in sys.stdin:
        seed, roll = (int(word) for word in line.split())
        signal.setitimer(signal.ITIMER_PROF, _CPU_SECONDS)
        print(json.dumps(_played(seed, roll)), flush=True)
        signal.setitimer(signal.ITIMER_PROF, 0.0)


def _played(seed: int, roll: int) -> dict[str, str]:
    steps = plan(seed)
    try:
        breach = run(replace(steps, seed=seed + roll * _ROLL)).breach
    except Exception as error:  # noqa: BLE001 - whatever a mistake leads to is the answer
        return {"law": "", "how": "", "error": repr(error)}
    if breach is None:
        return {"law": "", "how": "", "error": ""}
    return {"law": breach.law, "how": breach.how, "error": ""}


if __name__ == "__main__":
    main()
