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


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "two clouds": (
        {"storage": {"s3": _BUCKET, "azure": _AZURE}},
        "keep one of bucketClassName or bucketClaimName with bucketAccessClass, s3, gcs, azure,",
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
