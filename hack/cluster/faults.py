"""Breaking a cluster on purpose: components and nodes end, hang, are cut off, and come back.

In flows the name of a component (`etcd`, `node-1/kubelet`) or of a node (`node-1`); out flows the
fault, done when the method returns. A fault never mends what it broke: a test says itself when the
trouble is over.
"""

from __future__ import annotations

from hack.cluster.boot import Boot, Full
from hack.cluster.controlplane import APISERVER, COREDNS, ETCD
from hack.cluster.error import ClusterError
from hack.cluster.plan import DNS_PORT, S3_PORT, Ports
from hack.cluster.process import GRACE_SECONDS, Supervisor
from hack.cluster.s3 import COMPONENT

# Told to stop when etcd is gone, an API server never ends.
_GRACE = {APISERVER: 3.0}


class Faults:
    """Faults of what `supervisor` runs.

    `full` are the parts of a full cluster, None for a control plane alone.
    """

    def __init__(self, supervisor: Supervisor, boot: Boot, full: Full | None, ports: Ports) -> None:
        self._supervisor = supervisor
        self._boot = boot
        self._full = full
        self._ports = ports

    def stop(self, name: str) -> None:
        """SIGTERM, grace, SIGKILL; a node is shut down. Gone when it returns."""
        if (full := self._of_node(name)) is not None:
            full.nodes.shut_down(name)
        else:
            grace = _GRACE.get(name, GRACE_SECONDS)
            self._supervisor.stop(self._known(name), grace=grace)

    def kill(self, name: str) -> None:
        """SIGKILL; a node's power is cut. Gone when it returns."""
        if (full := self._of_node(name)) is not None:
            full.nodes.power_off(name)
        else:
            self._supervisor.kill(self._known(name))

    def pause(self, name: str) -> None:
        """SIGSTOP; of a node every process, its containers included. Halted when it returns."""
        if (full := self._of_node(name)) is not None:
            full.nodes.pause(name)
        else:
            self._supervisor.pause(self._known(name))

    def resume(self, name: str) -> None:
        """SIGCONT."""
        if (full := self._of_node(name)) is not None:
            full.nodes.resume(name)
        else:
            self._supervisor.resume(self._known(name))

    def start(self, name: str) -> None:
        """Starts it as the cluster's own start does, and waits until it works."""
        if (full := self._of_node(name)) is not None:
            full.nodes.start(name)
        elif self._full is not None and "/" in self._known(name):
            self._full.nodes.start_part(name)
        else:
            self._boot.component(self._known(name))

    def cut(self, name: str) -> None:
        """Cuts a node's cable, or drops every packet from and to a component. Nobody is told."""
        full = self._networked(name)
        if name in full.nodes.names():
            full.network.cut(name)
        else:
            full.network.drop(name, self._ports_of(name, full))

    def join(self, name: str) -> None:
        """Ends what `cut` did."""
        full = self._networked(name)
        if name in full.nodes.names():
            full.network.join(name)
        else:
            full.network.undrop(name)

    def _networked(self, name: str) -> Full:
        if self._full is None:
            raise ClusterError(
                f"cut {name}",
                "a control plane alone lives on the host's loopback, where nothing can be cut",
                cure="pause it instead, or use the full profile",
            )

        return self._full

    def _ports_of(self, name: str, full: Full) -> list[int]:
        ports = {
            APISERVER: [self._ports.apiserver],
            ETCD: [self._ports.etcd],
            COREDNS: [DNS_PORT],
            COMPONENT: [S3_PORT],
        }
        if name not in ports:
            known = ", ".join([*ports, *full.nodes.names()])
            raise ClusterError(f"cut {name}", "has no port that others use", cure=f"one of {known}")

        return ports[name]

    def _of_node(self, name: str) -> Full | None:
        """The full cluster when `name` is one of its nodes."""
        return self._full if self._full and name in self._full.nodes.names() else None

    def _known(self, component: str) -> str:
        known = self._supervisor.names()
        if component not in known:
            nodes = self._full.nodes.names() if self._full else []
            raise ClusterError(
                component, "no such component", cure=f"use one of {', '.join([*known, *nodes])}"
            )

        return component
