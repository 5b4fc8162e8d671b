"""A generated file: where it stands and what it must hold.

The generators (crds.py, rbac.py, docs.py) return these and touch nothing; here they are written, or
compared with what is committed. A file that is right is not written again, so that a second run
changes no time stamp.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


class GenerateError(Exception):
    """A file cannot be generated: the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class GeneratedFile:
    """The path from the root of the repository, and the whole text."""

    path: Path
    text: str


def write(root: Path, files: Iterable[GeneratedFile]) -> list[Path]:
    """Writes what differs under `root`; returns the paths written."""
    written = []
    for file in files:
        target = root / file.path
        if _committed(target) != file.text:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(file.text, encoding="utf-8")
            written.append(file.path)

    return written


def drift(root: Path, files: Iterable[GeneratedFile]) -> str:
    """What would change under `root`, as a unified diff; empty when nothing would."""
    return "".join(
        line
        for file in files
        for line in difflib.unified_diff(
            _committed(root / file.path).splitlines(keepends=True),
            file.text.splitlines(keepends=True),
            fromfile=f"a/{file.path}",
            tofile=f"b/{file.path}",
        )
    )


def _committed(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
