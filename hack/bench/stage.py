"""A cluster and operators to measure on it, and how it is seen that an operator has come to rest.

In flows how the cluster shall be; out flow namespaces with Registries and what the API server's
audit log says about them. All wall times are the API server's own: from the receipt of the first
request to the answer of the last.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from controllers.kinds import (
    DEPLOYMENT,
    POD,
    REGISTRY,
    REPLICA_SET,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
)
from hack.bench.bare import BareClient, side_by_side
from hack.bench.contender import KOPF_USER, Contender, Kopf, Ours, ours
from hack.bench.plan import Plan
from hack.bench.recording import a_registry
from hack.cluster.audit import Request
from hack.cluster.cluster import Cluster
from hack.cluster.error import ClusterError
from hack.e2e import installation
from registry_operator.kube.resource import ObjectKey

ADMINISTRATORS = ("system:masters",)
AUTHOR = "author"
_LEASE = "coordination.k8s.io/leases"
_PATIENCE = 600.0
_PODS_PER_NODE = 400  # a simulated node takes 1000, and a roll doubles them
_STEP_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Stage:
    """A cluster with operators, which may run or not; no two shall run at once.

    What waits here blocks: benchmarks do one thing at a time.
    """

    cluster: Cluster
    ours: Ours
    kopf: Kopf | None

    @property
    def operators(self) -> list[Contender]:
        """All operators, ours first."""
        return [self.ours, self.kopf] if self.kopf else [self.ours]

    def user(self, name: str) -> Path:
        """The kubeconfig of an administrator of this name, whom the audit log can tell apart."""
        return self.cluster.kubeconfig(name, ADMINISTRATORS)

    def writes(self, *, since: int, user: str = installation.USER) -> list[Request]:
        """What a user wrote after a mark, but for the Lease."""
        written = self.cluster.audit.writes(since=since, user=user)

        return [request for request in written if request.resource != _LEASE]

    def rest(self, user: str = installation.USER, *, quiet: float = 3.0) -> int:
        """Waits until an operator writes nothing for `quiet` seconds; the mark of then.

        Raises ClusterError when it never comes to rest.
        """
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            mark = self.cluster.audit.mark()
            time.sleep(quiet)
            if not self.writes(since=mark, user=user):
                return mark

        raise ClusterError(user, f"writes and writes, for {_PATIENCE:.0f} s")


@contextmanager
def a_stage(
    name: str, plan: Plan, *, lively: bool = False, leader_elect: bool = False
) -> Iterator[Stage]:
    """A control plane, if `lively` with controllers and simulated nodes, and the operators.

    No operator is started. Everything is taken down at the end, whatever happens.
    """
    cluster = Cluster.up(
        f"bench-{name}-{os.getpid()}",  # two benchmarks at once would share one cluster
        profile="control-plane",
        kwok=lively,
        controller_manager=lively,
        scheduler=lively,
        audit=True,
    )
    try:
        if lively:
            cluster.simulate_nodes(2 + plan.registries // _PODS_PER_NODE)

        election = ("--leader-elect", "--leader-election-namespace", installation.NAMESPACE)
        with tempfile.TemporaryDirectory(prefix="registry-operator-bench-") as folder:
            stage = Stage(
                cluster,
                ours(
                    Path(folder),
                    installation.install_rights(cluster),
                    election if leader_elect else (),
                    profile=plan.profile_of(name),
                ),
                Kopf(Path(folder), cluster.kubeconfig(KOPF_USER, ADMINISTRATORS))
                if plan.kopf
                else None,
            )
            try:
                yield stage
            finally:
                for operator in stage.operators:
                    operator.stop()
    finally:
        cluster.down()


async def create_namespace(client: BareClient, namespace: str) -> None:
    """Creates a namespace. Raises ClusterError when there is one."""
    await client.create("/api/v1/namespaces", {"metadata": {"name": namespace}})


async def create_registries(client: BareClient, namespace: str, count: int) -> dict[str, str]:
    """Creates a namespace with so many Registries; their uids by name."""
    await create_namespace(client, namespace)

    async def create(name: str) -> str:
        created = await client.create(
            REGISTRY.path(namespace), a_registry(ObjectKey(namespace, name))
        )
        uid: str = created["metadata"]["uid"]
        return uid

    names = [f"images-{number}" for number in range(count)]
    return dict(zip(names, await side_by_side(create, names), strict=True))


async def remove_registries(client: BareClient, namespace: str) -> None:
    """Deletes Registries and what belongs to them, and waits until all of it is gone.

    Each Service makes the creation of the next one dearer, and nobody collects garbage where there
    is no kube-controller-manager.
    """
    mine = (REGISTRY, DEPLOYMENT, SECRET, SERVICE_ACCOUNT, SERVICE)
    for resource in mine:
        await client.delete_all(resource.path(namespace))

    deadline = time.monotonic() + _PATIENCE
    for resource in (REGISTRY, DEPLOYMENT, REPLICA_SET, POD):
        path = f"{resource.path(namespace)}?limit=1"
        while (await client.get(path))["items"]:
            if time.monotonic() > deadline:
                raise ClusterError(namespace, f"still has {resource.plural}")
            await asyncio.sleep(_STEP_SECONDS)
