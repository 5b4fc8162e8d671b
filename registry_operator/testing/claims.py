"""Bodies of buckets and volumes: claims of Registries and of users, accesses, what is behind them.

In flow only the parts that a test is about; out flow complete bodies that the test may change. A
claim of a Registry carries its labels and no owner reference, as it outlives it.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from registry_operator.testing.builders import NAMESPACE, Body, owned_metadata


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


def a_bucket_claim(registry: Mapping[str, Any], *, ready: bool = True) -> Body:
    """The BucketClaim of a Registry."""
    return {
        "apiVersion": "objectstorage.k8s.io/v1alpha1",
        "kind": "BucketClaim",
        "metadata": {**owned_metadata(registry), "ownerReferences": []},
        "spec": {"bucketClassName": "fast", "protocols": ["S3"]},
        "status": {"bucketReady": ready},
    }


def a_users_claim(name: str = "theirs", *, ready: bool = True) -> Body:
    """A BucketClaim of a user, which bears no label of ours."""
    return {
        "apiVersion": "objectstorage.k8s.io/v1alpha1",
        "kind": "BucketClaim",
        "metadata": {"namespace": NAMESPACE, "name": name, "uid": f"uid-{name}", "generation": 1},
        "spec": {"bucketClassName": "slow", "protocols": ["S3"]},
        "status": {"bucketReady": ready, "bucketName": f"bucket-{name}"},
    }


def a_bucket(claim: Mapping[str, Any], *, ready: bool = True) -> Body:
    """The Bucket that COSI made for a claim."""
    metadata = claim["metadata"]
    reference = {name: metadata[name] for name in ("namespace", "name", "uid")}
    return {
        "apiVersion": "objectstorage.k8s.io/v1alpha1",
        "kind": "Bucket",
        "metadata": {"name": f"bucket-{metadata['name']}"},
        "spec": {"bucketClaim": reference},
        "status": {"bucketReady": ready, "bucketID": "id-1" if ready else ""},
    }


def a_bucket_access(registry: Mapping[str, Any], *, granted: bool = True) -> Body:
    """The BucketAccess of a Registry."""
    return {
        "apiVersion": "objectstorage.k8s.io/v1alpha1",
        "kind": "BucketAccess",
        "metadata": {**owned_metadata(registry), "ownerReferences": []},
        "spec": {"credentialsSecretName": f"{registry['metadata']['name']}-bucket"},
        "status": {"accessGranted": granted},
    }


def a_volume_claim(
    registry: Mapping[str, Any],
    *,
    size: str = "10Gi",
    status: Mapping[str, Any] | None = None,
    **spec: Any,
) -> Body:
    """The PersistentVolumeClaim of a Registry, bound unless its status says otherwise."""
    bound = {"phase": "Bound", "capacity": {"storage": size}}
    name = f"{registry['metadata']['name']}-data"
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {**owned_metadata(registry, name), "ownerReferences": []},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": size}},
            "storageClassName": "fast",
            "volumeMode": "Filesystem",
            "volumeName": f"pv-{name}",
            **spec,
        },
        "status": dict(bound if status is None else status),
    }


def a_bucket_info(*, access_key: str = "AKIA", secret_key: str = "keep-me") -> str:  # noqa: S107 - of tests
    """What COSI writes into the Secret of an access, under the key `BucketInfo`."""
    return orjson.dumps(
        {
            "metadata": {"name": "bc-1"},
            "spec": {
                "bucketName": "bucket-1",
                "authenticationType": "Key",
                "secretS3": {
                    "endpoint": "http://s3.example.com:9000",
                    "region": "eu-1",
                    "accessKeyID": access_key,
                    "accessSecretKey": secret_key,
                },
                "secretAzure": None,
                "protocols": ["S3"],
            },
        }
    ).decode()
