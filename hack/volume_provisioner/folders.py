"""The folders behind volumes: made, removed, and where kubelets find them.

In flow names of volumes and of nodes; out flow folders, and paths as the nodes see them.

    NODES/NODE/volumes/VOLUME   one node's own, which sees it below its own folder
    SHARED/VOLUME               at the same path on this machine and on every node
"""

from __future__ import annotations

import shutil
from pathlib import Path

from hack.cluster.node_config import INSIDE

_VOLUMES = "volumes"
# As a new disk is: to pods that are not root it is of use by their fsGroup only.
_LOCAL_MODE = 0o755
# Kubelets give no fsGroup to a hostPath.
_SHARED_MODE = 0o777


class Folders:
    """Folders in those of the nodes below `nodes`, and in `shared`."""

    def __init__(self, nodes: Path, shared: Path) -> None:
        self._nodes = nodes
        self._shared = shared

    def nodes(self) -> frozenset[str]:
        """The nodes that have a folder."""
        return frozenset(path.name for path in self._nodes.glob("*"))

    def make(self, volume: str, *, node: str = "") -> str:
        """Makes a folder on `node`, or for all of them; returns its path as kubelets see it.

        One that is there is as good as made.
        """
        if node:
            _make(self._nodes / node / _VOLUMES / volume, _LOCAL_MODE)

            return str(INSIDE / _VOLUMES / volume)

        _make(self._shared / volume, _SHARED_MODE)

        return str(self._shared / volume)

    def remove(self, volume: str) -> None:
        """Removes a volume's folder and all that is in it, wherever it is."""
        for path in (self._shared / volume, *self._nodes.glob(f"*/{_VOLUMES}/{volume}")):
            if path.exists():
                shutil.rmtree(path)


def _make(path: Path, mode: int) -> None:
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(mode)
