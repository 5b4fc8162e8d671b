"""Building with Go: which one, in which environment, and what is said when it fails.

Go itself is a script here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hack.cluster.error import ClusterError
from hack.cluster.golang import BOOTSTRAP, Program, build, environment, find_go
from hack.cluster.report import to_nowhere


def a_go(folder: Path, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    go = folder / "go"
    go.write_text(f"#!/bin/sh\n{script}\n")
    go.chmod(0o755)

    return go


def a_program(folder: Path) -> Program:
    return Program(name="tool", package="example.com/tool", folder=folder, toolchain="go1.26.8")


def test_the_go_on_path_is_used_when_it_can_switch_toolchains(tmp_path: Path) -> None:
    go = a_go(tmp_path / "bin", "echo go1.21.0")

    assert find_go(tmp_path, to_nowhere, path=str(go.parent)) == go


@pytest.mark.parametrize("answer", ["echo go1.20.14", "exit 1"])
def test_an_old_or_broken_go_is_passed_over_for_the_installed_one(
    tmp_path: Path, answer: str
) -> None:
    old = a_go(tmp_path / "bin", answer)
    installed = a_go(tmp_path / "go" / BOOTSTRAP / "go" / "bin", "echo go1.26.6")

    assert find_go(tmp_path, to_nowhere, path=str(old.parent)) == installed


def test_what_would_change_the_result_is_not_inherited() -> None:
    base = {"HOME": "/h", "GOOS": "plan9", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}

    found = environment(base, "go1.25.5")

    assert found["GOTOOLCHAIN"] == "go1.25.5"
    assert found["GOFLAGS"] == ""
    assert "GOOS" not in found
    assert found["HOME"] == "/h"


def test_the_checksum_database_setting_is_the_users() -> None:
    assert "GONOSUMDB" not in environment({}, "go1.26.8")
    assert environment({"GOSUMDB": "mine"}, "go1.26.8")["GOSUMDB"] == "mine"


def test_a_built_program_appears_whole_under_its_name_only(tmp_path: Path) -> None:
    script = 'while [ "$1" != -o ]; do shift; done; echo example.com/tool; echo built > "$2"'
    go, out = a_go(tmp_path / "bin", script), tmp_path / "out" / "tool"

    build(go, a_program(tmp_path), out, log=tmp_path / "log", say=to_nowhere)

    assert out.read_text() == "built\n"
    assert [path.name for path in out.parent.iterdir()] == ["tool"]


def test_checksums_are_verified_and_never_written(tmp_path: Path) -> None:
    go = a_go(tmp_path / "bin", 'echo "$@" >&2; while [ "$1" != -o ]; do shift; done; : > "$2"')

    build(go, a_program(tmp_path), tmp_path / "tool", log=tmp_path / "log", say=to_nowhere)

    assert "-mod=readonly" in (tmp_path / "log").read_text()


def test_a_failed_build_says_what_failed_why_and_where_to_read(tmp_path: Path) -> None:
    go, log = a_go(tmp_path / "bin", "echo undefined: x >&2; exit 1"), tmp_path / "log"

    with pytest.raises(ClusterError) as caught:
        build(go, a_program(tmp_path), tmp_path / "tool", log=log, say=to_nowhere)

    assert caught.value.what == "building tool (example.com/tool)"
    assert caught.value.why == "undefined: x"
    assert str(log) in caught.value.cure
    assert not (tmp_path / "tool").exists()
