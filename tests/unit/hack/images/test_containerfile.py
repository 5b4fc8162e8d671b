"""The Containerfile and the list of what it reads agree, and the image is what a pod may run."""

from __future__ import annotations

import json
import re
from pathlib import Path

from hack.images.containerfile import _CONTEXT, REPOSITORY, context_files

_TEXT = (REPOSITORY / "Containerfile").read_text()


def _instructions(name: str) -> list[str]:
    joined = _TEXT.replace("\\\n", " ")

    return [line.split(None, 1)[1] for line in joined.splitlines() if line.startswith(f"{name} ")]


def test_every_copied_path_is_an_input_of_the_image() -> None:
    copied = [line.split()[0] for line in _instructions("COPY") if "--from" not in line]

    assert copied
    assert [path for path in copied if path not in _CONTEXT] == []


def test_every_copied_path_is_let_through_by_the_ignore_file() -> None:
    allowed = (REPOSITORY / ".containerignore").read_text().splitlines()
    copied = [line.split()[0] for line in _instructions("COPY") if "--from" not in line]

    assert "*" in allowed
    assert [path for path in copied if f"!{path}" not in allowed] == []


def test_what_running_the_code_leaves_behind_is_no_input(tmp_path: Path) -> None:
    package = tmp_path / "registry_operator" / "__pycache__"
    package.mkdir(parents=True)
    (package / "cli.cpython-311.pyc").touch()
    (package.parent / "cli.py").touch()
    for name in ("Containerfile", ".containerignore"):
        (tmp_path / name).touch()

    files = {path.name for path in context_files(tmp_path) if path.is_file()}

    assert {"cli.py", "Containerfile", ".containerignore"} == files


def test_the_process_is_not_root_and_gets_its_signals_itself() -> None:
    (user,), (entrypoint,) = _instructions("USER"), _instructions("ENTRYPOINT")

    assert user == "65532:65532"
    assert json.loads(entrypoint)[1:] == ["-m", "registry_operator"]


def test_dependencies_are_installed_as_locked() -> None:
    (install,) = [line for line in _instructions("RUN") if "pip" in line]

    assert "--require-hashes" in install
    assert "--no-deps" in install


def test_no_host_is_written_down() -> None:
    code = "\n".join(line for line in _TEXT.splitlines() if not line.startswith("#"))

    assert re.findall(r"https?://\S+", code) == []
    assert {"python:3.11-slim"} == {line.split()[0] for line in _instructions("FROM")}
