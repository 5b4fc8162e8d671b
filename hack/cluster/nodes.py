"""The real nodes of a full cluster, from bare namespaces to Ready, and off again.

In flow node plans; out flow running nodes. What needs no API server is done before there is one:
`prepare` brings a node as far as containerd with its images, `join` starts kubelet and kube-proxy.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from hack.cluster.api import Api
from hack.cluster.controlplane import Context
from hack.cluster.error import ClusterError
from hack.cluster.network import Network
from hack.cluster.node import CONTAINERD, INIT, KUBELET, PARTS, PROXYING, Node, pause_image
from hack.cluster.plan import NodePlan, node_name
from hack.cluster.process import Supervisor
from hack.cluster.procfs import descendants, halt, signal_all

READY_SECONDS = 90.0


class Nodes:
    """The nodes that the cluster's spec asks for."""

    def __init__(
        self,
        context: Context,
        supervisor: Supervisor,
        network: Network,
        api: Api,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._context = context
        self._supervisor = supervisor
        self._network = network
        self._api = api
        self._now = now
        self._images = context.home.root / "images.json"

    def names(self) -> list[str]:
        """The names of all nodes, running or not."""
        return [node_name(number) for number in range(1, self._context.spec.nodes + 1)]

    def attach(self, name: str) -> None:
        """Makes the network of `name`.

        Nodes are attached one after the other, for each learns of the others.
        """
        earlier = self.names()[: self.names().index(name)]
        self._network.attach(self._plan(name), [self._plan(other) for other in earlier])

    def prepare(self, name: str) -> None:
        """Brings an attached node as far as a containerd with all images."""
        node = self._node(name)
        node.prepare()
        self._start_init(node)
        init = self._init(name)
        self._supervisor.start(node.containerd(init))
        self._supervisor.await_ready(node.part(CONTAINERD), lambda: node.answers(init))
        for image in self._wanted_images():
            node.load(init, image)

    def join(self, name: str) -> None:
        """Starts kubelet and kube-proxy of a prepared node, and waits until it is Ready.

        Raises ClusterError when it does not become so.
        """
        node, init = self._node(name), self._init(name)
        kubelet = node.part(KUBELET)
        since = None if self._supervisor.pid(kubelet) else self._now()
        self._supervisor.start(node.kubelet(init))
        self._supervisor.start(node.proxy(init))
        self._supervisor.await_ready(
            kubelet, lambda: self._api.node_is_ready(name, since=since), seconds=READY_SECONDS
        )

    def start(self, name: str) -> None:
        """Starts all of a node, after a power cut for one, and waits until it is Ready."""
        self.attach(name)
        self.prepare(name)
        self.join(name)

    def start_part(self, component: str) -> None:
        """Starts one process of a running node (`node-1/kubelet`)."""
        name, _, part = component.partition("/")
        if part == INIT or self._supervisor.pid(self._node(name).part(INIT)) is None:
            raise ClusterError(component, "its node is off", cure=f"start {name}")

        node, init = self._node(name), self._init(name)
        commands = {CONTAINERD: node.containerd, KUBELET: node.kubelet, PROXYING: node.proxy}
        self._supervisor.start(commands[part](init))
        if part == CONTAINERD:
            self._supervisor.await_ready(component, lambda: node.answers(init))

    def power_off(self, name: str) -> None:
        """Ends all of a node at once: the kernel kills what its first process leaves behind."""
        self._supervisor.kill(self._node(name).part(INIT))
        self._supervisor.kill(*(self._node(name).part(part) for part in PARTS))

    def shut_down(self, name: str) -> None:
        """Asks kubelet, kube-proxy and containerd to end, then ends the node."""
        parts = (KUBELET, PROXYING, CONTAINERD)
        self._supervisor.stop(*(self._node(name).part(part) for part in parts))
        self.power_off(name)

    def pause(self, name: str) -> None:
        """Halts every process of a node, its containers included."""
        halt(self._processes(name))

    def resume(self, name: str) -> None:
        """Lets a paused node go on."""
        signal_all(self._processes(name), signal.SIGCONT)

    def load(self, image: Path, names: Iterable[str] | None = None) -> None:
        """Loads an image into all nodes (and the ones still to come), or into `names` only."""
        if names is None:
            kept = {*self._kept_images(), image.resolve()}
            self._images.write_text(json.dumps(sorted(str(path) for path in kept)))

        chosen = self.names() if names is None else list(names)
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda name: self._node(name).load(self._init(name), image), chosen))

    def trust_registry(self, address: str) -> None:
        """Lets every node pull from `HOST:PORT` by plain HTTP."""
        for name in self.names():
            self._node(name).trust_registry(address)

    def namespace(self, name: str) -> str:
        """The network namespace of a node. Raises ClusterError for an unknown one."""
        return self._plan(name).namespace

    def _processes(self, name: str) -> set[int]:
        node = self._node(name)
        roots = [self._supervisor.pid(node.part(part)) for part in PARTS]

        return {pid for root in roots if root is not None for pid in descendants(root)}

    def _start_init(self, node: Node) -> None:
        part = node.part(INIT)
        self._supervisor.start(node.init())
        # The script becomes `pause` when all mounts are made.
        self._supervisor.await_ready(part, lambda: self._supervisor.program(part) == "pause")

    def _init(self, name: str) -> int:
        pid = self._supervisor.pid(self._node(name).part(INIT))
        if pid is None:
            raise ClusterError(name, "is off", cure=f"start {name}")

        return pid

    def _node(self, name: str) -> Node:
        return Node(self._plan(name), self._context)

    def _plan(self, name: str) -> NodePlan:
        if name not in self.names():
            known = ", ".join(self.names()) or "none"
            raise ClusterError(name, f"no such node (there are: {known})")

        return self._context.plan.node(int(name.rpartition("-")[2]))

    def _wanted_images(self) -> list[Path]:
        pause = self._context.home.root / "pause.tar"

        return [pause_image(pause, self._context.binaries["pause"]), *self._kept_images()]

    def _kept_images(self) -> list[Path]:
        if not self._images.exists():
            return []

        return [Path(path) for path in json.loads(self._images.read_text())]
