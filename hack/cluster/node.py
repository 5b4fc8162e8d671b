"""One real node: namespaces in which containerd, kubelet and kube-proxy run.

In flow a node's plan and the cluster's settings; out flow configuration files and `Command`s. The
namespace's first process, `init`, holds the node: when it dies the kernel kills everything in it,
containers and shims included, and every mount goes with it. That is a power cut, and also the way
to leave nothing behind.

Inside, /run/node is the node's folder on the host, so every path in a configuration is short and
the same on every node. What kubelet, CNI and containerd write to fixed places goes to file systems
in memory that only this node sees.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from hack.cluster import cgroup, host
from hack.cluster.controlplane import Context
from hack.cluster.error import ClusterError
from hack.cluster.network import entered
from hack.cluster.node_config import (
    INSIDE,
    SANDBOX_IMAGE,
    SOCKET,
    cni_config,
    containerd_config,
    kubelet_config,
    proxy_config,
)
from hack.cluster.pki import PROXY, node_identity
from hack.cluster.plan import BRIDGE_ADDRESS, NodePlan
from hack.cluster.process import Command
from hack.images.archive import Entry, Image, write_archive

HIDDEN = ("/run", "/var/lib", "/var/log")
INIT, CONTAINERD, KUBELET, PROXYING = "init", "containerd", "kubelet", "kube-proxy"
PARTS = (INIT, CONTAINERD, KUBELET, PROXYING)
_FOLDERS = (
    *("/run/netns", "/run/lock", "/var/lib/kubelet", "/var/lib/cni"),
    *("/var/log/pods", "/var/log/containers"),
)
_INIT = """\
set -e
cd "$1"
for folder in {hidden}; do mount -t tmpfs tmpfs $folder; done
mkdir -p {inside} {folders}
mount --bind . {inside}
mount -t tmpfs tmpfs {inside}/run
exec "$2"
"""


@dataclass(frozen=True, slots=True)
class Node:
    """The node of `plan` in the cluster of `context`."""

    plan: NodePlan
    context: Context

    @property
    def folder(self) -> Path:
        """Its folder on the host."""
        return self.context.home.node(self.plan.name)

    @property
    def cgroup(self) -> str:
        """The cgroup that all its pods are in."""
        return f"/{self.context.plan.unique}/{self.plan.name}"

    def part(self, name: str) -> str:
        """The component name of one of its `PARTS`."""
        return f"{self.plan.name}/{name}"

    def prepare(self) -> None:
        """Writes its configuration and makes its cgroup."""
        for name in ("run", "containerd", "kubelet", "cni", "certs.d", "pki", "pod-logs"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

        context, folder = self.context, self.folder
        pair = context.credentials.pair(node_identity(self.plan.name, self.plan.address))
        authority = context.credentials.authority.pair.certificate
        shutil.copy(pair.certificate, folder / "pki/node.crt")
        shutil.copy(pair.key, folder / "pki/node.key")
        shutil.copy(authority, folder / "pki/ca.crt")
        identity = node_identity(self.plan.name, self.plan.address)
        shutil.copy(context.credentials.component(identity), folder / "kubelet.kubeconfig")
        proxy = context.credentials.component(PROXY, name=f"proxy-{self.plan.name}")
        shutil.copy(proxy, folder / "proxy.kubeconfig")
        kubelet = kubelet_config(self.plan, self.cgroup, cgroup_v1=cgroup.is_v1())
        (folder / "containerd.toml").write_text(containerd_config())
        (folder / "cni" / "10-pods.conflist").write_text(json.dumps(cni_config(self.plan)))
        (folder / "resolv.conf").write_text(f"nameserver {BRIDGE_ADDRESS}\n")
        (folder / "kubelet.yaml").write_text(yaml.safe_dump(kubelet))
        (folder / "proxy.yaml").write_text(yaml.safe_dump(proxy_config(self.plan)))
        cgroup.create(self.cgroup)

    def init(self) -> Command:
        """The first process of the node.

        It makes the mounts, then reaps what is re-parented to it, until it dies.
        """
        script = _INIT.format(hidden=" ".join(HIDDEN), inside=INSIDE, folders=" ".join(_FOLDERS))
        unshare = (
            *(host.program("unshare"), "--pid", "--mount", "--fork", "--kill-child"),
            *("--mount-proc", "sh", "-c", script, "init"),
            *(str(self.folder), self.context.binary("pause")),
        )

        return Command(
            name=self.part(INIT), arguments=entered(self.plan.namespace, unshare), wraps=True
        )

    def containerd(self, init: int) -> Command:
        """containerd: state in memory, images and containers in the node's folder."""
        return self._inside(
            init, CONTAINERD, host.program("containerd"), "--config", f"{INSIDE}/containerd.toml"
        )

    def kubelet(self, init: int) -> Command:
        """kubelet, as `system:node:NAME`."""
        return self._inside(
            init,
            KUBELET,
            self.context.binary("kubelet"),
            f"--config={INSIDE}/kubelet.yaml",
            f"--kubeconfig={INSIDE}/kubelet.kubeconfig",
            f"--hostname-override={self.plan.name}",
            f"--root-dir={INSIDE}/kubelet",
            f"--node-ip={self.plan.address}",
        )

    def proxy(self, init: int) -> Command:
        """kube-proxy, as `system:kube-proxy`."""
        return self._inside(
            init, PROXYING, self.context.binary("kube-proxy"), f"--config={INSIDE}/proxy.yaml"
        )

    def load(self, init: int, image: Path) -> None:
        """Imports a docker-archive tar. Raises ClusterError when containerd refuses it."""
        command = self._ctr(init, "images", "import", "--no-unpack=false", "-")
        with image.open("rb") as archive:
            answer = subprocess.run(
                command, stdin=archive, capture_output=True, text=False, check=False
            )
        if answer.returncode:
            raise ClusterError(f"image {image}", answer.stderr.decode(errors="replace"))

    def answers(self, init: int) -> bool:
        """Whether containerd answers."""
        command = self._ctr(init, "version")

        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def trust_registry(self, address: str) -> None:
        """Lets containerd pull from `HOST:PORT` by plain HTTP; it reads this at each pull."""
        folder = self.folder / "certs.d" / address
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hosts.toml").write_text(
            f'server = "http://{address}"\n\n[host."http://{address}"]\n'
            f'  capabilities = ["pull", "resolve"]\n'
        )

    def _inside(self, init: int, name: str, *arguments: str) -> Command:
        return Command(name=self.part(name), arguments=entered_node(init, arguments), wraps=True)

    @staticmethod
    def _ctr(init: int, *arguments: str) -> list[str]:
        ctr = (host.program("ctr"), "--address", str(SOCKET), "--namespace", "k8s.io")

        return entered_node(init, (*ctr, *arguments))


def entered_node(init: int, arguments: tuple[str, ...]) -> list[str]:
    """The command line that runs `arguments` in all namespaces of a node.

    `init` is the process id, on the host, of the node's first process.
    """
    return [
        host.program("nsenter"),
        f"--target={init}",
        *("--net", "--pid", "--mount", "--wd=/", "--"),
        *arguments,
    ]


def pause_image(out: Path, pause: Path) -> Path:
    """The image that holds a pod's namespaces, written to `out`."""
    if out.exists():
        return out

    return write_archive(
        out,
        Image(
            names=[SANDBOX_IMAGE],
            entries=[Entry(target="/pause", source=pause)],
            entrypoint=["/pause"],
            user="65535:65535",
        ),
    )
