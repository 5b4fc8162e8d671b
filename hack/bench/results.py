"""A file of results: what was measured, when, on what; for the plots and the page.

In flow figures; out flows JSON. A figure that is measured again, at the same size, replaces the one
before, so that a long run can be made in parts. What is gone from the benchmarks stays until the
file is removed.
"""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hack.bench.figure import Figure

Record = dict[str, Any]


class Results:
    """The results in `file`, which need not exist yet."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._records = load(file) if file.exists() else []

    def add(self, bench: str, figure: Figure) -> None:
        """Writes the file with one figure more, whole or not at all."""
        record = {"bench": bench, **figure.record(), **_conditions()}
        kept = [one for one in self._records if _key(one) != _key(record)]
        self._records = [*kept, record]
        self._file.parent.mkdir(parents=True, exist_ok=True)
        partial = self._file.with_suffix(".partial")
        lines = ",\n".join(map(json.dumps, self._records))
        partial.write_text(f"[\n{lines}\n]\n")
        partial.replace(self._file)


def load(file: Path) -> list[Record]:
    """The records of a file. Raises OSError or ValueError when there are none."""
    records: list[Record] = json.loads(file.read_text())
    return records


def _key(record: Record) -> tuple[str, int | None]:
    return record["name"], record["registries"]


def _conditions() -> Record:
    return {
        "taken": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }
