"""The network of one full cluster: namespaces, a bridge, routes, cables and cutting them.

In flows a `Plan`; out flow network namespaces with names of their own on the host, and nothing else
there: cables are made inside the namespaces, so the host's links, routes and firewall never change,
and no packet leaves.

    control plane's namespace:  br0 10.89.0.1/24 ── v-node-1 … v-node-N
    a node's namespace:         eth0 10.89.0.10+N, a route to every other node's pods

Programs enter a namespace by `nsenter --net`, never by `ip netns exec`: that one mounts a new /sys
without the cgroups, and a kubelet stops for lack of them.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from hack.cluster import host
from hack.cluster.error import ClusterError
from hack.cluster.plan import BRIDGE_ADDRESS, NodePlan, Plan

NAMESPACES = Path("/run/netns")
_CLONE_NEWNET = 0x40000000

_RESOLVER = f"""\
search default.svc.cluster.local svc.cluster.local cluster.local
nameserver {BRIDGE_ADDRESS}
options ndots:5
"""

T = TypeVar("T")


class Network:
    """The namespaces and cables of the cluster that `plan` describes."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._main = plan.unique

    def create(self) -> None:
        """Makes the control plane's namespace and bridge, unless they are there."""
        if _is_complete(self._main):
            return

        _add_namespace(self._main)
        self._ip(
            self._main,
            "link set lo up",
            "link add br0 type bridge",
            f"addr add {BRIDGE_ADDRESS}/24 dev br0",
            "link set br0 up",
            "route add default dev br0",
        )
        within(self._main, _forward_packets)
        _complete(self._main)

    def attach(self, node: NodePlan, others: Iterable[NodePlan]) -> None:
        """Makes the namespace of `node` and its cable, unless they are there.

        Routes lead from and to `others`, which were attached earlier.
        """
        if _is_complete(node.namespace):
            return

        _add_namespace(node.namespace)
        port = _port(node.name)
        self._ip(
            self._main,
            f"link add {port} type veth peer name eth0 netns {node.namespace}",
            f"link set {port} master br0 up",
            f"route replace {node.pods} via {node.address}",
        )
        self._ip(
            node.namespace,
            "link set lo up",
            f"addr add {node.address}/24 dev eth0",
            "link set eth0 up",
            f"route add default via {BRIDGE_ADDRESS}",
            *(f"route add {other.pods} via {other.address}" for other in others),
        )
        for other in others:
            self._ip(other.namespace, f"route replace {node.pods} via {node.address}")

        within(node.namespace, _forward_packets)
        _complete(node.namespace)

    def cut(self, node: str) -> None:
        """Pulls the cable of `node`."""
        self._ip(self._main, f"link set {_port(node)} down")

    def join(self, node: str) -> None:
        """Plugs the cable of `node` in again."""
        self._ip(self._main, f"link set {_port(node)} up")

    def drop(self, name: str, ports: Sequence[int]) -> None:
        """Lets no packet from or to `ports` of the control plane's namespace pass.

        Nobody is told.
        """
        self._nft(drop_rules(_table(name), ports))

    def undrop(self, name: str) -> None:
        """Ends what `drop` of the same name did; none is no error."""
        table = f"table inet {_table(name)}"
        self._nft(f"add {table}\ndelete {table}")

    def _nft(self, script: str) -> None:
        nft = entered(self._main, [host.program("nft"), "-f", "-"])
        answer = subprocess.run(nft, input=script, capture_output=True, text=True, check=False)
        if answer.returncode:
            raise ClusterError("nft", answer.stderr)

    @staticmethod
    def _ip(namespace: str, *commands: str) -> None:
        _ip(["-n", namespace, "-batch", "-"], "\n".join(commands))


def entered(namespace: str | None, arguments: Sequence[str]) -> list[str]:
    """The command line that runs `arguments` in `namespace` (None: the host's).

    The process id stays the same.
    """
    if namespace is None:
        return list(arguments)

    return [host.program("nsenter"), f"--net={NAMESPACES / namespace}", *arguments]


def entered_with_dns(namespace: str, folder: Path, arguments: Sequence[str]) -> list[str]:
    """The same with the cluster's DNS, for programs that a person runs inside.

    The resolver's configuration is kept in `folder`, and seen by that program alone.
    """
    config = folder / "resolv.conf"
    if not config.exists():
        partial = config.with_name(f".resolv.conf.{threading.get_native_id()}")
        partial.write_text(_RESOLVER)
        partial.replace(config)

    script = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'
    shell = ("--mount", "sh", "-c", script, "inside", str(config))

    return entered(namespace, [host.program("unshare"), *shell, *arguments])


def within(namespace: str, action: Callable[[], T]) -> T:
    """What `action` returns when it runs in `namespace`, in a thread of its own that enters it."""

    def run() -> T:
        enter(namespace)

        return action()

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(run).result()


def enter(namespace: str) -> None:
    """Moves the calling thread into `namespace`, for good: setns(2), which Python has from 3.12."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open(NAMESPACES / namespace, os.O_RDONLY)
    try:
        if libc.setns(handle, _CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, f"setns {namespace}: {os.strerror(number)}")
    finally:
        os.close(handle)


def namespaces_of(unique: str) -> list[str]:
    """The namespaces of the cluster with this prefix that exist."""
    found = [*NAMESPACES.glob(f"{unique}-node-*"), NAMESPACES / unique]

    return sorted(path.name for path in found if path.exists())


def delete_namespace(name: str) -> None:
    """Deletes a network namespace and all links in it."""
    _ip(["netns", "delete", name])


def _add_namespace(name: str) -> None:
    if (NAMESPACES / name).exists():  # half made by a start that was interrupted
        delete_namespace(name)

    _ip(["netns", "add", name])


def _ip(arguments: Sequence[str], script: str = "") -> None:
    command = [host.program("ip"), *arguments]
    answer = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise ClusterError(f"ip {' '.join(arguments)}", answer.stderr or script)


def _complete(namespace: str) -> None:
    """Marks a namespace as wholly made, in itself: the mark can neither be lost nor outlive it."""
    _ip(["-n", namespace, "link", "set", "lo", "alias", "complete"])


def _is_complete(namespace: str) -> bool:
    show = [host.program("ip"), "-n", namespace, "link", "show", "lo"]
    answer = subprocess.run(show, capture_output=True, text=True, check=False)

    return answer.returncode == 0 and "alias complete" in answer.stdout


def _forward_packets() -> None:
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def _port(node: str) -> str:
    return f"v-{node}"


def drop_rules(table: str, ports: Sequence[int]) -> str:
    """An nftables script that drops all packets from and to `ports`, here and passing through."""
    lines = [f"table inet {table} {{"]
    for hook in ("input", "output", "forward"):
        lines += [f"chain {hook} {{", f"type filter hook {hook} priority -300"]
        lines += [
            f"{protocol} {side} {port} drop"
            for port in ports
            for protocol in ("tcp", "udp")
            for side in ("dport", "sport")
        ]
        lines.append("}")

    return "\n".join([*lines, "}"])


def _table(name: str) -> str:
    return "cut_" + "".join(c if c.isalnum() else "_" for c in name)
