"""Bodies of volumes' kinds as users and administrators write them; those of children: builders.py.

In flow only the parts that a test is about; out flow complete bodies that the test may change.
"""

from typing import Any

from registry_operator.testing.builders import NAMESPACE, Body


def a_claim(name: str = "theirs", *, size: str = "10Gi", **spec: Any) -> Body:
    """A PersistentVolumeClaim of a user."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"namespace": NAMESPACE, "name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": size}},
            "storageClassName": "fast",
            **spec,
        },
    }


def a_storage_class(name: str = "fast", *, grows: bool = True) -> Body:
    """A StorageClass; `grows`: whether it lets volumes be made larger."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": "example.org/volumes",
        "allowVolumeExpansion": grows,
    }
