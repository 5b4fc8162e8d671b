"""docs/conformance.md: every behaviour of the list, with the test that holds it or why none does.

The origins above the tests of tests/conformance and its tables of declined behaviours flow in; out
flows one page, a table per source. The page is wholly generated: what it says about a behaviour is
said where the behaviour is tested.
"""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hack.generate.file import GeneratedFile
from tests.conformance.rows import Row, TestName, rows

PAGE: Final = Path("docs", "conformance.md")
_WIDTH: Final = 100
_TESTS: Final = "../tests/conformance"
_RULES: Final = (
    ("W", "the work queue"),
    ("D", "delays and back-off"),
    ("P", "priorities"),
    ("R", "lists and watches"),
    ("I", "stores and informers"),
    ("C", "the cache"),
    ("Q", "predicates"),
    ("M", "from an event to keys"),
    ("K", "the reconcile loop"),
    ("L", "leader election"),
    ("G", "start and stop"),
    ("E", "events"),
    ("A", "server-side apply"),
    ("T", "status and conditions"),
    ("F", "finalizers and owners"),
    ("S", "reading one's own writes"),
    ("1.14", "metrics"),
)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the list: the rows `first` to `last` come from one place."""

    title: str
    source: str
    first: int
    last: int


_SECTIONS: Final = (
    Section("Work queue", "client-go `util/workqueue`", 1, 23),
    Section("Priority queue", "controller-runtime `pkg/controller/priorityqueue`", 24, 45),
    Section("Scheduler and runner", "kube-rs `kube-runtime/src`", 46, 59),
    Section("Reflector", "client-go `tools/cache`", 60, 82),
    Section("WatchList", "client-go `tools/cache`", 83, 94),
    Section("Watcher", "kube-rs `kube-runtime/src`", 95, 99),
    Section(
        "Store and informer",
        "client-go `tools/cache`, kube-rs `kube-runtime/src` (127, 128)",
        100,
        128,
    ),
    Section(
        "Controller, cache, manager",
        "controller-runtime `pkg`, apimachinery `pkg/api/meta` and `pkg/util` (146)",
        129,
        146,
    ),
    Section(
        "Leader election and events",
        "client-go `tools/leaderelection`, `tools/record`, `tools/events`",
        147,
        148,
    ),
)

_INTRODUCTION: Final = """\
<!-- Generated from tests/conformance by `make generate`; do not edit. -->

# Conformance

The controller runtime (`registry_operator/runtime`) keeps the promises that controllers for
Kubernetes have come to rely on. What they are is taken from the tests of those who made them:
client-go, controller-runtime, kube-rs and apimachinery. Each behaviour of the list is expressed
anew as a test of ours, in virtual time, or is declined for a reason. `make unit` runs them all.
"""


def files() -> Iterator[GeneratedFile]:
    """The page about all behaviours."""
    yield GeneratedFile(PAGE, page(rows()))


def page(listed: Sequence[Row]) -> str:
    """The whole page for these rows."""
    parts = [
        _INTRODUCTION,
        _counts(listed),
        _rules(),
        *(_section(section, listed) for section in _SECTIONS),
        _declined(listed),
        _differences(listed),
    ]
    return "\n".join(parts)


def _counts(listed: Sequence[Row]) -> str:
    tested = [row for row in listed if row.tests]
    tests = {name for row in listed for name in row.tests}
    partly = [row for row in tested if row.difference]

    return _paragraph(
        f"Of {len(listed)} behaviours {len(tested)} are held by {len(tests)} tests "
        f"({len(partly)} of them [in part](#followed-in-part)), "
        f"{len(listed) - len(tested)} are [declined](#declined)."
    )


def _rules() -> str:
    words = "; ".join(f"{letter}: {meaning}" for letter, meaning in _RULES)
    return _paragraph(f"Rules are named by what they are about: {words}.")


def _section(section: Section, listed: Sequence[Row]) -> str:
    lines = [
        f"## {section.title}",
        "",
        f"From {section.source}.",
        "",
        "| | behaviour | held by | origin | rule |",
        "|---|---|---|---|---|",
        *(_line(row) for row in listed if section.first <= row.number <= section.last),
        "",
    ]
    return "\n".join(lines)


def _line(row: Row) -> str:
    sentences = "<br>".join(name.sentence for name in row.tests) or "[declined](#declined)"
    held_by = "<br>".join(_links(row.tests))
    sources = "<br>".join(f"`{source}`" for source in _unique(one.source for one in row.origins))
    rules = ", ".join(_unique(rule for one in row.origins for rule in one.rule.split(", ") if rule))
    return _row(str(row.number), sentences, held_by, sources, rules)


def _links(tests: Iterable[TestName]) -> list[str]:
    modules = _unique(name.module for name in tests)
    return [f"[{module}]({_TESTS}/{module}.py)" for module in modules]


def _declined(listed: Sequence[Row]) -> str:
    lines = [
        "## Declined",
        "",
        "| | origin | rule | why |",
        "|---|---|---|---|",
        *(
            _row(str(row.number), f"`{one.origin.source}`", one.origin.rule, one.reason)
            for row in listed
            for one in row.declined
        ),
        "",
    ]
    return "\n".join(lines)


def _differences(listed: Sequence[Row]) -> str:
    lines = [
        "## Followed in part",
        "",
        "| | what differs |",
        "|---|---|",
        *(_row(str(row.number), row.difference) for row in listed if row.difference),
        "",
    ]
    return "\n".join(lines)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _paragraph(text: str) -> str:
    return textwrap.fill(text, _WIDTH, break_on_hyphens=False) + "\n"


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
