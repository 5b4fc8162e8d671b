"""Plays COSI in one namespace: makes every bucket that is claimed and hands out keys for it.

In the order of the real controller and sidecar v0.2.2: the Secret comes before `accessGranted`, and
goes with the access.
"""

import json
from typing import Any

from controllers.kinds import BUCKET_ACCESS, BUCKET_CLAIM, SECRET
from hack.world import MERGE, World
from registry_operator.kube.resource import Resource

_MADE_BY = "made-by-cosi"


class Cosi:
    """Does what is due each time it is asked; what it answers depends on names only."""

    def __init__(self, world: World) -> None:
        self._world = world

    def tick(self) -> None:
        accesses = self._world.items(BUCKET_ACCESS)
        self._collect({access["spec"]["credentialsSecretName"] for access in accesses})
        for claim in self._world.items(BUCKET_CLAIM):
            if not claim.get("status", {}).get("bucketReady"):
                name = claim["metadata"]["name"]
                told = {"bucketName": f"bucket-of-{name}", "bucketReady": True}
                self._tell(BUCKET_CLAIM, name, told)
        for access in accesses:
            if not access.get("status", {}).get("accessGranted"):
                self._hand_out(access)

    def _collect(self, wanted: set[str]) -> None:
        path = SECRET.path(self._world.namespace)
        secrets = self._world.cluster.api.get(f"{path}?labelSelector={_MADE_BY}")["items"]
        for secret in secrets:
            if secret["metadata"]["name"] not in wanted:
                self._world.delete(SECRET, secret["metadata"]["name"])

    def _hand_out(self, access: dict[str, Any]) -> None:
        name = access["metadata"]["name"]
        info = {
            "spec": {
                "bucketName": f"bucket-of-{access['spec']['bucketClaimName']}",
                "authenticationType": "Key",
                "secretS3": {
                    "endpoint": "http://s3.example.com:9000",
                    "region": "eu-1",
                    "accessKeyID": f"key-of-{name}",
                    "accessSecretKey": f"secret-of-{name}",
                },
                "protocols": ["S3"],
            }
        }
        secret = access["spec"]["credentialsSecretName"]
        if self._world.get(SECRET, secret) is None:
            metadata = {"name": secret, "labels": {_MADE_BY: "yes"}}
            body = {"metadata": metadata, "stringData": {"BucketInfo": json.dumps(info)}}
            self._world.create(SECRET, body)
        self._tell(BUCKET_ACCESS, name, {"accessGranted": True, "accountID": name})

    def _tell(self, resource: Resource, name: str, status: dict[str, Any]) -> None:
        # Gone meanwhile is no error: the next tick sees the same.
        path = resource.path(self._world.namespace, name, "status")
        self._world.cluster.api.request("PATCH", path, {"status": status}, content=MERGE)
