"""Typed settings of `run`, made of flags and environment by cli.py.

In: text. Out: values that make sense together, or a `ValueError` that names the setting.
"""

import os
import socket
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from registry_operator import __version__
from registry_operator.runtime.debug import loopback
from registry_operator.runtime.inspector import About
from registry_operator.runtime.lease import Election
from registry_operator.runtime.operator import Address, Settings

NAME = "registry-operator"
DEBUG_ADDRESS = "localhost:8082"
LogFormat = Literal["json", "console"]


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What a user says about one run of the operator.

    Attributes:
        kubeconfig: a file, or None for the in-cluster configuration or kubectl's default.
        namespace: the only namespace to look at; None means all.
        leader_election_namespace: where the Lease is; None means the pod's namespace.
        lease_duration, renew_deadline, retry_period: seconds, as `Election` explains them.
    """

    kubeconfig: str | None = None
    context: str | None = None
    namespace: str | None = None
    workers: int = 4
    leader_elect: bool = False
    leader_election_namespace: str | None = None
    lease_duration: int = 15
    renew_deadline: float = 10.0
    retry_period: float = 2.0
    metrics_bind_address: str = ":8080"
    health_probe_bind_address: str = ":8081"
    debug_bind_address: str = DEBUG_ADDRESS
    slow_reconcile_after: float = 30.0
    allow_host_path: bool = False
    client_checks: bool = True

    def for_runtime(self, *, own_namespace: str) -> Settings:
        """The settings of the runtime; `own_namespace` is where the operator itself runs.

        Raises:
            ValueError: an address is not HOST:PORT, or that of debugging is not loopback; times of
                the election could make two leaders.
        """
        election = None
        if self.leader_elect:
            election = self._election(self.leader_election_namespace or own_namespace)
        return Settings(
            name=NAME,
            metrics=parse_address(self.metrics_bind_address),
            probes=parse_address(self.health_probe_bind_address),
            debug=debug_address(self.debug_bind_address),
            election=election,
            workers=self.workers,
            slow=self.slow_reconcile_after,
            about=About(NAME, __version__, asdict(self)),
        )

    def _election(self, namespace: str) -> Election:
        try:
            return Election(
                identity=f"{socket.gethostname()}_{uuid.uuid4()}",
                namespace=namespace,
                name=NAME,
                lease=self.lease_duration,
                renew=self.renew_deadline,
                retry=self.retry_period,
            )
        except ValueError as error:
            flags = "--lease-duration, --renew-deadline, --retry-period"
            raise ValueError(f"{flags}: {error}") from error


def debug_address(text: str) -> Address | None:
    """The address of `/debug/state`; None for `0`, which turns it off.

    Raises:
        ValueError: it is no address, or one that others could reach.
    """
    if text == "0":
        return None
    address = parse_address(text)
    loopback(address.host)
    return address


def parse_address(text: str) -> Address:
    """An address as `HOST:PORT` or `:PORT`, the host in brackets where it holds colons.

    Raises:
        ValueError: it is neither.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or not 0 <= int(port) <= 65535:
        raise ValueError(f"{text!r} is no address such as :8080 or 127.0.0.1:8080")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))


def pod_namespace(environment: Mapping[str, str] = os.environ) -> str | None:
    """The namespace of the pod that we run in, by the downward API (`POD_NAMESPACE`)."""
    return environment.get("POD_NAMESPACE") or None
