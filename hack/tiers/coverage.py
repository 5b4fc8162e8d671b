"""The coverage gate: branches of the controller runtime and the client that tests never took.

In flows coverage.py's JSON report; out flow the share per package and whether it is enough.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

GATED = ("registry_operator/runtime/", "registry_operator/kube/")
LEAST_PERCENT = 90.0


def shares(report: Mapping[str, Any]) -> dict[str, float]:
    """Percent of branches taken, by gated package; 100 where a package has no branches."""
    found = {}
    for package in GATED:
        totals = [
            entry["summary"]
            for name, entry in report["files"].items()
            if name.replace("\\", "/").startswith(package)
        ]
        branches = sum(total["num_branches"] for total in totals)
        taken = sum(total["covered_branches"] for total in totals)
        found[package] = 100.0 * taken / branches if branches else 100.0

    return found


def main() -> int:
    """Judges the report named in the first argument; returns the exit code."""
    report = json.loads(Path(sys.argv[1]).read_text())
    code = 0
    for package, percent in shares(report).items():
        enough = percent >= LEAST_PERCENT
        word = "" if enough else f"  TOO LITTLE: {LEAST_PERCENT:.0f} % is the least"
        print(f"branches of {package:28} {percent:5.1f} %{word}")
        code = code if enough else 1

    return code


if __name__ == "__main__":
    sys.exit(main())
