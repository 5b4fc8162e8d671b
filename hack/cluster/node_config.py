"""The configuration files of a node's programs: pure functions of its plan.

Inside a node, /run/node is its folder on the host (see `node`): every path here is short and the
same on every node.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hack.cluster import host
from hack.cluster.plan import BRIDGE_ADDRESS, POD_RANGE, NodePlan

SANDBOX_IMAGE = "local/pause:1"
INSIDE = Path("/run/node")
SOCKET = INSIDE / "run" / "containerd.sock"


def kubelet_config(plan: NodePlan, cgroup_root: str, *, cgroup_v1: bool) -> dict[str, Any]:
    """KubeletConfiguration.

    Nothing is evicted or collected for want of space: the disk is the developer's.
    """
    never = ("memory.available", "nodefs.available", "imagefs.available", "nodefs.inodesFree")
    allowed: Mapping[str, Any] = {"failCgroupV1": False} if cgroup_v1 else {}

    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": plan.address,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{INSIDE}/pki/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{INSIDE}/pki/node.crt",
        "tlsPrivateKeyFile": f"{INSIDE}/pki/node.key",
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroup_root,
        "podLogsDir": f"{INSIDE}/pod-logs",
        "resolvConf": f"{INSIDE}/resolv.conf",
        "clusterDNS": [BRIDGE_ADDRESS],
        "clusterDomain": "cluster.local",
        "nodeStatusUpdateFrequency": "4s",
        "nodeLeaseDurationSeconds": 20,
        "syncFrequency": "10s",
        "failSwapOn": False,
        "localStorageCapacityIsolation": False,
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": dict.fromkeys(never, "0%"),
        "serializeImagePulls": False,
        # By default an image that was preloaded, and then also pulled under another name, counts as
        # pulled: pods that name the preloaded one are refused (ErrImageNeverPull).
        "imagePullCredentialsVerificationPolicy": "NeverVerify",
        **allowed,
    }


def containerd_config() -> str:
    """Containerd's configuration (version 2), the same on every node."""
    return f"""\
version = 2
root = "{INSIDE}/containerd"
state = "{INSIDE}/run/containerd"
[grpc]
  address = "{SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{SANDBOX_IMAGE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{host.CNI_PLUGINS}"
    conf_dir = "{INSIDE}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{INSIDE}/certs.d"
"""


def cni_config(plan: NodePlan) -> dict[str, Any]:
    """The pods' network on one node: a bridge, addresses from its range, host ports."""
    ipam = {
        "type": "host-local",
        "dataDir": "/run/cni-addresses",
        "ranges": [[{"subnet": plan.pods}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": ipam,
    }

    return {
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [bridge, {"type": "portmap", "capabilities": {"portMappings": True}}],
    }


def proxy_config(plan: NodePlan) -> dict[str, Any]:
    """KubeProxyConfiguration: nftables in the node's own network namespace."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "bindAddress": plan.address,
        "clusterCIDR": POD_RANGE,
        "clientConnection": {"kubeconfig": f"{INSIDE}/proxy.kubeconfig"},
        "hostnameOverride": plan.name,
        "nftables": {"minSyncPeriod": "100ms"},
        "conntrack": {"maxPerCore": 0},
    }
