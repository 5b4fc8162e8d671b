"""What is made of a seed that breaks a law: a small plan that breaks it too, shown and kept.

In flow a verdict; out flow text for people and a file for `tests/simulation/regressions`, where
every plan is played with the tests from then on.
"""

from __future__ import annotations

import json
from pathlib import Path

from registry_operator.testing.simulation.plan import Plan
from registry_operator.testing.simulation.shrink import shrink
from tests.simulation.run import Verdict, run

REGRESSIONS = Path(__file__).parents[2] / "tests" / "simulation" / "regressions"
_LINES = 60


def shrunk(verdict: Verdict) -> Verdict:
    """Return the verdict on the smallest plan found that breaks the same law."""
    assert verdict.breach is not None
    law = verdict.breach.law

    def breaks_it(plan: Plan) -> bool:
        breach = run(plan).breach
        return breach is not None and breach.law == law

    return run(shrink(verdict.plan, breaks_it))


def told(verdict: Verdict) -> str:
    """Say what was broken, by which plan, and what happened just before."""
    lines = [
        f"seed {verdict.plan.seed} breaks a law after {verdict.seconds:.0f} s: {verdict.breach}",
        "",
        str(verdict.plan),
        "",
        # Renewals of the Lease tell little, and are most of what happens.
        *[line for line in verdict.tail if "MODIFIED leases/" not in line][-_LINES:],
    ]
    return "\n".join(lines)


def keep(verdict: Verdict, *, folder: Path = REGRESSIONS) -> Path:
    """Write the plan where the tests find it, and return where that is."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"seed-{verdict.plan.seed}.json"
    content = {"broke": str(verdict.breach), **verdict.plan.to_json()}
    file.write_text(json.dumps(content, indent=1) + "\n")
    return file


def read(file: Path) -> Plan:
    """Return the plan that was kept in a file."""
    return Plan.from_json(json.loads(file.read_text()))
