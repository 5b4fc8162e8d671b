"""What the demo shows at its end: the Registry, its conditions, and what to try next."""

from __future__ import annotations

import json

from hack.demo.kubectl import Kubectl

_WRONG_IMAGE = '{"spec": {"image": "registry:99"}}'


def show_next(kubectl: Kubectl, namespace: str, registry: str, *, replicas: int) -> None:
    """Prints three things to try, as commands for the user's own shell."""
    of = f"kubectl -n {namespace}"
    print("\nThree things to try next, in this shell:")
    if kubectl.kubeconfig is not None:
        print(f"  export KUBECONFIG={kubectl.kubeconfig} PATH={kubectl.path.parent}:$PATH")
    print(f"  1. scale it, and watch:   {of} scale registry {registry} --replicas={replicas}")
    print(f"                            {of} get registry -w")
    print(f"  2. break it; it is back:  {of} delete service {registry}")
    print(f"                            {of} get service {registry}")
    print(f"  3. ask for what is not:   {of} patch registry {registry} --type=merge \\")
    print(f"                              -p '{_WRONG_IMAGE}'")
    print(f"                            {of} describe registry {registry}")
    print("     It says what is wrong, and the pods that there are go on serving.")
    print("make demo-down takes all of it away.")


def show(kubectl: Kubectl, namespace: str, registry: str) -> None:
    """Prints `kubectl get registry` and the conditions of one."""
    print(f"\n$ kubectl -n {namespace} get registry")
    print(kubectl("-n", namespace, "get", "registry"))
    body = json.loads(kubectl("-n", namespace, "get", "registry", registry, "-o", "json"))
    for condition in body["status"]["conditions"]:
        summary = f"{condition['type']}={condition['status']}"
        print(f"  {summary:26} {condition['reason']}: {condition['message']}")
