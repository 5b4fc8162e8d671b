"""Keys, linker flags and locations of the tools: what decides whether a binary is built again."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from hack.cluster.error import ClusterError
from hack.cluster.report import to_nowhere
from hack.cluster.tools import (
    FAMILIES,
    FAMILY_OF,
    MODULES,
    Family,
    Toolbox,
    family_key,
    linker_flags,
)

CRANE = FAMILY_OF["crane"]


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    copy = tmp_path / "modules"
    shutil.copytree(MODULES, copy)
    return copy


def test_the_key_of_equal_files_is_equal(modules: Path) -> None:
    assert family_key(CRANE, MODULES / "crane") == family_key(CRANE, modules / "crane")


@pytest.mark.parametrize("name", ["go.mod", "go.sum"])
def test_a_changed_module_file_changes_the_key(modules: Path, name: str) -> None:
    before = family_key(CRANE, modules / "crane")
    with (modules / "crane" / name).open("a") as handle:
        handle.write("\n")

    assert family_key(CRANE, modules / "crane") != before


def test_a_changed_source_file_changes_the_key_of_its_own_family_only(modules: Path) -> None:
    pause = FAMILY_OF["pause"]
    before = family_key(pause, modules / "pause"), family_key(CRANE, modules / "crane")
    with (modules / "pause" / "main.go").open("a") as handle:
        handle.write("// changed\n")

    after = family_key(pause, modules / "pause"), family_key(CRANE, modules / "crane")

    assert after[0] != before[0]
    assert after[1] == before[1]


def test_a_changed_file_of_a_module_that_stands_in_for_another_changes_the_key(
    modules: Path,
) -> None:
    cosi = FAMILY_OF["cosi-sidecar"]
    before = family_key(cosi, modules / "cosi")
    with (modules / "cosi" / "internal" / "runtime" / "runtime.go").open("a") as handle:
        handle.write("// changed\n")

    assert family_key(cosi, modules / "cosi") != before


def test_changed_linker_variables_change_the_key() -> None:
    other = replace(CRANE, variables={"main.version": "x"})

    assert family_key(CRANE, MODULES / "crane") != family_key(other, MODULES / "crane")


def test_a_file_that_is_not_built_leaves_the_key_alone(modules: Path) -> None:
    before = family_key(CRANE, modules / "crane")
    (modules / "crane" / "README.md").write_text("notes")

    assert family_key(CRANE, modules / "crane") == before


def test_linker_flags_carry_the_version_that_the_module_requires() -> None:
    family = Family(
        name="f",
        tools={},
        versioned="k8s.io/kubernetes",
        variables={"v.git": "{version}", "v.major": "{major}", "v.minor": "{minor}"},
    )

    flags = linker_flags(family, "require (\n\tk8s.io/kubernetes v1.37.2\n)\n")

    assert flags == "-s -w -X v.git=v1.37.2 -X v.major=1 -X v.minor=37"


def test_linker_flags_name_the_module_that_go_mod_lacks() -> None:
    with pytest.raises(ClusterError, match=r"go\.mod: no "):
        linker_flags(FAMILY_OF["kubelet"], "module tools/kubernetes\n")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_family_names_an_exact_toolchain_and_has_checksums(family: Family) -> None:
    for tool in family.tools:
        program = Toolbox(say=to_nowhere).program(tool)

        assert program.toolchain.count(".") == 2
        assert (program.folder / "go.sum").exists()


def test_each_tool_belongs_to_exactly_one_family() -> None:
    assert sum(len(family.tools) for family in FAMILIES) == len(FAMILY_OF)


def test_an_unknown_tool_is_refused_with_the_known_names(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="kube-apiserver"):
        Toolbox(cache=tmp_path, say=to_nowhere).location("minikube")


def test_tools_that_exist_are_not_built_again(tmp_path: Path) -> None:
    said: list[str] = []
    box = Toolbox(cache=tmp_path, say=said.append)
    binary = box.location("crane")
    binary.parent.mkdir(parents=True)
    binary.write_bytes(b"built earlier")

    assert box.ensure(["crane"]) == {"crane": binary}
    assert not said
