"""The operator as a process of the host, against any cluster by its kubeconfig.

In flow a kubeconfig and a folder for record and log; out comes a process that outlives its starter
and is found again by the folder. The demo, the tests that kill it and the benchmarks use this one.
"""

from __future__ import annotations

import http.client
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from hack.cluster.process import Command, Supervisor

NAME = "operator"
ROOT = Path(__file__).resolve().parents[1]
_HOST = "127.0.0.1"


class OperatorProcess:
    """The operator whose record and log are in `folder`; it may run or not."""

    def __init__(
        self,
        folder: Path,
        *,
        kubeconfig: Path | None,
        arguments: Sequence[str] = (),
        mark: str | None = None,
        module: str = "registry_operator",
    ) -> None:
        """`mark` is a cluster's, to go down with it; without kubeconfig it is kubectl's.

        `module` is what Python runs: the operator, or what wraps it and takes its arguments.
        """
        self._kubeconfig = kubeconfig
        self._module = module
        self._arguments = tuple(arguments)
        self._supervisor = Supervisor(run=folder, log=folder, mark=mark or str(folder))
        self.metrics_port, self.probes_port = free_port(), free_port()
        self.debug_port = free_port()

    @property
    def log(self) -> Path:
        """What it wrote."""
        return self._supervisor.log(NAME)

    @property
    def pid(self) -> int | None:
        """Its process id; None when it does not run."""
        return self._supervisor.pid(NAME)

    def start(self, *, environment: Mapping[str, str] | None = None) -> None:
        """Starts it, unless it runs."""
        arguments = [
            *(sys.executable, "-m", self._module, "run"),
            *(("--kubeconfig", str(self._kubeconfig)) if self._kubeconfig else ()),
            *("--metrics-bind-address", f"{_HOST}:{self.metrics_port}"),
            *("--health-probe-bind-address", f"{_HOST}:{self.probes_port}"),
            *("--debug-bind-address", f"{_HOST}:{self.debug_port}"),
            *self._arguments,
        ]
        measured = {name: os.environ[name] for name in os.environ if name.startswith("COVERAGE_")}
        # A process of the host reaches no Service, and what is measured is not to wait for that.
        apart = {"REGISTRY_OPERATOR_CLIENT_CHECKS": "false"}
        given = {"PYTHONPATH": str(ROOT), **apart, **measured, **(environment or {})}
        self._supervisor.start(Command(name=NAME, arguments=arguments, environment=given))

    def await_ready(self) -> None:
        """Waits until it says that it is ready. Raises ClusterError with its last words if not."""
        self._supervisor.await_ready(NAME, self.is_ready)

    def is_ready(self) -> bool:
        """Whether it answers that it is ready."""
        return self._get(self.probes_port, "/readyz")[0] == 200

    def metrics(self) -> str:
        """Its metrics in Prometheus' text format."""
        return self._get(self.metrics_port, "/metrics")[1]

    def kill(self) -> None:
        """SIGKILL."""
        self._supervisor.kill(NAME)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL when it does not drain in time."""
        self._supervisor.stop(NAME, grace=35.0)

    def _get(self, port: int, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(_HOST, port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port
