"""The schema table against the programs: each key exists in exactly the releases that it says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry_operator.distribution.key import Key, Type
from registry_operator.distribution.passthrough import merge
from registry_operator.distribution.release import Release
from registry_operator.distribution.schema import ROOT
from tests.integration.distribution.programs import understands

pytestmark = pytest.mark.integration

# The programs read storage parameters as open maps: their types show only when used (test_refusals).
_OPEN = ("storage",)
_WRONG: dict[Type, Any] = {
    Type.STRING: {"a": {"b": 1}},
    Type.REGEXP: {"a": {"b": 1}},
    Type.MAP: ["x"],
    Type.INTEGER: ["x"],
    Type.BOOLEAN: ["x"],
    Type.DURATION: ["x"],
}


def _leaves(key: Key, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[Key]]]:
    """Every leaf that the operator does not own: its path, and the keys from the root to it."""
    if path[:1] == _OPEN or key.owner:
        return

    if key.type is Type.OBJECT:
        for name, inner in key.keys.items():
            for found, keys in _leaves(inner, (*path, name)):
                yield found, [key, *keys]
    elif key.type is Type.LIST and key.item is not None:
        for found, keys in _leaves(key.item, (*path, "[]")):
            yield found, [key, *keys]
    else:
        yield path, [key]


LEAVES = {".".join(path): (path, keys) for path, keys in _leaves(ROOT)}


def _config(path: tuple[str, ...], value: object) -> Any:
    for name in reversed(path):
        value = [value] if name == "[]" else {name: value}

    return value


def _exists(keys: list[Key], release: Release) -> bool:
    return all(
        (key.since is None or release.surely_since(key.since))
        and (key.until is None or not release.surely_since(key.until))
        for key in keys
    )


@pytest.mark.parametrize("name", LEAVES)
def test_a_program_minds_the_type_of_a_key_when_the_table_says_that_it_has_the_key(
    name: str, release: Release, binary: Path, tmp_path: Path
) -> None:
    path, keys = LEAVES[name]
    base = {"version": "0.1", "storage": {"filesystem": {"rootdirectory": str(tmp_path / "none")}}}
    wrong = _config(path, _WRONG[keys[-1].type])

    understood = understands(binary, merge(base, wrong), tmp_path)

    assert _exists(keys, release) is not understood
