"""A node that only kwok keeps alive, as the object that asks for it."""

from __future__ import annotations

from typing import Any

from hack.cluster.controlplane import SIMULATED


def simulated_node(name: str, *, tainted: bool) -> dict[str, Any]:
    """Node `name`; tainted, only pods which tolerate that go there."""
    taint = {"key": SIMULATED, "value": "fake", "effect": "NoSchedule"}

    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {SIMULATED: "fake"},
            "labels": {"kubernetes.io/hostname": name, "type": "kwok"},
        },
        "spec": {"taints": [taint] if tainted else []},
    }
