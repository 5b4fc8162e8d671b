"""The folder of one cluster: where everything that it keeps is, and which clusters there are.

${XDG_STATE_HOME:-~/.local/state}/registry-operator/clusters/NAME/
cluster.json                        spec and ports
pki/  kubeconfig/                   who is who
run/  log/  forwards.json           processes, and doors to the host
etcd/  s3/  audit/  nodes/NODE/     what they keep
volumes/  nodes/NODE/volumes/       volumes of all nodes, and of one
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from hack.cluster.plan import Plan, Ports, Spec, make_plan


def clusters_home() -> Path:
    """Where all clusters of this user are (XDG Base Directory Specification)."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")

    return state / "registry-operator" / "clusters"


class Home:
    """Paths of cluster `name`, and its settings on disk."""

    def __init__(self, name: str, *, clusters: Path | None = None) -> None:
        self.root = (clusters or clusters_home()) / name
        self.pki = self.root / "pki"
        self.kubeconfigs = self.root / "kubeconfig"
        self.run = self.root / "run"
        self.log = self.root / "log"
        self.etcd = self.root / "etcd"
        self.s3 = self.root / "s3"
        self.audit = self.root / "audit"
        self.nodes = self.root / "nodes"
        self.volumes = self.root / "volumes"
        self.forwards = self.root / "forwards.json"
        self._settings = self.root / "cluster.json"

    @property
    def exists(self) -> bool:
        """Whether the cluster was ever begun; it may be half made."""
        return self._settings.exists()

    def write(self, spec: Spec, ports: Ports) -> None:
        """Keeps the settings: done first of all, so that `down` knows what to look for."""
        self.root.mkdir(parents=True, exist_ok=True)
        partial = self._settings.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps({"spec": spec.to_json(), "ports": asdict(ports)}, indent=2))
        partial.replace(self._settings)

    def spec(self) -> Spec:
        """The settings that were kept."""
        return Spec.from_json(json.loads(self._settings.read_text())["spec"])

    def ports(self) -> Ports:
        """The ports that were kept."""
        return Ports(**json.loads(self._settings.read_text())["ports"])

    def plan(self) -> Plan:
        """The plan that follows from what was kept."""
        return make_plan(self.spec(), self.root, self.ports())

    def node(self, name: str) -> Path:
        """The folder of a node."""
        return self.nodes / name

    def kubeconfig(self, user: str) -> Path:
        """The kubeconfig file of `user`."""
        return self.kubeconfigs / f"{user}.kubeconfig"


def names(clusters: Path | None = None) -> list[str]:
    """The names of all clusters of this user, running or not."""
    return sorted(path.parent.name for path in (clusters or clusters_home()).glob("*/cluster.json"))


def taken_ports() -> set[int]:
    """The ports of the host that this user's clusters have, running or not."""
    taken: set[int] = set()
    for name in names():
        home = Home(name)
        taken |= home.ports().on_host
        if home.forwards.exists():
            forwards = json.loads(home.forwards.read_text())
            taken |= {int(forward["listen"]) for forward in forwards.values()}

    return taken


@contextmanager
def lock(name: str, *, clusters: Path | None = None) -> Iterator[None]:
    """Holds `name` (a cluster, or something that all share) for this process; others wait.

    The lock's file goes with the lock: who waited for it then holds a file that is no more, and
    begins again.
    """
    folder = clusters or clusters_home()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".{name}.lock"
    while True:
        with path.open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if _is_still(path, handle.fileno()):
                try:
                    yield
                finally:
                    path.unlink()

                return


def _is_still(path: Path, handle: int) -> bool:
    """Whether `path` is the open file `handle`, and not removed, or another's by now."""
    try:
        return path.stat().st_ino == os.fstat(handle).st_ino
    except FileNotFoundError:
        return False
