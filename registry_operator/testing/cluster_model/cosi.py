"""A small model of COSI's controller and sidecar v0.2.2, as far as a Registry depends on them.

In flow BucketClaims and BucketAccesses of an API server in memory; out flow finalizers, status and
the Secret with credentials, in COSI's own order: bucket, Secret, then `accessGranted`. `buckets`
are those that exist, by the claim's key; a claim that is deleted loses its bucket at once, access
or not.
"""

import random
from collections.abc import Callable
from typing import Any

from controllers.kinds import BUCKET_ACCESS, BUCKET_CLAIM, SECRET
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.testing.builders import a_secret
from registry_operator.testing.claims import a_bucket_info
from registry_operator.testing.cluster_model.attendant import Attendant
from registry_operator.testing.fake_api import Change, FakeApi

Body = dict[str, Any]
_FINALIZER = "cosi.objectstorage.k8s.io/protection"
_GRANTED = "do-not-tell-cosi"


class CosiModel(Attendant):
    """Makes buckets and grants access; while it `is_down` nothing happens.

    `at_once` is how many claims and accesses it manages at a time, None all: the real one's clients
    are throttled.
    """

    def __init__(self, api: FakeApi, rng: random.Random, *, at_once: int | None = None) -> None:
        self._api = api
        super().__init__(rng)
        self._at_once = at_once
        self.buckets: set[ObjectKey] = set()
        api.subscribe(self._see)

    def _see(self, change: Change) -> None:
        if change.resource in {BUCKET_CLAIM, BUCKET_ACCESS}:
            self.notice()

    def step(self) -> None:
        """Take one step for each claim and access, or for as many as it manages."""
        works: list[tuple[Callable[[Body], None], Body]] = [
            *((self._provision, claim) for claim in self._api.objects(BUCKET_CLAIM)),
            *((self._grant, access) for access in self._api.objects(BUCKET_ACCESS)),
        ]
        before, managed = self._api.revision, 0
        for work, body in works:
            work(body)
            managed += self._api.revision > before
            before = self._api.revision
            if managed == self._at_once:
                self.notice()
                return

    def _provision(self, claim: Body) -> None:
        key = _key(claim)
        if "deletionTimestamp" in claim["metadata"]:
            self.buckets.discard(key)
            self._hold(BUCKET_CLAIM, key, held=False)
        elif not claim.get("status", {}).get("bucketName"):
            # As the real one, it never looks again at a claim whose bucket it has made.
            self.buckets.add(key)
            status = {"bucketReady": True, "bucketName": f"bucket-{key.name}"}
            self._hold(BUCKET_CLAIM, key, held=True, status=status)

    def _grant(self, access: Body) -> None:
        key = _key(access)
        secret = ObjectKey(key.namespace, access["spec"]["credentialsSecretName"])
        if "deletionTimestamp" in access["metadata"]:
            if self._api.get(SECRET, secret) is not None:
                self._api.delete(SECRET, secret)
            self._hold(BUCKET_ACCESS, key, held=False)
            return
        claim = ObjectKey(key.namespace, access["spec"]["bucketClaimName"])
        if access.get("status", {}).get("accessGranted") or not self._is_ready(claim):
            return
        if self._api.get(SECRET, secret) is None:
            info = {"BucketInfo": a_bucket_info(access_key="AKIA", secret_key=_GRANTED)}
            body = a_secret(secret.name, info)
            del body["metadata"]["uid"]
            self._api.put(SECRET, body)
        status = {"accessGranted": True, "accountID": f"account-{key.name}"}
        self._hold(BUCKET_ACCESS, key, held=True, status=status)

    def _is_ready(self, claim: ObjectKey) -> bool:
        found = self._api.get(BUCKET_CLAIM, claim)
        said = found is not None and found.get("status", {}).get("bucketReady")
        return bool(said and claim in self.buckets)

    def _hold(
        self, resource: Resource, key: ObjectKey, *, held: bool, status: Body | None = None
    ) -> None:
        def mutate(body: Body) -> None:
            body["metadata"]["finalizers"] = [_FINALIZER] if held else []
            if status is not None:
                body["status"] = status

        if self._api.get(resource, key) is not None:
            self._api.change(resource, key, mutate)


def _key(body: Body) -> ObjectKey:
    return ObjectKey(body["metadata"]["namespace"], body["metadata"]["name"])
