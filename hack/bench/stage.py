"""A cluster and an operator to measure, and how it is seen that the operator has come to rest.

In flows how the cluster shall be; out flow namespaces with Registries and what the API server's
audit log says about them. All wall times are the API server's own: from the receipt of the first
request to the answer of the last.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from controllers.kinds import DEPLOYMENT, REGISTRY, SECRET, SERVICE, SERVICE_ACCOUNT
from hack.bench.bare import BareClient, side_by_side
from hack.bench.recording import SPEC
from hack.cluster.audit import Request
from hack.cluster.cluster import Cluster
from hack.cluster.error import ClusterError
from hack.e2e import installation
from hack.operator import OperatorProcess

ADMINISTRATORS = ("system:masters",)
AUTHOR = "author"
_LEASE = "coordination.k8s.io/leases"
_PATIENCE = 300.0


@dataclass(frozen=True, slots=True)
class Stage:
    """A cluster with an operator, which may run or not."""

    cluster: Cluster
    operator: OperatorProcess

    @property
    def pid(self) -> int:
        """The operator's process id. Raises ClusterError when it does not run."""
        pid = self.operator.pid
        if pid is None:
            raise ClusterError("operator", f"ended; read {self.operator.log}")

        return pid

    def user(self, name: str) -> Path:
        """The kubeconfig of an administrator of this name, whom the audit log can tell apart."""
        return self.cluster.kubeconfig(name, ADMINISTRATORS)

    def writes(self, *, since: int, user: str = installation.USER) -> list[Request]:
        """What a user wrote after a mark, but for the Lease."""
        written = self.cluster.audit.writes(since=since, user=user)

        return [request for request in written if request.resource != _LEASE]

    def rest(self, *, quiet: float = 3.0) -> int:
        """Waits until the operator writes nothing for `quiet` seconds; the mark of then.

        Raises ClusterError when it never comes to rest.
        """
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            mark = self.cluster.audit.mark()
            time.sleep(quiet)
            if not self.writes(since=mark):
                return mark

        raise ClusterError("operator", f"writes and writes, for {_PATIENCE:.0f} s")


@contextmanager
def a_stage(name: str, *, nodes: int = 0, leader_elect: bool = False) -> Iterator[Stage]:
    """A control plane, with controllers and simulated `nodes` if there are any, and an operator.

    The operator is not started. Everything is taken down at the end, whatever happens.
    """
    lively = nodes > 0
    cluster = Cluster.up(
        name,
        profile="control-plane",
        kwok=lively,
        controller_manager=lively,
        scheduler=lively,
        audit=True,
    )
    try:
        if lively:
            cluster.simulate_nodes(nodes)

        election = ("--leader-elect", "--leader-election-namespace", installation.NAMESPACE)
        with tempfile.TemporaryDirectory(prefix="registry-operator-bench-") as folder:
            operator = OperatorProcess(
                Path(folder),
                kubeconfig=installation.install_rights(cluster),
                arguments=election if leader_elect else (),
            )
            try:
                yield Stage(cluster, operator)
            finally:
                operator.stop()
    finally:
        cluster.down()


async def create_registries(client: BareClient, namespace: str, count: int) -> dict[str, str]:
    """Creates a namespace with so many Registries; their uids by name."""
    await client.create("/api/v1/namespaces", {"metadata": {"name": namespace}})

    async def create(name: str) -> str:
        body = {
            "apiVersion": REGISTRY.api_version,
            "kind": REGISTRY.kind,
            "metadata": {"name": name},
            "spec": SPEC,
        }
        created = await client.create(REGISTRY.path(namespace), body)
        uid: str = created["metadata"]["uid"]
        return uid

    names = [f"images-{number}" for number in range(count)]
    return dict(zip(names, await side_by_side(create, names), strict=True))


async def remove_registries(client: BareClient, namespace: str) -> None:
    """Deletes Registries and what belongs to them, Services above all.

    Each Service makes the creation of the next one dearer, and nobody collects garbage where there
    is no kube-controller-manager.
    """
    for resource in (REGISTRY, DEPLOYMENT, SECRET, SERVICE_ACCOUNT, SERVICE):
        await client.delete_all(resource.path(namespace))


def spread(writes: Sequence[Request]) -> tuple[float, float]:
    """When the first request was received and when the last was answered."""
    return min(one.received for one in writes), max(one.answered for one in writes)
