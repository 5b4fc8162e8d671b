"""Operators as processes that stand for one Lease, each under an account of its own.

The accounts have the same rights; they tell the processes apart in the API server's audit log.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hack.cluster.cluster import Cluster
from hack.e2e import installation
from hack.operator import ROOT

LEASE_SECONDS, RENEW_SECONDS, RETRY_SECONDS = 6, 4, 1
# client-go's jitter: the next try comes after 1 to 2.2 periods.
LONGEST_RETRY = RETRY_SECONDS * 2.2
_LEASE = (
    f"/apis/coordination.k8s.io/v1/namespaces/{installation.NAMESPACE}/leases/registry-operator"
)


class Candidate:
    """One process of account `name` at a time; `log` holds the lines of all of them."""

    def __init__(self, name: str, kubeconfig: Path, folder: Path) -> None:
        self.name = name
        self.user = f"system:serviceaccount:{installation.NAMESPACE}:{name}"
        self._kubeconfig = kubeconfig
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0

    @property
    def identity(self) -> str:
        """By which it leads, or led."""
        leading = next(line for line in self.lines() if line["event"] == "leading")
        return str(leading["identity"])

    def start(self) -> None:
        self._began = self._log.stat().st_size if self._log.exists() else 0
        local = "127.0.0.1:0"
        arguments = [
            *("--kubeconfig", str(self._kubeconfig), "--log-level", "debug"),
            *("--metrics-bind-address", local, "--health-probe-bind-address", local),
            *("--debug-bind-address", local),
            *("--leader-elect", "--leader-election-namespace", installation.NAMESPACE),
            *("--lease-duration", str(LEASE_SECONDS), "--renew-deadline", str(RENEW_SECONDS)),
            *("--retry-period", str(RETRY_SECONDS)),
        ]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "registry_operator", "run", *arguments],
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def pause(self) -> None:
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    @property
    def is_running(self) -> bool:
        assert self._process is not None
        return self._process.poll() is None

    def exit_code(self, *, within: float) -> int:
        """Waits for its end. Raises TimeoutExpired."""
        assert self._process is not None
        return self._process.wait(within)

    def end(self) -> None:
        """Whatever state it is in."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)

    def lines(self) -> list[dict[str, Any]]:
        """What the process that was started last has logged."""
        with self._log.open("rb") as log:
            log.seek(self._began)
            return [json.loads(line) for line in log if line.startswith(b"{")]

    def events(self) -> list[str]:
        return [line["event"] for line in self.lines()]

    def has_told(self, event: str) -> bool:
        return event in self.events()


def candidates(cluster: Cluster, folder: Path) -> Iterator[tuple[Candidate, Candidate]]:
    """Two of them, not started."""
    first = installation.install_rights(cluster)
    second = _second_account(cluster, "registry-operator-second")
    pair = (
        Candidate("registry-operator", first, folder),
        Candidate("registry-operator-second", second, folder),
    )
    try:
        yield pair
    finally:
        for one in pair:
            one.end()


def holder(cluster: Cluster) -> str:
    """Which identity the Lease names; empty for nobody."""
    answer = cluster.api.request("GET", _LEASE)
    return answer.body["spec"].get("holderIdentity", "") if answer.status == 200 else ""


def await_leader(*among: Candidate, seconds: float = 40.0) -> Candidate:
    """The first of them that says that it leads."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for one in among:
            if one.has_told("leading"):
                return one
        time.sleep(0.02)
    raise AssertionError({one.name: one.events()[-5:] for one in among})


def await_candidate(one: Candidate, *, seconds: float = 40.0) -> None:
    """Until its caches are filled and it has seen whose the Lease is."""
    deadline = time.monotonic() + seconds
    while not one.has_told("waiting for the lease"):
        assert one.is_running, one.lines()[-1:]
        assert time.monotonic() < deadline, one.events()[-5:]
        time.sleep(0.05)


def _second_account(cluster: Cluster, name: str) -> Path:
    namespace = installation.NAMESPACE
    subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    rbac, group = "rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io"
    cluster.api.apply(
        f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}",
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}},
    )
    for path, kind, role in (
        (f"/apis/{rbac}/clusterrolebindings/{name}", "ClusterRole", "registry-operator"),
        (
            f"/apis/{rbac}/namespaces/{namespace}/rolebindings/{name}",
            "Role",
            "registry-operator-leader-election",
        ),
    ):
        body = {
            "apiVersion": rbac,
            "kind": f"{kind}Binding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": group, "kind": kind, "name": role},
            "subjects": [subject],
        }
        cluster.api.apply(path, body)
    return cluster.kubeconfig(service_account=f"{namespace}/{name}")
