"""The demo on the cluster of the current kubeconfig, with the operator on this machine.

It makes one namespace with a small Registry, and the CRDs where there are none; `down` removes what
`up` made. Images live in an emptyDir, as nothing is known of the cluster's storage.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from hack.cluster.error import ClusterError
from hack.cluster.report import Say
from hack.cluster.tools import Toolbox
from hack.demo.kubectl import Kubectl
from hack.demo.local import apply_namespace
from hack.demo.show import show, show_next
from hack.e2e.installation import CONFIG
from hack.operator import OperatorProcess

NAMESPACE = "demo"
REGISTRY = "registry-demo"
_CRD = "registries.registry-operator.dev"
_READY_SECONDS = 180.0


def folder() -> Path:
    """Where this demo keeps what it must remember."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")

    return state / "registry-operator" / "demo-current"


def up(say: Say) -> None:
    """Runs the operator against the current cluster and shows a Registry.

    Raises ClusterError with what is in the way.
    """
    kubectl = _kubectl(say)
    context = kubectl("config", "current-context").strip()
    say(f"using context {context} of your kubeconfig")
    had_crd = bool(kubectl("get", "crd", _CRD, "--ignore-not-found", "-o", "name"))
    kubectl("apply", "--server-side", "-k", str(CONFIG / "crd"))
    apply_namespace(kubectl)
    operator = _operator()
    operator.stop()
    _remember(context, made_crd=not had_crd)
    operator.start()
    operator.await_ready()
    say(f"the operator runs on this machine, process {operator.pid}; its log: {operator.log}")
    sample = CONFIG / "samples" / "registry_demo.yaml"
    kubectl("-n", NAMESPACE, "apply", "-f", str(sample))
    kubectl.await_ready(NAMESPACE, REGISTRY, say=say, seconds=_READY_SECONDS)
    show(kubectl, NAMESPACE, REGISTRY)
    show_next(kubectl, NAMESPACE, REGISTRY, replicas=0)


def is_up() -> bool:
    """Whether there is something to take down."""
    return folder().exists()


def down(say: Say) -> bool:
    """Stops the operator and removes what `up` made; returns whether nothing of it is left."""
    kubectl = _kubectl(say)
    known = json.loads((folder() / "made.json").read_text())
    context = ("--context", known["context"])
    kubectl(*context, "delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=90s")
    if known["made_crd"]:
        kubectl(*context, "delete", "crd", _CRD, "--ignore-not-found", "--timeout=60s")

    operator = _operator()
    operator.stop()
    shutil.rmtree(folder())
    say(f"the demo is down; left: 0 processes, 0 files, nothing in {known['context']}")

    return operator.pid is None


def _operator() -> OperatorProcess:
    given = os.environ.get("KUBECONFIG")
    kubeconfig = Path(given) if given else None
    arguments = ["--log-format", "console", "--namespace", NAMESPACE]

    return OperatorProcess(folder(), kubeconfig=kubeconfig, arguments=arguments)


def _remember(context: str, *, made_crd: bool) -> None:
    path = folder() / "made.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"context": context, "made_crd": made_crd}))


def _kubectl(say: Say) -> Kubectl:
    found = shutil.which("kubectl")
    kubectl = Kubectl(Path(found) if found else Toolbox(say=say).path("kubectl"))
    try:
        kubectl("version", "-o", "json")
    except ClusterError as error:
        raise ClusterError(
            "the current cluster", error.why, cure="set KUBECONFIG, or kubectl config use-context"
        ) from error

    return kubectl
