"""The table of reasons: complete, documented, and safe for what it does not know."""

import ast
import re
from pathlib import Path

import pytest

from controllers.registry import reasons
from controllers.registry.reasons import CONDITIONS, TABLE, Gravity, gravity_of, stalls

ROOT = Path(reasons.__file__).parents[2]
# Modules that say something to the user, by outcomes, findings or troubles.
SPEAKERS = (
    *ROOT.glob("controllers/registry/*.py"),
    ROOT / "registry_operator/runtime/owned.py",
    ROOT / "registry_operator/runtime/trouble.py",
)
CALLS = {"Blocked": 0, "Stalled": 0, "Trouble": 0, "After": 1, "_true": 2, "_condition": 3}


def said(path: Path) -> set[str]:
    """Reasons that a module gives literally."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        position = CALLS.get(node.func.id)
        if position is not None and position < len(node.args):
            given = node.args[position]
            if isinstance(given, ast.Constant) and isinstance(given.value, str):
                found.add(given.value)
    return found


@pytest.mark.parametrize("path", SPEAKERS, ids=lambda path: path.stem)
def test_every_reason_that_is_written_somewhere_is_in_the_table(path: Path) -> None:
    assert said(path) <= TABLE.keys()


def test_the_search_finds_what_it_should() -> None:
    everything = set().union(*(said(path) for path in SPEAKERS))

    assert {
        "ForeignObject",
        "QuotaExceeded",
        "SecretNotFound",
        "Serving",
        "RolledOut",
    } <= everything


@pytest.mark.parametrize("reason", TABLE.values(), ids=TABLE)
def test_every_reason_says_what_it_means_and_what_to_do(reason: reasons.Reason) -> None:
    assert re.fullmatch("[A-Z][A-Za-z]+", reason.name)
    assert reason.meaning.endswith(".")
    assert reason.cure.endswith(".")
    if reason.gravity in {Gravity.TROUBLE, Gravity.STALL}:
        assert reason.cure != "Nothing."


def test_gravity_is_by_the_table_and_an_unknown_reason_is_trouble() -> None:
    assert gravity_of("Serving") is Gravity.STATE
    assert gravity_of("NobodyKnows") is Gravity.TROUBLE
    assert stalls("ForeignObject")
    assert not stalls("SecretNotFound")
    assert not stalls("NobodyKnows")
    assert all(reason.stalls == stalls(name) for name, reason in TABLE.items())


def test_conditions_are_documented() -> None:
    assert next(iter(CONDITIONS)) == "Ready"
    for type_, meaning in CONDITIONS.items():
        assert re.fullmatch("[A-Z][A-Za-z]+", type_)
        assert meaning.endswith(".")
