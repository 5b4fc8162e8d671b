"""A bucket by COSI: asked for, waited for, used, kept or taken along, in the right order."""

from typing import Any

import pytest

from controllers.kinds import BUCKET_ACCESS, BUCKET_CLAIM, DEPLOYMENT, REGISTRY, SECRET
from controllers.registry.finalizer import FINALIZER
from registry_operator.kube.errors import Forbidden
from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.testing.builders import COSI, NAMESPACE, a_secret
from registry_operator.testing.claims import a_bucket_info
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry_stage import COSI_KINDS, RegistryStage

pytestmark = pytest.mark.virtual

KEY = ObjectKey(NAMESPACE, "images")
HELD = {"finalizers": ["cosi.objectstorage.k8s.io/protection"]}


@pytest.fixture
def stage(clock: VirtualClock) -> RegistryStage:
    return RegistryStage(clock, cosi=True)


def grant(stage: RegistryStage, *, secret_key: str = "keep-me") -> None:
    """What COSI does, in its order: the claim's bucket, the Secret, then the access."""

    def protected(**status: Any) -> Any:
        def mutate(body: dict[str, Any]) -> None:
            body["metadata"].update(HELD)
            body["status"] = status

        return mutate

    stage.api.change(BUCKET_CLAIM, KEY, protected(bucketReady=True, bucketName="bucket-1"))
    info = {"BucketInfo": a_bucket_info(secret_key=secret_key)}
    stage.api.put(SECRET, a_secret("images-bucket", info))
    stage.api.change(BUCKET_ACCESS, KEY, protected(accessGranted=True, accountID="a"))


def let_go(stage: RegistryStage, resource: Resource) -> None:
    stage.api.change(resource, KEY, lambda body: body["metadata"].update(finalizers=[]))


async def test_a_bucket_is_claimed_waited_for_and_used(stage: RegistryStage) -> None:
    async with stage.running():
        stage.create(storage=COSI, replicas=2)
        await stage.settle()
        assert stage.told("StorageReady") == ("False", "BucketNotReady")
        assert stage.told("Reconciling") == ("True", "BucketNotReady")
        assert stage.one(BUCKET_CLAIM)["spec"] == {"bucketClassName": "fast", "protocols": ["S3"]}
        assert stage.one(BUCKET_ACCESS)["spec"] == {
            "bucketClaimName": "images",
            "bucketAccessClassName": "fast-keys",
            "credentialsSecretName": "images-bucket",
            "protocol": "S3",
        }

        stage.api.change(BUCKET_CLAIM, KEY, lambda body: body.update(status={"bucketReady": True}))
        await stage.settle()
        assert stage.told("StorageReady") == ("False", "AccessNotGranted")

        grant(stage)
        await stage.settle()
        assert stage.told() == ("True", "Ready")
        assert stage.status()["storage"] == {
            "kind": "bucket",
            "bucket": "bucket-1",
            "endpoint": "http://s3.example.com:9000",
        }
        assert "keep-me" not in str(stage.status())


async def test_claim_and_access_are_never_written_again(stage: RegistryStage) -> None:
    async with stage.running():
        stage.create(storage=COSI)
        await stage.settle()
        grant(stage)
        await stage.settle()
        stage.new_writes()
        stage.change(lambda spec: spec["storage"].update(bucketClassName="slow"))
        await stage.settle()

        assert [r.path for r in stage.new_writes() if "objectstorage" in r.path] == []
        assert stage.one(BUCKET_CLAIM)["spec"]["bucketClassName"] == "fast"
        assert stage.told() == ("False", "MigrationRequired")
        assert "the bucket was made by fast" in stage.message()
        assert stage.told("Available") == ("True", "Serving")


async def test_another_class_of_access_is_taken_up_once_the_access_is_deleted(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        stage.create(storage=COSI)
        await stage.settle()
        grant(stage)
        await stage.settle()
        stage.change(lambda spec: spec["storage"].update(bucketAccessClass="slow-keys"))
        await stage.settle()
        assert stage.told() == ("False", "AccessClassChanged")
        assert "delete BucketAccess images" in stage.message()

        stage.api.delete(BUCKET_ACCESS, KEY)
        let_go(stage, BUCKET_ACCESS)
        stage.api.delete(SECRET, ObjectKey(NAMESPACE, "images-bucket"))
        await stage.settle()
        grant(stage)
        await stage.settle()
        assert stage.one(BUCKET_ACCESS)["spec"]["bucketAccessClassName"] == "slow-keys"
        assert stage.told() == ("True", "Ready")


async def test_granted_keys_that_change_are_rolled_out(stage: RegistryStage) -> None:
    async with stage.running():
        stage.create(storage=COSI)
        await stage.settle()
        grant(stage)
        await stage.settle()
        before = stage.current_config
        grant(stage, secret_key="new")
        await stage.settle()

        assert stage.current_config != before
        assert stage.told() == ("True", "Ready")


async def test_without_cosi_a_condition_says_so_and_its_coming_heals(clock: VirtualClock) -> None:
    stage = RegistryStage(clock)
    async with stage.running():
        stage.create(storage=COSI)
        await stage.settle(60)
        assert stage.told() == stage.told("StorageReady") == ("False", "CosiNotInstalled")
        assert "spec.storage.bucketClassName needs COSI" in stage.message()

        for resource in COSI_KINDS:
            stage.api.declare(resource)
        await stage.settle(60)
        assert stage.told("StorageReady") == ("False", "BucketNotReady")
        grant(stage)
        await stage.settle()
        assert stage.told() == ("True", "Ready")


async def test_a_secret_of_the_name_that_cosi_would_use_is_never_offered_to_it(
    stage: RegistryStage,
) -> None:
    stage.api.put(SECRET, a_secret("images-bucket", {"precious": "x"}))
    async with stage.running():
        stage.create(storage=COSI)
        await stage.settle()
        assert stage.told() == ("False", "ForeignObject")
        assert "Secret team-a/images-bucket exists already" in stage.message()
        assert stage.names(BUCKET_ACCESS) == []

        stage.api.delete(SECRET, ObjectKey(NAMESPACE, "images-bucket"))
        await stage.settle()
        assert stage.names(BUCKET_ACCESS) == ["images"]


async def test_a_quota_on_claims_is_told_rather_than_that_the_bucket_is_missing(
    stage: RegistryStage,
) -> None:
    def claims(request: Request) -> bool:
        return request.method == "PATCH" and "/bucketclaims/" in request.path

    quota = Forbidden(403, reason="Forbidden", message="exceeded quota: q, requested: x=1")
    stage.api.faults.plan(claims, quota, times=None)
    async with stage.running():
        stage.create(storage=COSI)
        await stage.settle()
        assert stage.told() == stage.told("StorageReady") == ("False", "QuotaExceeded")


async def test_a_retained_bucket_stays_and_the_next_of_the_name_finds_it(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        stage.create(storage=COSI)
        await stage.settle()
        grant(stage)
        await stage.settle()
        claim = stage.one(BUCKET_CLAIM)["metadata"]["uid"]
        assert stage.one(REGISTRY)["metadata"].get("finalizers") is None
        stage.api.delete(REGISTRY, KEY)
        await stage.settle()
        assert stage.names(REGISTRY) == stage.names(DEPLOYMENT) == []
        assert stage.names(BUCKET_CLAIM) == stage.names(BUCKET_ACCESS) == ["images"]

        stage.create(storage=COSI)
        await stage.settle()
        assert stage.told() == ("True", "Ready")
        assert stage.one(BUCKET_CLAIM)["metadata"]["uid"] == claim


async def test_a_bucket_that_goes_along_goes_in_order(stage: RegistryStage) -> None:
    async with stage.running():
        stage.create(storage=COSI, deletionPolicy="Delete")
        await stage.settle()
        assert stage.one(REGISTRY)["metadata"]["finalizers"] == [FINALIZER]
        grant(stage)
        await stage.settle()
        stage.api.delete(REGISTRY, KEY)
        await stage.settle()
        assert "deletionTimestamp" in stage.one(BUCKET_ACCESS)["metadata"]
        assert "deletionTimestamp" not in stage.one(BUCKET_CLAIM)["metadata"]
        assert stage.told() == ("False", "Terminating")
        assert "BucketAccess images is being deleted" in stage.message()

        let_go(stage, BUCKET_ACCESS)
        await stage.settle()
        assert "deletionTimestamp" in stage.one(BUCKET_CLAIM)["metadata"]
        assert "BucketClaim images is being deleted" in stage.message()

        let_go(stage, BUCKET_CLAIM)
        await stage.settle()
        assert stage.names(REGISTRY) == stage.names(BUCKET_CLAIM) == []
        assert stage.names(DEPLOYMENT) == []


async def test_the_claim_waits_for_the_finalizer(stage: RegistryStage) -> None:
    def finalizers(request: Request) -> bool:
        return request.path.endswith("/registries/images")

    stage.api.faults.plan(finalizers, Forbidden(403, reason="Forbidden", message="no"), times=None)
    async with stage.running():
        stage.create(storage=COSI, deletionPolicy="Delete")
        await stage.settle()
        assert stage.names(BUCKET_CLAIM) == []
        assert stage.told() == ("False", "Forbidden")

        stage.api.faults.clear()
        await stage.settle(60)
        assert stage.names(BUCKET_CLAIM) == ["images"]


async def test_the_policy_can_be_changed_until_the_end(stage: RegistryStage) -> None:
    async with stage.running():
        stage.create(storage=COSI, deletionPolicy="Delete")
        await stage.settle()
        stage.change(lambda spec: spec.update(deletionPolicy="Retain"))
        await stage.settle()
        assert not stage.one(REGISTRY)["metadata"].get("finalizers")

        stage.change(lambda spec: spec.update(deletionPolicy="Delete"))
        await stage.settle()
        grant(stage)
        stage.api.delete(REGISTRY, KEY)
        stage.change(lambda spec: spec.update(deletionPolicy="Retain"))
        await stage.settle()
        assert stage.names(REGISTRY) == []
        assert stage.names(BUCKET_CLAIM) == ["images"]


async def test_a_finalizer_that_a_backup_brought_back_is_taken_away_too(
    stage: RegistryStage,
) -> None:
    """Its field manager is the backup's then, not ours."""
    async with stage.running():
        finalizers = ["example.org/other", FINALIZER]
        stage.create(storage=COSI, deletionPolicy="Delete", metadata={"finalizers": finalizers})
        await stage.settle()
        stage.api.delete(REGISTRY, KEY)
        await stage.settle()

        assert stage.one(REGISTRY)["metadata"]["finalizers"] == ["example.org/other"]
        assert stage.names(BUCKET_CLAIM) == stage.names(BUCKET_ACCESS) == []


async def test_a_paused_registry_can_be_deleted_with_its_bucket(stage: RegistryStage) -> None:
    async with stage.running():
        stage.create(storage=COSI, deletionPolicy="Delete")
        await stage.settle()
        stage.change(lambda spec: spec.update(paused=True))
        stage.api.delete(REGISTRY, KEY)
        await stage.settle()

        assert stage.names(REGISTRY) == stage.names(BUCKET_CLAIM) == []
