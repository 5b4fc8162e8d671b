"""The images of a few files take the right files."""

from __future__ import annotations

from pathlib import Path

from hack.images import operand
from hack.images.base import trim


def _libc(folder: Path) -> Path:
    library = folder / "lib" / "x86_64-linux-gnu"
    library.mkdir(parents=True)
    for name in ("libc.so.6", "ld-linux-x86-64.so.2", "libm.so.6"):
        (library / name).write_bytes(name.encode())

    (folder / "lib64").mkdir()
    (folder / "lib64" / "ld-linux-x86-64.so.2").symlink_to("/lib/x86_64-linux-gnu/ld-linux.so")

    return folder


def test_a_go_program_gets_the_c_library_its_loader_and_the_link_to_it(tmp_path: Path) -> None:
    entries = {entry.target: entry for entry in operand.c_library(_libc(tmp_path))}

    assert {
        "/lib/x86_64-linux-gnu/libc.so.6",
        "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
        "/lib64/ld-linux-x86-64.so.2",
    } == set(entries)
    assert entries["/lib64/ld-linux-x86-64.so.2"].link == "/lib/x86_64-linux-gnu/ld-linux.so"


def test_the_same_registry_is_known_by_its_line_and_by_its_release() -> None:
    names = [list(recipe.names) for recipe in operand.recipes()]

    assert ["registry:2", "registry:2.8.2"] in names
    assert ["registry:3", "registry:3.1.2", "registry:edge"] in names


def test_trimming_takes_documentation_and_leaves_programs(tmp_path: Path) -> None:
    for path in ("usr/share/doc/bash/README", "usr/bin/python3", "usr/share/zoneinfo/UTC"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()

    trim(tmp_path)

    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert {"usr/bin/python3", "usr/share/zoneinfo/UTC"} == left
