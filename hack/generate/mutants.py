"""docs/mutants.md: the deliberate mistakes, and the seed and the law that caught each of them.

The tables of tests/simulation/mutants and what `make mutants` keeps beside them flow in; out flows
one page, a table for each area. Whoever adds a mutant writes its table and lets it be found.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from hack.generate.file import GeneratedFile
from hack.mutants.mutant import Catch, Mutant, catches, mutants

PAGE: Final = Path("docs", "mutants.md")
_AREAS: Final = {
    "queue": "The work queue",
    "controller": "From an event to a run, and to the next",
    "cache": "Lists, watches, stores, own writes",
    "children": "What is written for an owner",
    "election": "The right to lead",
    "status": "What a status says",
    "data": "Data, and what is to be left alone",
    "secrets": "Secret values",
}
_INTRODUCTION: Final = """\
<!-- Generated from tests/simulation/mutants by `make generate`; do not edit. -->

# Mutants

Would the [simulation](simulation.md) see a mistake?
Each row is a deliberate one: a few lines of the code are changed.
The plan of its seed breaks a law with the change, and none without it.
`make mutants` plays them all, and so does `make test`.
The law must be broken by what the world sees; a traceback is none.

`make mutants ARGS=fence` plays those whose names have the word.
To add one, write it into a table of `tests/simulation/mutants`.
Then `.venv/bin/python -m hack.mutants find` looks for a seed.
If there is none, the suite has a blind eye: a law or a step is missing.

Any change of the code shifts orders and delays, so a seed may lose its catch.
The same steps are played under two other chances before it counts as lost; then `find` looks anew.
"""


def files() -> Iterator[GeneratedFile]:
    """The page about all mutants."""
    yield GeneratedFile(PAGE, page(mutants(), catches()))


def page(listed: Sequence[Mutant], caught: Mapping[str, Catch]) -> str:
    """The whole page for these mutants and what caught them."""
    counted = [one for one in listed if not one.equivalent]
    lines = [_INTRODUCTION, f"{len(counted)} mutants are caught by these laws.", ""]
    for area, title in _AREAS.items():
        rows = [one for one in counted if one.area == area]
        lines += [f"## {title}", "", "| mistake | in | seed | law |", "|---|---|---|---|"]
        lines += [_row(one, caught.get(one.name)) for one in rows]
        lines.append("")
    lines += _equivalent([one for one in listed if one.equivalent])
    return "\n".join(lines)


def _row(mutant: Mutant, catch: Catch | None) -> str:
    seed, law = (str(catch.seed), catch.law) if catch else ("none", "none")
    return f"| {mutant.name} | [{Path(mutant.file).name}](../{mutant.file}) | {seed} | {law} |"


def _equivalent(listed: Sequence[Mutant]) -> list[str]:
    """Those that nobody could tell from the code as it is; they do not count."""
    if not listed:
        return []
    rows = [f"| {one.name} | {one.equivalent} |" for one in listed]
    return ["## Not to be told from the code", "", "| change | why |", "|---|---|", *rows, ""]
