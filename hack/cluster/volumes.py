"""Volumes in the cluster: two StorageClasses, and our provisioner of what they promise.

In flows the cluster's context; out flow a command line, the classes, and whether it works. Volumes
are folders: of one node in that node's own, of all nodes in the cluster's, which every node sees at
the path that it has on this machine.

    PersistentVolumeClaim ──▶ provisioner ──▶ folder, PersistentVolume ──▶ bound by the controllers
"""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from hack.cluster.api import Api
from hack.cluster.controlplane import MANIFESTS, Context
from hack.cluster.error import ClusterError
from hack.cluster.node import HIDDEN
from hack.cluster.pki import VOLUME_PROVISIONER
from hack.cluster.process import Command
from hack.volume_provisioner.presence import is_present

COMPONENT = "volume-provisioner"
_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
_ROOT = Path(__file__).resolve().parents[2]


class Volumes:
    """Volumes for claims of the API server of `context`."""

    def __init__(self, context: Context, api: Api) -> None:
        self._context = context
        self._api = api

    def command(self) -> Command:
        """The provisioner's process. Raises ClusterError when nodes would not see its folder."""
        home = self._context.home
        kubeconfig = self._context.credentials.component(VOLUME_PROVISIONER)
        arguments = [
            *(sys.executable, "-m", "hack.volume_provisioner", f"--kubeconfig={kubeconfig}"),
            *(f"--nodes={home.nodes}", f"--shared={_seen_by_nodes(home.volumes)}"),
        ]
        environment = {"PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"}

        return Command(name=COMPONENT, arguments=arguments, environment=environment)

    def install_classes(self) -> None:
        """Makes the classes by which users ask for volumes."""
        for document in yaml.safe_load_all((MANIFESTS / "volumes.yaml").read_text()):
            self._api.apply(f"{_CLASSES}/{document['metadata']['name']}", document)

    def is_ready(self) -> bool:
        """Whether the provisioner works, and has seen the cluster."""
        return is_present(self._context.home.volumes)


def _seen_by_nodes(path: Path) -> Path:
    """The same path. Raises ClusterError when each node has something of its own there."""
    if any(path.is_relative_to(hidden) for hidden in HIDDEN):
        raise ClusterError("volumes", f"nodes do not see {path}", cure="set another XDG_STATE_HOME")

    return path
