"""Deliberate mistakes of the code, and what caught each of them.

In flow the tables in tests/simulation/mutants, one for each area, written by people, and
`caught.json` beside them, written by `python -m hack.mutants find`; out flow `Mutant`s and
`Catch`es. A mutation replaces one piece of text that stands once in its file, so that a table that
no longer fits the code is noticed at once.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLES = ROOT / "tests" / "simulation" / "mutants"
CAUGHT = TABLES / "caught.json"


class UnfitError(ValueError):
    """The old text of a mutation does not stand in its file exactly once."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """The code with one mistake in it; `name` says what it does wrong.

    `likely` are patterns of steps that bring it out: plans with many of them are played first.
    `equivalent` says why nobody could tell it from the code as it is, "" where somebody can.
    """

    name: str
    area: str
    file: str
    old: str
    new: str
    likely: tuple[str, ...] = ()
    equivalent: str = ""

    def applied(self, text: str) -> str:
        """Return the file's text with the mistake in it. Raises UnfitError."""
        found = text.count(self.old)
        if found != 1:
            raise UnfitError(f"{self.name}: its old text stands {found} times in {self.file}")
        return text.replace(self.old, self.new)


@dataclass(frozen=True, slots=True)
class Catch:
    """The plan of this seed breaks `law` of tests/simulation, and how."""

    seed: int
    law: str
    how: str


def mutants(folder: Path = TABLES) -> list[Mutant]:
    """Return all mutants, by area, in the order of their tables."""
    return [
        Mutant(area=table.stem, **(one | {"likely": tuple(one.get("likely", ()))}))
        for table in sorted(folder.glob("*.toml"))
        for one in tomllib.loads(table.read_text(encoding="utf-8"))["mutant"]
    ]


def catches(file: Path = CAUGHT) -> dict[str, Catch]:
    """Return what caught each mutant, by its name."""
    if not file.exists():
        return {}
    found = json.loads(file.read_text(encoding="utf-8"))
    return {name: Catch(**one) for name, one in found.items()}


def keep(found: Mapping[str, Catch], file: Path = CAUGHT) -> None:
    """Write down what caught each mutant."""
    listed = {name: asdict(found[name]) for name in sorted(found)}
    text = json.dumps(listed, indent=1, ensure_ascii=False)
    file.write_text(f"{text}\n", encoding="utf-8")
