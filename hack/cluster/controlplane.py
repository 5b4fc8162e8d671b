"""The control plane's command lines, for both profiles: functions of its settings.

What the flags mean: https://kubernetes.io/docs/reference/command-line-tools-reference/. What
differs between the profiles: a control plane alone advertises no address (loopback is refused as an
endpoint) and allocates no pod ranges. Times of failure detection are short, so that tests of lost
nodes end within a minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.credentials import Credentials
from hack.cluster.home import Home
from hack.cluster.pki import CONTROLLER_MANAGER, DNS, KWOK, SCHEDULER
from hack.cluster.plan import BRIDGE_ADDRESS, POD_RANGE, SERVICE_RANGE, Plan, Spec
from hack.cluster.process import Command

MANIFESTS = Path(__file__).resolve().parent / "manifests"
ETCD, APISERVER = "etcd", "kube-apiserver"
CONTROLLERS, SCHEDULING = "kube-controller-manager", "kube-scheduler"
COREDNS, SIMULATION = "coredns", "kwok"
SIMULATED = "kwok.x-k8s.io/node"
# Pods that nobody runs have addresses of groups, to which there are no connections: who tries is
# told so at once, and nothing is sent to a machine that has the address.
SIMULATED_RANGE = "239.255.0.1/16"
NODE_GRACE_SECONDS = 20
TOLERATION_SECONDS = 5
# The default of 20 requests a second makes the controllers' own start last six seconds.
_QUICK = {"leader-elect": "false", "kube-api-qps": 500, "kube-api-burst": 1000}
ISSUER = "https://kubernetes.default.svc.cluster.local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything that a component's command line is made of."""

    spec: Spec
    plan: Plan
    home: Home
    credentials: Credentials
    binaries: Mapping[str, Path]

    def binary(self, tool: str) -> str:
        """The path of a tool's binary."""
        return str(self.binaries[tool])


def tools(spec: Spec, *, full: bool) -> list[str]:
    """The tools that a cluster of this `spec` runs."""
    wanted = {
        ETCD: True,
        APISERVER: True,
        CONTROLLERS: spec.controller_manager,
        SCHEDULING: spec.scheduler,
        SIMULATION: spec.kwok,
        "cosi-controller": spec.cosi,
        "cosi-sidecar": spec.cosi,
        COREDNS: full,
        "kubelet": full,
        "kube-proxy": full,
        "pause": full,
    }

    return [tool for tool, is_wanted in wanted.items() if is_wanted]


def after_apiserver(context: Context) -> list[Command]:
    """The components that need an API server, in no order."""
    spec = context.spec
    commands = [
        controller_manager(context) if spec.controller_manager else None,
        scheduler(context) if spec.scheduler else None,
        coredns(context) if context.plan.full else None,
        kwok(context) if spec.kwok else None,
    ]

    return [command for command in commands if command is not None]


def etcd(context: Context) -> Command:
    """Etcd with one member. It never syncs: no cluster outlives a power cut of the machine."""
    ports = context.plan.ports
    client, peer = (f"http://127.0.0.1:{port}" for port in (ports.etcd, ports.etcd_peer))
    flags = {
        "data-dir": context.home.etcd,
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"default={peer}",
        "unsafe-no-fsync": "true",
        "log-level": "warn",
        "quota-backend-bytes": 8 << 30,
    }

    return _command(context, ETCD, flags)


def apiserver(context: Context) -> Command:
    """kube-apiserver, with the caller's own flags last."""
    plan, spec, credentials = context.plan, context.spec, context.credentials
    flags = {
        "etcd-servers": f"http://127.0.0.1:{plan.ports.etcd}",
        "bind-address": "0.0.0.0" if plan.full else plan.address,
        "advertise-address": plan.address,
        "secure-port": plan.ports.apiserver,
        "service-cluster-ip-range": SERVICE_RANGE,
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": "true",
        "enable-aggregator-routing": "true",
        "endpoint-reconciler-type": "lease" if plan.full else "none",
        "default-not-ready-toleration-seconds": TOLERATION_SECONDS,
        "default-unreachable-toleration-seconds": TOLERATION_SECONDS,
        "tls-cert-file": credentials.apiserver.certificate,
        "tls-private-key-file": credentials.apiserver.key,
        "client-ca-file": credentials.authority.pair.certificate,
        "service-account-issuer": ISSUER,
        "service-account-key-file": credentials.service_accounts.certificate,
        "service-account-signing-key-file": credentials.service_accounts.key,
        "kubelet-preferred-address-types": "InternalIP",
        "kubelet-client-certificate": credentials.kubelet_client.certificate,
        "kubelet-client-key": credentials.kubelet_client.key,
    }
    if not spec.controller_manager:
        # Nobody makes the default service accounts, and pods could not be created for lack of them.
        flags["disable-admission-plugins"] = "ServiceAccount"

    flags |= _aggregation(context)
    if spec.audit:
        flags |= _audit(context)

    return _command(context, APISERVER, flags, *spec.apiserver_args)


def controller_manager(context: Context) -> Command:
    """kube-controller-manager, each controller by a service account of its own."""
    credentials = context.credentials
    flags = _kubeconfigs(credentials.component(CONTROLLER_MANAGER)) | {
        "secure-port": context.plan.ports.controller_manager,
        "service-account-private-key-file": credentials.service_accounts.key,
        "root-ca-file": credentials.authority.pair.certificate,
        "cluster-signing-cert-file": credentials.authority.pair.certificate,
        "cluster-signing-key-file": credentials.authority.pair.key,
        "use-service-account-credentials": "true",
        "cluster-cidr": POD_RANGE,
        "node-monitor-period": "2s",
        "node-monitor-grace-period": f"{NODE_GRACE_SECONDS}s",
    }

    return _command(context, CONTROLLERS, flags)


def scheduler(context: Context) -> Command:
    """kube-scheduler with its default profile."""
    flags = _kubeconfigs(context.credentials.component(SCHEDULER)) | {
        "secure-port": context.plan.ports.scheduler,
    }

    return _command(context, SCHEDULING, flags)


def coredns(context: Context) -> Command:
    """Cluster DNS as a process on the bridge's address: no pod is needed for it, and no node."""
    corefile = context.home.root / "Corefile"
    kubeconfig = context.credentials.component(DNS)
    corefile.write_text(
        f"cluster.local:53 in-addr.arpa:53 {{\n  bind {BRIDGE_ADDRESS}\n  errors\n"
        f"  kubernetes cluster.local in-addr.arpa {{\n"
        f"    kubeconfig {kubeconfig}\n    ttl 5\n  }}\n}}\n"
    )

    return Command(name=COREDNS, arguments=[context.binary(COREDNS), "-conf", str(corefile)])


def kwok(context: Context) -> Command:
    """Kwok for the nodes that ask for it by annotation, so that it leaves real nodes alone."""
    flags = {
        "kubeconfig": context.credentials.component(KWOK),
        "config": MANIFESTS / "stages.yaml",
        "manage-all-nodes": "false",
        "manage-nodes-with-annotation-selector": f"{SIMULATED}=fake",
        "cidr": SIMULATED_RANGE,
        "node-ip": context.plan.address,
        "node-lease-duration-seconds": 40,
        "server-address": f"{context.plan.address}:{context.plan.ports.kwok}",
    }

    return _command(context, SIMULATION, flags)


def _kubeconfigs(path: Path) -> dict[str, object]:
    names = ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")

    return dict.fromkeys(names, path) | _QUICK | {"bind-address": "127.0.0.1"}


def _aggregation(context: Context) -> dict[str, object]:
    """The API server as a front proxy to extension API servers."""
    credentials = context.credentials

    return {
        "requestheader-client-ca-file": credentials.front_authority.pair.certificate,
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "proxy-client-cert-file": credentials.front_proxy.certificate,
        "proxy-client-key-file": credentials.front_proxy.key,
    }


def _audit(context: Context) -> dict[str, object]:
    context.home.audit.mkdir(parents=True, exist_ok=True)

    return {
        "audit-policy-file": MANIFESTS / "audit.yaml",
        "audit-log-path": context.home.audit / "audit.log",
        "audit-log-maxsize": 100_000,  # MiB: never rotated, so that one file holds all
    }


def _command(context: Context, name: str, flags: Mapping[str, object], *extra: str) -> Command:
    arguments = [f"--{flag}={value}" for flag, value in flags.items()]

    return Command(name=name, arguments=[context.binary(name), *arguments, *extra])
