"""Claims, volumes and classes as an API server shows them."""

from __future__ import annotations

from typing import Any

import yaml

from hack.cluster.controlplane import MANIFESTS
from hack.volume_provisioner.claim import ASKS, NODE, Claim
from hack.volume_provisioner.volume import LOCAL, PROVISIONED_BY, SHARED

UID = "0a1b"
NAME = f"pvc-{UID}"
CLASSES: list[dict[str, Any]] = list(yaml.safe_load_all((MANIFESTS / "volumes.yaml").read_text()))


def a_class(name: str) -> dict[str, Any]:
    """A class that the cluster makes."""
    return next(one for one in CLASSES if one["metadata"]["name"] == name)


def a_claim(
    storage_class: str = "local",
    *,
    node: str = "node-1",
    asks: str | None = None,
    phase: str = "Pending",
    metadata: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
    **spec: Any,
) -> Claim:
    """A claim that kube-controller-manager has passed on, and the scheduler when it has to."""
    asked = {"local": LOCAL, "shared": SHARED}.get(storage_class, "") if asks is None else asks
    annotations = {ASKS: asked} | ({NODE: node} if node else {})
    resources = {"requests": {"storage": "1Gi"}}
    wanted = {"accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem", "resources": resources}
    head = {"namespace": "team", "name": "images", "uid": UID, "annotations": annotations}

    return Claim(
        {
            "metadata": head | (metadata or {}),
            "spec": wanted | {"storageClassName": storage_class} | spec,
            "status": {"phase": phase} | (status or {}),
        }
    )


def a_bound_claim(*, has: str = "1Gi", wants: str = "1Gi") -> Claim:
    """A claim that has a volume."""
    return a_claim(
        phase="Bound",
        status={"capacity": {"storage": has}},
        volumeName=NAME,
        resources={"requests": {"storage": wants}},
    )


def a_volume(
    *,
    phase: str = "Bound",
    by: str = LOCAL,
    policy: str = "Delete",
    size: str = "1Gi",
) -> dict[str, Any]:
    """A volume for the claim above."""
    return {
        "metadata": {"name": NAME, "uid": "v-1", "annotations": {PROVISIONED_BY: by}},
        "spec": {"capacity": {"storage": size}, "persistentVolumeReclaimPolicy": policy},
        "status": {"phase": phase},
    }
