"""Control groups of nodes: folders of our own, for kubelets to make their pods' in.

In flows a path (`/CLUSTER/NODE`); out flow folders, in every hierarchy of cgroup v1 or in the one
of v2. The hierarchies belong to the host: nothing is mounted, converted or limited.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
_COPIED = ("cpuset.cpus", "cpuset.mems")
_ATTEMPTS, _STEP_SECONDS = 50, 0.1


def create(path: str, *, root: Path = ROOT) -> None:
    """Makes cgroup `path` in every hierarchy.

    In v1 a cpuset begins empty, so it gets what its parent has.
    """
    for hierarchy in hierarchies(root):
        folder = hierarchy
        for part in path.strip("/").split("/"):
            parent, folder = folder, folder / part
            folder.mkdir(exist_ok=True)
            for name in _COPIED:
                if (folder / name).exists() and (parent / name).exists():
                    (folder / name).write_text((parent / name).read_text())


def remove(path: str, *, root: Path = ROOT) -> None:
    """Removes cgroup `path` and all below it.

    The kernel takes a moment to let go of ended processes' groups.
    """
    for _ in range(_ATTEMPTS):
        if not (left := existing(path, root=root)):
            return

        for top in left:
            for folder, _folders, _files in os.walk(top, topdown=False):
                with suppress(OSError):  # busy: asked again below, and reported as left at last
                    Path(folder).rmdir()

        if existing(path, root=root):
            time.sleep(_STEP_SECONDS)


def existing(path: str, *, root: Path = ROOT) -> list[str]:
    """The folders of cgroup `path` that exist."""
    candidates = [hierarchy / path.strip("/") for hierarchy in hierarchies(root)]

    return [str(folder) for folder in candidates if folder.exists()]


def hierarchies(root: Path = ROOT) -> list[Path]:
    """The roots of all hierarchies: one in v2, one per controller (and `unified`) in v1."""
    if (root / "cgroup.controllers").exists():
        return [root]

    return sorted(p for p in root.iterdir() if p.is_dir() and not p.is_symlink())


def is_v1(root: Path = ROOT) -> bool:
    """Whether this host has cgroup v1, which kubelet must be told to accept."""
    return not (root / "cgroup.controllers").exists()
