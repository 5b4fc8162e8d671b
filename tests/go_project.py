"""Registries in the shape of the Go project of the API group: one for each kind of its storage.

Written anew after its API (v0.3.1): what its users have stored, with what its operator and its
webhook add to it.
"""

from collections.abc import Mapping
from typing import Any

from registry_operator.api.names import API_VERSION

FINALIZER = "registry.registry-operator.dev/finalizer"
_CLAIM = {
    "accessModes": ["ReadWriteOnce"],
    "resources": {"requests": {"storage": "2Gi"}},
    "storageClassName": "standard",
}
STORAGES: Mapping[str, Mapping[str, Any]] = {
    "emptyDir": {"sizeLimit": "200Mi"},
    "ephemeral": {
        "volumeClaimTemplate": {"metadata": {"labels": {"team": "a"}}, "spec": _CLAIM},
    },
    "hostPath": {"path": "/srv/registry", "type": "DirectoryOrCreate"},
    "persistentVolumeClaim": {"claimName": "registry-images"},
    "persistentVolumeClaimTemplate": {**_CLAIM, "volumeMode": "Filesystem"},
    "s3": {
        "bucketName": {"name": "bucket", "key": "bucketName"},
        "region": {"name": "bucket", "key": "region"},
        "endpointURL": {"name": "bucket", "key": "endpointURL"},
        "accessKey": {"name": "bucket-keys", "key": "AWS_ACCESS_KEY_ID"},
        "secretKey": {"name": "bucket-keys", "key": "AWS_SECRET_ACCESS_KEY"},
    },
}
_AFFINITY = {
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [
                {
                    "matchExpressions": [
                        {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]},
                        {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]},
                    ]
                }
            ]
        }
    }
}


def a_go_registry(kind: str, *, namespace: str = "default") -> dict[str, Any]:
    """A Registry of that kind of storage, with every other field that there is."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Registry",
        "metadata": {
            "name": f"go-{kind.lower()}",
            "namespace": namespace,
            "finalizers": [FINALIZER],
        },
        "spec": {
            "image": "docker.io/library/registry:3.0.0",
            "replicas": 1,
            "resources": {
                "limits": {"cpu": "500m", "memory": "512Mi"},
                "requests": {"cpu": "100m", "memory": "128Mi"},
            },
            "affinity": _AFFINITY,
            "storage": {kind: dict(STORAGES[kind])},
        },
    }
