"""The demo on a cluster of its own: two real nodes, S3 and COSI, the operator on the host.

    cluster ──▶ operator ──▶ sample Registry, its bucket by COSI ──▶ push ──▶ pull by a kubelet

Every step finds what an earlier run left, so that a second run takes seconds.
"""

from __future__ import annotations

from typing import Any

import yaml

from hack.cluster.cluster import Cluster, take_down
from hack.cluster.home import names
from hack.cluster.report import Say
from hack.cluster.tools import Toolbox
from hack.demo.kubectl import Kubectl
from hack.demo.show import show, show_next
from hack.e2e import installation
from hack.images.catalogue import image
from hack.operator import OperatorProcess

NAME = "demo"
NAMESPACE = "demo"
REGISTRY = "my-registry"
IMAGES = ("registry:2", "local/client:1")
_PUSHED = "team/hello:1"
_SAMPLE = installation.CONFIG / "samples" / "registry.yaml"
_READY_SECONDS = 120.0


def up(say: Say) -> None:
    """Brings the demo up and shows it.

    Raises ClusterError or ImageError with what is in the way.
    """
    cluster = Cluster.up(NAME, profile="full", nodes=2, s3=True, cosi=True, say=say)
    for tag in IMAGES:
        cluster.load(image(tag, say=say))

    kubectl = Kubectl(Toolbox(say=say).path("kubectl"), cluster.kubeconfig())
    start_operator(cluster, say)
    say(f"applying a sample Registry ({_SAMPLE.relative_to(installation.CONFIG.parent)})")
    apply_namespace(kubectl)
    kubectl("-n", NAMESPACE, "apply", "-f", str(_SAMPLE))
    kubectl.await_ready(NAMESPACE, REGISTRY, say=say, seconds=_READY_SECONDS)
    _push(kubectl, say)
    _pull(cluster, kubectl, say)
    show(kubectl, NAMESPACE, REGISTRY)
    show_next(kubectl, NAMESPACE, REGISTRY, replicas=2)


def down(say: Say) -> bool:
    """Takes the demo down, says what is left, and returns whether that is nothing."""
    if NAME not in names():
        say("the demo is not up; nothing is left of it")
        return True

    left = take_down(NAME)
    say(f"the demo is down; left on this machine: {left}")

    return not left


def start_operator(cluster: Cluster, say: Say) -> None:
    """Starts the operator on the host under its own account's rights, or restarts it."""
    operator = OperatorProcess(
        cluster.home.root / "operator",
        kubeconfig=installation.install_rights(cluster),
        arguments=["--log-format", "console"],
        mark=str(cluster.home.root),
    )
    operator.stop()
    operator.start()
    operator.await_ready()
    say(f"the operator runs on this machine, process {operator.pid}; its log: {operator.log}")


def apply_namespace(kubectl: Kubectl) -> None:
    """A namespace that enforces Pod Security `restricted`."""
    metadata = {
        "name": NAMESPACE,
        "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
    }
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump(body))


def _push(kubectl: Kubectl, say: Say) -> None:
    command = ("-n", NAMESPACE, "get", "registry", REGISTRY, "-o", "jsonpath={.status.endpoint}")
    endpoint = kubectl(*command)
    kubectl(
        "-n",
        NAMESPACE,
        "apply",
        "-f",
        "-",
        stdin=yaml.safe_dump(_pod("client", IMAGES[1], pull="IfNotPresent")),
    )
    kubectl("-n", NAMESPACE, "wait", "--for=condition=Ready", "pod/client", "--timeout=60s")
    target = f"{endpoint}/{_PUSHED}"
    say(f"pushing an image from a pod: crane push {target}")
    crane = ("exec", "client", "--", "crane", "push", "--insecure", "/images/hello.tar", target)
    kubectl("-n", NAMESPACE, *crane)


def _pull(cluster: Cluster, kubectl: Kubectl, say: Say) -> None:
    command = ("-n", NAMESPACE, "get", "service", REGISTRY, "-o", "jsonpath={.spec.clusterIP}")
    address = f"{kubectl(*command)}:5000"
    cluster.trust_registry(address)
    target = f"{address}/{_PUSHED}"
    say(f"pulling it by a kubelet: a pod whose image is {target}")
    body = _pod("hello", target, pull="Always")
    kubectl("-n", NAMESPACE, "delete", "pod", "hello", "--ignore-not-found", "--wait=true")
    kubectl("-n", NAMESPACE, "apply", "-f", "-", stdin=yaml.safe_dump(body))
    kubectl("-n", NAMESPACE, "wait", "--for=condition=Ready", "pod/hello", "--timeout=60s")
    events = ("get", "events", "--field-selector", "involvedObject.name=hello,reason=Pulled")
    pulled = kubectl("-n", NAMESPACE, *events, "-o", "jsonpath={.items[-1:].message}")
    say(f"  {pulled}")


def _pod(name: str, tag: str, *, pull: str) -> dict[str, Any]:
    container = {
        "name": name,
        "image": tag,
        "imagePullPolicy": pull,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    spec = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
    }

    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
