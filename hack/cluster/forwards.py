"""Which ports of the host's loopback lead where in a cluster, kept over restarts.

In flows an address inside; out flows a local port, behind which a forwarder process of our own
stands.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from hack.cluster.error import ClusterError
from hack.cluster.forwarder import forwarder
from hack.cluster.host import is_free
from hack.cluster.process import Command, Supervisor

PREFIX = "forward-"
APISERVER = f"{PREFIX}apiserver"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """Port `listen` of loopback leads to `address:port` in `namespace`."""

    listen: int
    namespace: str
    address: str
    port: int


class Forwards:
    """The forwards of one cluster, kept in `table`; `choose` gives a free port of the host."""

    def __init__(self, table: Path, supervisor: Supervisor, choose: Callable[[], int]) -> None:
        self._table = table
        self._supervisor = supervisor
        self._choose = choose

    def open(self, namespace: str, address: str, port: int) -> int:
        """The local port that leads to `address:port` in `namespace`, opened when it is not."""
        name = f"{PREFIX}{namespace}-{address}-{port}"
        known = self._read()
        if name not in known:
            listen = self._choose()
            self.keep(name, Forward(listen=listen, namespace=namespace, address=address, port=port))

        self.start(name)

        return self._read()[name].listen

    def keep(self, name: str, forward: Forward) -> None:
        """Keeps `forward` under `name`, to be started."""
        table = {n: asdict(f) for n, f in (self._read() | {name: forward}).items()}
        partial = self._table.with_suffix(".partial")
        partial.write_text(json.dumps(table, indent=2))
        partial.replace(self._table)

    def start(self, name: str) -> None:
        """Starts the forwarder `name` unless it runs, and waits until it listens.

        Raises ClusterError for an unknown name, or when it ends at once.
        """
        command = self.command(name)
        listen = self._read()[name].listen
        self._supervisor.start(command)
        self._supervisor.await_ready(name, lambda: not is_free(listen))

    def command(self, name: str) -> Command:
        """The command of forwarder `name`. Raises ClusterError for an unknown name."""
        known = self._read()
        if name not in known:
            raise ClusterError(name, "no such forward", cure=f"use one of {', '.join(known)}")

        return forwarder(name, **asdict(known[name]))

    def names(self) -> list[str]:
        """The names of all forwards."""
        return list(self._read())

    def _read(self) -> dict[str, Forward]:
        if not self._table.exists():
            return {}

        return {n: Forward(**value) for n, value in json.loads(self._table.read_text()).items()}
