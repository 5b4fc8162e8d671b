"""The folders behind volumes: where they are, who may write, and that they go."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from hack.volume_provisioner.folders import Folders


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    for node in ("node-1", "node-2"):
        (tmp_path / "nodes" / node).mkdir(parents=True)

    return Folders(tmp_path / "nodes", tmp_path / "shared")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_local_folder_is_in_its_nodes_and_is_found_below_the_nodes_own_path(
    tmp_path: Path, folders: Folders
) -> None:
    path = folders.make("pvc-1", node="node-2")

    made = tmp_path / "nodes" / "node-2" / "volumes" / "pvc-1"
    assert path == "/run/node/volumes/pvc-1"
    assert mode(made) == 0o755  # of use by fsGroup only


def test_a_shared_folder_has_one_path_for_all_and_lets_all_write(
    tmp_path: Path, folders: Folders
) -> None:
    path = folders.make("pvc-1")

    assert path == str(tmp_path / "shared" / "pvc-1")
    assert mode(Path(path)) == 0o777


def test_making_a_folder_again_keeps_what_is_in_it(folders: Folders) -> None:
    path = Path(folders.make("pvc-1"))
    (path / "blob").touch()

    assert Path(folders.make("pvc-1")) == path
    assert (path / "blob").exists()


@pytest.mark.parametrize("node", ["", "node-1"])
def test_a_folder_goes_with_all_that_is_in_it_and_no_other_does(
    tmp_path: Path, folders: Folders, node: str
) -> None:
    for volume in ("pvc-1", "pvc-2"):
        folders.make(volume, node=node)
    for path in tmp_path.rglob("pvc-*"):
        (path / "docker").mkdir()
        (path / "docker" / "blob").touch()

    folders.remove("pvc-1")
    folders.remove("pvc-1")

    assert [path.name for path in tmp_path.rglob("pvc-*")] == ["pvc-2"]


def test_the_nodes_are_those_that_have_a_folder(tmp_path: Path, folders: Folders) -> None:
    assert folders.nodes() == {"node-1", "node-2"}
    assert Folders(tmp_path / "none", tmp_path / "shared").nodes() == frozenset()
