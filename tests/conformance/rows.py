"""The list of behaviours as it stands: for each row its origins, and its tests or why there is none.

The modules of this folder flow in, imported and not run; out flow rows in order, for the page
docs/conformance.md and for the test that no row is missing.
"""

import importlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Final

from tests.conformance.declined import DECLINED, DIFFERENCES
from tests.conformance.origin import Declined, Origin, origins

ROWS: Final = range(1, 149)
_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True, order=True)
class TestName:
    """A test function by the name of its module, such as `test_workqueue`, and its own."""

    __test__ = False  # Not a test itself, whatever pytest thinks of the name.

    module: str
    function: str

    @property
    def sentence(self) -> str:
        """What the test says, in words."""
        return self.function.removeprefix("test_").replace("_", " ")


@dataclass(slots=True)
class Row:
    """One behaviour. Exactly one of `tests` and `declined` should be there."""

    number: int
    origins: list[Origin] = field(default_factory=list)
    tests: list[TestName] = field(default_factory=list)
    declined: list[Declined] = field(default_factory=list)
    difference: str = ""


def rows() -> list[Row]:
    """Every row that a test or a table names, in order."""
    found: defaultdict[int, Row] = defaultdict(lambda: Row(0))
    for name, named in _marked():
        for origin in named:
            found[origin.row].origins.append(origin)
            if name not in found[origin.row].tests:
                found[origin.row].tests.append(name)
    for declined in DECLINED:
        found[declined.origin.row].origins.append(declined.origin)
        found[declined.origin.row].declined.append(declined)
    for number, difference in DIFFERENCES.items():
        found[number].difference = difference
    for number, row in found.items():
        row.number = number

    return [found[number] for number in sorted(found)]


def unmarked() -> list[TestName]:
    """Tests of this folder that name no origin, those about the list itself left out."""
    return [
        name
        for module in _modules()
        for name in _tests(module)
        if not origins(getattr(module, name.function)) and name.module != "test_completeness"
    ]


def _marked() -> Iterator[tuple[TestName, tuple[Origin, ...]]]:
    for module in _modules():
        for name in _tests(module):
            yield name, origins(getattr(module, name.function))


def _modules() -> list[ModuleType]:
    names = sorted(path.stem for path in _FOLDER.glob("test_*.py"))
    return [importlib.import_module(f"tests.conformance.{name}") for name in names]


def _tests(module: ModuleType) -> list[TestName]:
    name = module.__name__.rpartition(".")[2]
    return [TestName(name, function) for function in vars(module) if function.startswith("test_")]
