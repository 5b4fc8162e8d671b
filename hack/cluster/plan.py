"""What a cluster is to be, and every address in it: pure values that the rest is derived from.

In flow a name, a profile and options (`Spec`); out flow names of network namespaces, addresses and
ports (`Plan`). A full cluster lives in namespaces of its own, so all full clusters use the same
ranges inside, and only the names of the namespaces and the one port on the host differ. A control
plane alone lives on the host's loopback: its ports differ.

    full:  10.89.0.0/24 the bridge: .1 the control plane, DNS and S3, .10+N node N
           10.244.N.0/24 pods of node N, 10.96.0.0/16 Services
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from hack.cluster.error import ClusterError

BRIDGE_ADDRESS = "10.89.0.1"
LOOPBACK = "127.0.0.1"
POD_RANGE = "10.244.0.0/16"
SERVICE_RANGE = "10.96.0.0/16"
SERVICE_ADDRESS = "10.96.0.1"
S3_PORT = 8333
DNS_PORT = 53
NODES_AT_MOST = 200
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,28}[a-z0-9])?")
_FIRST_PORT, _PORTS = 10_000, 20_000  # below what kernels hand out to outgoing connections


class Profile(StrEnum):
    """`control-plane`: API server and friends on loopback, no root.

    `full`: real nodes in network namespaces.
    """

    CONTROL_PLANE = "control-plane"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What a cluster is asked to be. Kept with it, so that starting it again gives the same."""

    name: str
    profile: Profile = Profile.CONTROL_PLANE
    nodes: int = 2
    s3: bool = False
    cosi: bool = False
    volumes: bool = False
    kwok: bool = False
    controller_manager: bool = True
    scheduler: bool = True
    audit: bool = False
    apiserver_args: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ClusterError(
                f"cluster name {self.name!r}",
                "not usable",
                cure="use at most 30 of a-z, 0-9 and -, beginning with a letter",
            )

        if not 0 <= self.nodes <= NODES_AT_MOST:
            raise ClusterError(f"{self.nodes} nodes", f"0 to {NODES_AT_MOST} are possible")

        if self.s3 and self.profile is not Profile.FULL:
            raise ClusterError(
                "s3", "lives in a cluster's own network", cure=f"use the {Profile.FULL} profile"
            )

        if self.cosi and not self.s3:
            raise ClusterError("cosi", "makes buckets in the cluster's store", cure="up with s3")

        if self.volumes and self.profile is not Profile.FULL:
            raise ClusterError(
                "volumes", "are folders of real nodes", cure=f"use the {Profile.FULL} profile"
            )

    def with_nodes(self, nodes: int) -> Spec:
        """The same with another number of nodes."""
        return replace(self, nodes=nodes)

    def with_cosi(self) -> Spec:
        """The same with COSI."""
        return replace(self, cosi=True)

    def with_volumes(self) -> Spec:
        """The same with volumes."""
        return replace(self, volumes=True)

    def grown_to(self, other: Spec) -> Spec:
        """The same with what of `other` can be added to a cluster that exists.

        That is nodes, COSI and volumes.
        """
        return replace(
            self,
            nodes=max(self.nodes, other.nodes),
            cosi=self.cosi or other.cosi,
            volumes=self.volumes or other.volumes,
        )

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Spec:
        """From what `to_json` gave, by way of a file."""
        return cls(
            **value
            | {
                "profile": Profile(value["profile"]),
                "apiserver_args": tuple(value["apiserver_args"]),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where components listen.

    `host` is the API server as the host sees it: the same, or a forwarder's.
    """

    host: int
    apiserver: int = 6443
    etcd: int = 2379
    etcd_peer: int = 2380
    controller_manager: int = 10257
    scheduler: int = 10259
    kwok: int = 10247

    @property
    def on_host(self) -> frozenset[int]:
        """All ports of a control plane that lives on the host's loopback."""
        return frozenset(asdict(self).values())


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePlan:
    """A real node. `pods` is its range of pod addresses, `namespace` its network namespace."""

    name: str
    address: str
    pods: str
    namespace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Every name and address of one cluster.

    `unique` is the prefix of everything that has a name on the host.
    """

    unique: str
    full: bool
    ports: Ports

    @property
    def address(self) -> str:
        """Where the control plane serves, as its components and nodes see it."""
        return BRIDGE_ADDRESS if self.full else LOOPBACK

    @property
    def server(self) -> str:
        """The API server's URL for components and everything inside."""
        return f"https://{self.address}:{self.ports.apiserver}"

    @property
    def host_server(self) -> str:
        """The API server's URL for everything on the host."""
        return f"https://{LOOPBACK}:{self.ports.host}"

    @property
    def namespace(self) -> str | None:
        """The network namespace of the control plane; None: the host's."""
        return self.unique if self.full else None

    def node(self, number: int) -> NodePlan:
        """Node `number`, from 1."""
        name = node_name(number)

        return NodePlan(
            name=name,
            address=f"10.89.0.{10 + number}",
            pods=f"10.244.{number}.0/24",
            namespace=f"{self.unique}-{name}",
        )


def node_name(number: int) -> str:
    """The name of node `number`: `node-1`, `node-2`, …."""
    return f"node-{number}"


def unique_name(name: str, home: Path) -> str:
    """The prefix of everything of a cluster that has a name on the host.

    Other users' clusters differ in it.
    """
    digest = hashlib.sha256(str(home).encode()).hexdigest()[:6]

    return f"ro-{name}-{digest}"


def make_plan(spec: Spec, home: Path, ports: Ports) -> Plan:
    """The plan of a cluster whose state is in `home`."""
    return Plan(unique=unique_name(spec.name, home), full=spec.profile is Profile.FULL, ports=ports)


def choose_ports(spec: Spec, taken: Collection[int], is_free: Callable[[int], bool]) -> Ports:
    """Free ports of the host for `spec`: one for a full cluster, else one per component."""
    used = set(taken)

    def choose() -> int:
        port = choose_port(spec.name, used, is_free)
        used.add(port)

        return port

    host = choose()
    if spec.profile is Profile.FULL:
        return Ports(host=host)

    return Ports(
        host=host,
        apiserver=host,
        etcd=choose(),
        etcd_peer=choose(),
        controller_manager=choose(),
        scheduler=choose(),
        kwok=choose(),
    )


def choose_port(seed: str, taken: Collection[int], is_free: Callable[[int], bool]) -> int:
    """A free port of the host that is not in `taken`.

    The search starts at a place given by `seed`: what is made again under one name has the same
    port when it can. Raises ClusterError when there is none.
    """
    start = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big")
    for step in range(_PORTS):
        port = _FIRST_PORT + (start + step) % _PORTS
        if port not in taken and is_free(port):
            return port

    raise ClusterError("ports", f"none is free on {LOOPBACK}")
