"""Operators as processes that can be measured: ours, and the one on kopf.

In flow a cluster's credentials; out flow processes that start, stop and are counted by the kernel,
each as a user of its own, whom the audit log can tell apart.
"""

from __future__ import annotations

import http.client
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hack.bench import observed
from hack.bench.figure import KOPF
from hack.bench.recording import record
from hack.cluster.error import ClusterError
from hack.cluster.process import Command, Supervisor
from hack.e2e import installation
from hack.operator import ROOT, OperatorProcess, free_port

OURS = "operator"
KOPF_USER = "kopf"
_GRACE_SECONDS = 60.0
_SETTLE_SECONDS = 2.0


class Contender(Protocol):
    """An operator that may run or not; `user` is who it is in the audit log."""

    @property
    def name(self) -> str: ...

    @property
    def user(self) -> str: ...

    @property
    def pid(self) -> int:
        """Its process id. Raises ClusterError when it does not run."""
        ...

    def start(self) -> None:
        """Starts it."""
        ...

    def await_ready(self) -> None:
        """Waits until it works. Raises ClusterError when it does not come up."""
        ...

    def stop(self) -> None:
        """Asks it to stop, and waits until it is gone."""
        ...


@dataclass(frozen=True)
class Ours:
    """The operator of this tree; with an `environment` it watches itself (observed.py)."""

    process: OperatorProcess
    environment: Mapping[str, str]
    name: str = OURS
    user: str = installation.USER

    @property
    def pid(self) -> int:
        """Its process id. Raises ClusterError when it does not run."""
        pid = self.process.pid
        if pid is None:
            raise ClusterError("operator", f"ended; read {self.process.log}")

        return pid

    def start(self) -> None:
        """Starts it."""
        self.process.start(environment=self.environment)

    def await_ready(self) -> None:
        """Waits until its caches are filled. Raises ClusterError when it does not come up."""
        self.process.await_ready()

    def stop(self) -> None:
        """Asks it to stop, and waits until it is gone."""
        self.process.stop()


def ours(
    folder: Path,
    kubeconfig: Path,
    arguments: Sequence[str] = (),
    *,
    turns: Path | None = None,
    profile: Path | None = None,
) -> Ours:
    """Our operator. `turns` and `profile` are files for what observed.py says, if it shall."""
    wanted = {observed.TURNS: turns, observed.PROFILE: profile}
    environment = {name: str(file) for name, file in wanted.items() if file is not None}
    module = observed.MODULE if environment else "registry_operator"
    process = OperatorProcess(folder, kubeconfig=kubeconfig, arguments=arguments, module=module)

    return Ours(process, environment)


class Kopf:
    """The operator of kopf_operator.py."""

    name = KOPF
    user = KOPF_USER

    def __init__(self, folder: Path, kubeconfig: Path) -> None:
        self._children = folder / "children.json"
        self._kubeconfig = kubeconfig
        self._supervisor = Supervisor(run=folder, log=folder, mark=str(folder))
        self._port = free_port()
        record().export(self._children)

    @property
    def pid(self) -> int:
        """Its process id. Raises ClusterError when it does not run."""
        pid = self._supervisor.pid(KOPF)
        if pid is None:
            raise ClusterError(KOPF, f"ended; its last lines:\n{self._supervisor.tail(KOPF)}")

        return pid

    def start(self) -> None:
        """Starts it."""
        environment = {
            "PYTHONPATH": str(ROOT),
            "KUBECONFIG": str(self._kubeconfig),
            "KOPF_CHILDREN": str(self._children),
            "KOPF_HEALTH": f"http://127.0.0.1:{self._port}/healthz",
        }
        arguments = (sys.executable, "-m", "hack.bench.kopf_operator")
        self._supervisor.start(Command(name=KOPF, arguments=arguments, environment=environment))

    def await_ready(self) -> None:
        """Waits until it works. Raises ClusterError when it does not come up."""
        self._supervisor.await_ready(KOPF, self._answers)
        # It answers before it watches.
        time.sleep(_SETTLE_SECONDS)

    def stop(self) -> None:
        """Asks it to stop, and waits until it is gone."""
        self._supervisor.stop(KOPF, grace=_GRACE_SECONDS)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()
