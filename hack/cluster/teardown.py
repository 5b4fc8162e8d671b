"""Taking a cluster down so that nothing is left, whatever state it is in.

and saying what is left if something is.

In flows a cluster's folder; out flow `Leftovers`. It does not trust records: processes are found by
the mark in their environment, so a start that crashed half-way, or a record that was lost, leaves
nothing behind either.
"""

from __future__ import annotations

import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.home import Home
from hack.cluster.process import GRACE_SECONDS, Supervisor, end


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
            f"{len(self.namespaces)} namespaces, {len(self.cgroups)} cgroups, {len(self.files)} files"
        )


def remove(home: Home) -> None:
    """Ends and removes everything of the cluster in `home`; what is already gone is no error."""
    supervisor = Supervisor(run=home.run, log=home.log, mark=str(home.root))
    # The API server waits for etcd for ever, and a node's init takes all of the node with it: no grace is owed.
    supervisor.kill(*supervisor.names())
    end(supervisor.strays(), signal.SIGTERM, GRACE_SECONDS)
    if home.root.exists():
        shutil.rmtree(home.root)


def leftovers(home: Home) -> Leftovers:
    """What of the cluster in `home` is still on this host."""
    supervisor = Supervisor(run=home.run, log=home.log, mark=str(home.root))
    files = [str(path) for path in (home.root,) if path.exists()]

    return Leftovers(
        processes=tuple(supervisor.strays()),
        files=tuple(files),
        mounts=tuple(_mounts_under(home.root)),
    )


def _mounts_under(folder: Path) -> list[str]:
    table = Path("/proc/self/mounts")
    if not table.exists():
        return []

    points = [line.split()[1] for line in table.read_text().splitlines()]

    return [point for point in points if Path(point).is_relative_to(folder)]
