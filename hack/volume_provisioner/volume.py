"""The PersistentVolume over a folder, and what is asked of the two kinds of them.

    local   one node's own folder: pods are where it is, and kubelet gives it their fsGroup
    shared  one folder that every node sees: any pods may have it, from any node

In flow a claim, its class and a folder's path; out flow a volume's body, or why there can be none.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from hack.volume_provisioner.claim import Body, Claim

LOCAL, SHARED = "local.registry-operator.dev", "shared.registry-operator.dev"
PROVISIONERS = (LOCAL, SHARED)
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
_ON_ONE_NODE = frozenset({"ReadWriteOnce", "ReadWriteOncePod"})


def refusal(claim: Claim, storage_class: Body, *, nodes: Collection[str]) -> str:
    """Why `claim` gets no volume of `storage_class`, in words for its user; empty if it gets one.

    `nodes` have folders.
    """
    if claim.spec.get("volumeMode", "Filesystem") != "Filesystem":
        return "volumes here are folders: volumeMode must be Filesystem"
    if claim.spec.get("selector"):
        return "volumes are made for one claim, and can not be chosen by a selector"
    if claim.spec.get("dataSource") or claim.spec.get("dataSourceRef"):
        return "volumes are made empty: there can be no dataSource"
    if storage_class.get("parameters"):
        return f"class {claim.class_name} has parameters, and there are none to set"
    if storage_class["provisioner"] == LOCAL:
        return _refusal_of_local(claim, nodes)

    return ""


def body(claim: Claim, storage_class: Body, path: str) -> dict[str, Any]:
    """The volume for `claim`, over the folder that kubelets find at `path`."""
    head = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
    provisioner = storage_class["provisioner"]

    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": claim.volume_name,
            "annotations": {PROVISIONED_BY: provisioner},
        },
        "spec": {
            "capacity": {"storage": claim.wanted},
            "accessModes": claim.spec["accessModes"],
            "volumeMode": "Filesystem",
            "storageClassName": claim.class_name,
            "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy", "Delete"),
            # With its uid: a claim of the same name that comes later is another's.
            "claimRef": {
                **head,
                "namespace": claim.namespace,
                "name": claim.name,
                "uid": claim.uid,
            },
            **(_local(path, claim.node) if provisioner == LOCAL else _shared(path)),
        },
    }


def _refusal_of_local(claim: Claim, nodes: Collection[str]) -> str:
    if others := sorted({*claim.spec["accessModes"]} - _ON_ONE_NODE):
        return f"a folder of one node can not be {', '.join(others)}: use class shared"
    if not claim.node:
        return "no node is selected: its class needs volumeBindingMode WaitForFirstConsumer"
    if claim.node not in nodes:
        return f"node {claim.node} has no folder on this machine"

    return ""


def _local(path: str, node: str) -> dict[str, Any]:
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}

    return {
        "local": {"path": path},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
    }


def _shared(path: str) -> dict[str, Any]:
    return {"hostPath": {"path": path, "type": "Directory"}}
