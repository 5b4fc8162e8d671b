"""Fields of buckets on a real API server: what is accepted, and what a user reads when it is not."""

import json
from typing import Any

import pytest

from hack.cluster.cluster import Cluster
from hack.cluster.error import ClusterError
from registry_operator.api.names import API_VERSION

pytestmark = pytest.mark.integration

_BUCKET = {"bucket": "images"}
_AZURE = {"accountName": "company", "container": "images"}
_CA = {"configMapRef": {"name": "ca"}}
_VOLUME = {"resources": {"requests": {"storage": "1Gi"}}}
_SELECTOR = {"name": "place", "key": "value"}


def _dry_run(cluster: Cluster, spec: dict[str, Any]) -> dict[str, Any]:
    """The spec as the API server would store it; raises ClusterError with what a user would read."""
    body = {
        "apiVersion": API_VERSION,
        "kind": "Registry",
        "metadata": {"name": "t", "namespace": "default"},
        "spec": spec,
    }
    arguments = ("apply", "--dry-run=server", "--validate=strict", "-f", "-", "-o", "json")
    spec_stored: dict[str, Any] = json.loads(cluster.kubectl(*arguments, stdin=json.dumps(body)))[
        "spec"
    ]

    return spec_stored


GOOD: dict[str, dict[str, Any]] = {
    "everything of S3": {
        "s3": {
            **_BUCKET,
            "region": "eu-central-1",
            "rootDirectory": "team-a/images",
            "redirect": False,
            "caBundle": {"secretRef": {"name": "ca", "key": "bundle.pem"}},
            "encrypt": True,
            "kmsKeyId": "arn:aws:kms:eu-central-1:111122223333:key/1234abcd",
            "storageClass": "STANDARD_IA",
            "chunkSize": "32Mi",
            "multipartCopy": {"chunkSize": 5242880, "maxConcurrency": 10, "thresholdSize": 0},
            "dualStack": True,
            "accelerate": True,
            "logLevel": "debug",
        }
    },
    "a bucket that Secrets name": {
        "s3": {
            "bucketName": _SELECTOR,
            "region": _SELECTOR,
            "endpointURL": _SELECTOR,
            "accessKey": _SELECTOR,
            "secretKey": _SELECTOR,
            "rootDirectory": "team-a",
        }
    },
    "a bucket that Secrets name in part": {
        "s3": {**_BUCKET, "region": _SELECTOR, "endpointURL": _SELECTOR, "secretRef": {"name": "a"}}
    },
    "a null beside a selector": {"s3": {"bucketName": _SELECTOR, "endpoint": None}},
    "sizes at their bounds": {
        "s3": {**_BUCKET, "chunkSize": 5368709120, "multipartCopy": {"thresholdSize": "5Gi"}}
    },
    "a bucket that is claimed": {"bucketClaimName": "images", "bucketAccessClass": "keys"},
    "no verification": {
        "s3": {**_BUCKET, "endpoint": "https://minio:9000", "insecureSkipVerify": True}
    },
    "everything of Google": {
        "gcs": {
            "bucket": "images.example.com",
            "secretRef": {"name": "key"},
            "rootDirectory": "a",
            "redirect": True,
            "caBundle": _CA,
            "chunkSize": "256Ki",
            "maxConcurrency": 25,
        }
    },
    "everything of Azure": {
        "azure": {
            **_AZURE,
            "endpoint": "https://azurite:10000/company",
            "secretRef": {"name": "key", "accountKeyField": "key"},
            "rootDirectory": "a",
            "redirect": False,
            "caBundle": _CA,
        }
    },
    "everything of a claim that is made": {
        "shareVolume": True,
        "persistentVolumeClaimTemplate": {
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": "50Gi"}, "limits": {"storage": 107374182400}},
            "storageClassName": "",
            "volumeMode": "Filesystem",
            "volumeName": "pv-1",
            "selector": {"matchLabels": {"disk": "ssd"}},
            "dataSource": {
                "apiGroup": "snapshot.storage.k8s.io",
                "kind": "VolumeSnapshot",
                "name": "x",
            },
            "volumeAttributesClassName": "fast",
        },
    },
    "a claim that exists": {"persistentVolumeClaim": {"claimName": "images", "readOnly": True}},
    "a claim of each pod": {
        "ephemeral": {
            "volumeClaimTemplate": {"metadata": {"labels": {"team": "a"}}, "spec": _VOLUME}
        }
    },
    "memory": {"emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}},
    "a folder of the node": {"hostPath": {"path": "/srv/images", "type": "Directory"}},
}


@pytest.mark.parametrize("case", GOOD)
def test_every_field_is_accepted_and_kept(cluster: Cluster, case: str) -> None:
    stored = _dry_run(cluster, {"storage": GOOD[case]})["storage"]

    assert _within(GOOD[case], stored)


def _within(asked: Any, stored: Any) -> bool:
    if isinstance(asked, dict):
        return all(_within(value, stored.get(key)) for key, value in asked.items())

    return bool(asked == stored)


def _s3(**said: Any) -> dict[str, Any]:
    return {"storage": {"s3": {**_BUCKET, **said}}}


def _claim(**said: Any) -> dict[str, Any]:
    return {"storage": {"persistentVolumeClaimTemplate": {**_VOLUME, **said}}}


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a volume and another": (
        {"storage": {"emptyDir": {}, "persistentVolumeClaim": {"claimName": "a"}}},
        "ephemeral, emptyDir, hostPath, and remove the others",
    ),
    "sharing what is no claim": (
        {"storage": {"emptyDir": {}, "shareVolume": True}},
        "set one of them, or remove shareVolume",
    ),
    "a volume of no size": (
        _claim(resources={"requests": {"storage": 0}}),
        "resources.requests.storage must be a size such as 20Gi",
    ),
    "a volume whose size is not said": (_claim(resources={}), "requests: Required value"),
    "a block device": (
        _claim(volumeMode="Block"),
        "volumeMode must be Filesystem, as the registry keeps files: remove it",
    ),
    "an access mode that there is not": (_claim(accessModes=["Any"]), "accessModes"),
    "no access mode": (_claim(accessModes=[]), "should have at least 1 items"),
    "a claim without its name": ({"storage": {"persistentVolumeClaim": {}}}, "claimName"),
    "a folder that is relative": (
        {"storage": {"hostPath": {"path": "images"}}},
        "must be the absolute path of a folder of the node",
    ),
    "a folder of the node that goes up": (
        {"storage": {"hostPath": {"path": "/srv/../etc"}}},
        "must be the absolute path of a folder of the node",
    ),
    "a file of the node": (
        {"storage": {"hostPath": {"path": "/srv", "type": "File"}}},
        "should match '^(|Directory|DirectoryOrCreate)$'",
    ),
    "two clouds": (
        {"storage": {"s3": _BUCKET, "azure": _AZURE}},
        "bucketAccessClass, s3, gcs, azure, persistentVolume",
    ),
    "a claim and a cloud": (
        {"storage": {"bucketClaimName": "a", "bucketAccessClass": "b", "s3": _BUCKET}},
        "storage names more than one kind",
    ),
    "a bucket to be claimed and one that is": (
        {"storage": {"bucketClassName": "a", "bucketClaimName": "b", "bucketAccessClass": "c"}},
        "storage.bucketClaimName names one that is claimed already: keep one of them",
    ),
    "a claim without a class of access": (
        {"storage": {"bucketClaimName": "a"}},
        "storage.bucketAccessClass belongs to storage.bucketClassName or storage.bucketClaimName",
    ),
    "a class of access alone": (
        {"storage": {"bucketAccessClass": "a"}},
        "set it and one of them, or none of the three",
    ),
    "a folder that begins with a slash": (
        _s3(rootDirectory="/team-a"),
        "rootDirectory must be a folder such as team-a/images",
    ),
    "a folder that goes up": (_s3(rootDirectory="a/../b"), "rootDirectory must be a folder"),
    "a key without encryption": (
        _s3(kmsKeyId="key"),
        "storage.s3.kmsKeyId has no effect without encryption: set storage.s3.encrypt to true",
    ),
    "whom to trust, and anyone": (
        _s3(caBundle=_CA, insecureSkipVerify=True),
        "insecureSkipVerify that anyone is trusted: remove insecureSkipVerify",
    ),
    "AWS's endpoints and another": (
        _s3(endpoint="http://minio:9000", accelerate=True),
        "choose among AWS's own endpoints: remove them, or remove endpoint",
    ),
    "AWS's endpoints and another by a Secret": (
        _s3(endpointURL=_SELECTOR, dualStack=True),
        "choose among AWS's own endpoints: remove them, or remove endpoint and endpointURL",
    ),
    "a bucket twice": (
        _s3(bucketName=_SELECTOR),
        "storage.s3 names exactly one bucket: set bucket to its name, or bucketName to a key",
    ),
    "an endpoint twice": (
        _s3(endpoint="http://minio:9000", endpointURL=_SELECTOR),
        "storage.s3 names more than one endpoint: keep endpoint, a URL, or endpointURL",
    ),
    "half a pair of keys": (
        _s3(accessKey=_SELECTOR),
        "storage.s3.accessKey and storage.s3.secretKey belong together: set both, or neither",
    ),
    "the other half": (_s3(secretKey=_SELECTOR), "belong together: set both, or neither"),
    "credentials twice": (
        _s3(secretRef={"name": "keys"}, accessKey=_SELECTOR, secretKey=_SELECTOR),
        "storage.s3 names its credentials twice: keep secretRef, or accessKey with secretKey",
    ),
    "a selector without a Secret": (
        _s3(endpointURL={"key": "url"}),
        "spec.storage.s3.endpointURL.name: Required value",
    ),
    "parts that are too small": (
        _s3(chunkSize="1Mi"),
        "storage.s3.chunkSize must be 5Mi to 5Gi in whole bytes, such as 32Mi",
    ),
    "parts that are too large": (_s3(chunkSize=5368709121), "storage.s3.chunkSize must be 5Mi to"),
    "half a byte": (_s3(chunkSize="5242880500m"), "in whole bytes"),
    "parts of a copy that are too small": (
        _s3(multipartCopy={"chunkSize": 1}),
        "multipartCopy.chunkSize must be 5Mi to 5Gi in whole bytes",
    ),
    "a storage class that there is not": (
        _s3(storageClass="COLD"),
        "spec.storage.s3.storageClass in body should match '^(NONE|STANDARD|",
    ),
    "no source of certificates": (
        _s3(caBundle={}),
        "caBundle names exactly one source: set configMapRef or secretRef, and not both",
    ),
    "two sources of certificates": (
        _s3(caBundle={**_CA, "secretRef": {"name": "ca"}}),
        "caBundle names exactly one source",
    ),
    "a bucket of Google with a scheme": (
        {"storage": {"gcs": {"bucket": "gs://images"}}},
        "storage.gcs.bucket must be the bare name of a bucket",
    ),
    "parts that Google refuses": (
        {"storage": {"gcs": {"bucket": "images", "chunkSize": "300Ki"}}},
        "storage.gcs.chunkSize must be a multiple of 256Ki up to 1Gi",
    ),
    "an account that can't be": (
        {"storage": {"azure": {**_AZURE, "accountName": "Company"}}},
        "storage.azure.accountName must be the name of a storage account",
    ),
    "an endpoint of Azure with a slash at its end": (
        {"storage": {"azure": {**_AZURE, "endpoint": "https://a.example.com/"}}},
        "storage.azure.endpoint must be the URL of the account's blob service",
    ),
    "an annotation of the operator's own": (
        {"serviceAccount": {"annotations": {"registry-operator.dev/intent": "x"}}},
        "serviceAccount.annotations sets an annotation of the operator's own: remove those",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_field_and_cure(cluster: Cluster, case: str) -> None:
    spec, message = BAD[case]

    with pytest.raises(ClusterError) as refused:
        _dry_run(cluster, spec)

    assert message in str(refused.value)
