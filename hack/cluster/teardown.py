"""Taking a cluster down so that nothing is left, whatever state it is in.

In flows a cluster's folder; out flow `Leftovers`. It does not trust records: processes are found by
the mark in their environment, so a start that crashed half-way, or a record that was lost, leaves
nothing behind either.
"""

from __future__ import annotations

import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

from hack.cluster import cgroup
from hack.cluster.assembly import supervise
from hack.cluster.home import Home
from hack.cluster.network import delete_namespace, namespaces_of
from hack.cluster.plan import unique_name
from hack.cluster.process import GRACE_SECONDS
from hack.cluster.procfs import end


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """What of a cluster is still on the host. All empty after `down`."""

    processes: tuple[int, ...] = ()
    mounts: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    cgroups: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any((self.processes, self.mounts, self.namespaces, self.cgroups, self.files))

    def __str__(self) -> str:
        return (
            f"{len(self.processes)} processes, {len(self.mounts)} mounts, "
            f"{len(self.namespaces)} namespaces, {len(self.cgroups)} cgroups, "
            f"{len(self.files)} files"
        )


def remove(home: Home) -> None:
    """Ends and removes everything of the cluster in `home`; what is already gone is no error."""
    supervisor = supervise(home)
    # No grace: an API server would wait for etcd for ever, and a node's init takes all of it along.
    supervisor.kill(*supervisor.names())
    end(supervisor.strays(), signal.SIGTERM, GRACE_SECONDS)
    unique = unique_name(home.root.name, home.root)
    for namespace in namespaces_of(unique):
        delete_namespace(namespace)

    if cgroup.ROOT.exists():
        cgroup.remove(unique)

    if home.root.exists():
        shutil.rmtree(home.root)


def leftovers(home: Home) -> Leftovers:
    """What of the cluster in `home` is still on this host."""
    unique = unique_name(home.root.name, home.root)
    files = [str(path) for path in (home.root,) if path.exists()]

    return Leftovers(
        processes=tuple(supervise(home).strays()),
        mounts=tuple(_mounts(home.root, unique)),
        namespaces=tuple(namespaces_of(unique)),
        cgroups=tuple(cgroup.existing(unique) if cgroup.ROOT.exists() else ()),
        files=tuple(files),
    )


def _mounts(folder: Path, unique: str) -> list[str]:
    """Mount points in the cluster's folder, and those of its network namespaces."""
    table = Path("/proc/self/mounts")
    if not table.exists():
        return []

    points = [Path(line.split()[1]) for line in table.read_text().splitlines()]

    return [
        str(point)
        for point in points
        if point.is_relative_to(folder) or point.name.startswith(unique)
    ]
