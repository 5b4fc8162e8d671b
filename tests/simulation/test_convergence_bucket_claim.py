"""A bucket that a user has claimed: used, never written, never deleted, and told when it fails."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from controllers.kinds import BUCKET_ACCESS, BUCKET_CLAIM, DEPLOYMENT, REGISTRY, SECRET
from controllers.registry.finalizer import FINALIZER
from registry_operator.kube.resource import ObjectKey
from registry_operator.testing.builders import (
    CLAIMED,
    COSI,
    NAMESPACE,
    S3,
    a_secret,
)
from registry_operator.testing.claims import a_users_claim
from registry_operator.testing.cluster_model import CosiModel
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry_stage import RegistryStage

pytestmark = pytest.mark.virtual

KEY = ObjectKey(NAMESPACE, "images")
THEIRS = ObjectKey(NAMESPACE, "theirs")


@pytest.fixture
def stage(clock: VirtualClock) -> RegistryStage:
    return RegistryStage(clock, cosi=True)


@asynccontextmanager
async def cosi_over(
    stage: RegistryStage, *, at_once: int | None = None
) -> AsyncIterator[CosiModel]:
    model = CosiModel(stage.api, random.Random(5), at_once=at_once)
    running = asyncio.create_task(model.run())
    try:
        yield model
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def claim(stage: RegistryStage, name: str = "theirs", **spec: Any) -> dict[str, Any]:
    body = a_users_claim(name)
    del body["status"]
    body["spec"].update(spec)
    return stage.api.put(BUCKET_CLAIM, body)


def ask_for(stage: RegistryStage, storage: Mapping[str, Any]) -> None:
    stage.change(lambda spec: spec.update(storage=dict(storage)))


def written_claims(stage: RegistryStage) -> list[str]:
    return [r.path for r in stage.api.writes() if "/bucketclaims/" in r.path]


async def test_a_users_claim_is_used_and_never_written(stage: RegistryStage) -> None:
    claim(stage)
    async with cosi_over(stage), stage.running():
        stage.create(storage=CLAIMED, replicas=2)
        await stage.settle(30)
        assert stage.told() == ("True", "Ready")
        assert stage.status()["storage"]["kind"] == "bucket"
        assert stage.names(BUCKET_CLAIM) == ["theirs"]
        assert stage.one(BUCKET_ACCESS)["spec"]["bucketClaimName"] == "theirs"

    assert written_claims(stage) == []
    assert "labels" not in stage.one(BUCKET_CLAIM, "theirs")["metadata"]


async def test_a_claim_that_is_not_there_is_told_and_its_coming_heals(stage: RegistryStage) -> None:
    async with cosi_over(stage), stage.running():
        stage.create(storage=CLAIMED)
        await stage.settle()
        assert stage.told() == stage.told("StorageReady") == ("False", "BucketClaimNotFound")
        assert stage.told("Reconciling") == ("True", "BucketClaimNotFound")
        assert "BucketClaim theirs" in stage.message()
        assert stage.names(BUCKET_ACCESS) == []

        claim(stage)
        await stage.settle(30)
        assert stage.told() == ("True", "Ready")


async def test_a_claim_that_comes_by_a_template_is_followed_too(stage: RegistryStage) -> None:
    stage.create_template(storage=CLAIMED)
    async with cosi_over(stage), stage.running():
        stage.create(template="base", storage=None)
        await stage.settle()
        assert stage.told() == ("False", "BucketClaimNotFound")

        claim(stage)
        await stage.settle(30)
        assert stage.told() == ("True", "Ready")


async def test_a_claim_for_another_protocol_is_refused_before_any_access(
    stage: RegistryStage,
) -> None:
    claim(stage, protocols=["Azure"])
    async with cosi_over(stage), stage.running():
        stage.create(storage=CLAIMED)
        await stage.settle(30)

        assert stage.told() == stage.told("StorageReady") == ("False", "BucketProtocolUnsupported")
        assert stage.told("Stalled") == ("True", "BucketProtocolUnsupported")
        assert stage.names(BUCKET_ACCESS) == []


async def test_a_registry_that_takes_its_data_along_leaves_a_users_claim(
    stage: RegistryStage,
) -> None:
    uid = claim(stage)["metadata"]["uid"]
    async with cosi_over(stage) as cosi, stage.running():
        stage.create(storage=CLAIMED, deletionPolicy="Delete")
        await stage.settle(30)
        assert stage.told() == ("True", "Ready")
        assert stage.one(REGISTRY)["metadata"]["finalizers"] == [FINALIZER]
        stage.api.delete(REGISTRY, KEY)
        await stage.settle(30)

        assert stage.names(REGISTRY) == stage.names(BUCKET_ACCESS) == []
        left = stage.one(BUCKET_CLAIM, "theirs")["metadata"]
        assert left["uid"] == uid
        assert "deletionTimestamp" not in left
        assert cosi.buckets == {THEIRS}
    assert written_claims(stage) == []


async def test_an_own_claim_that_is_named_is_a_users_from_then_on(stage: RegistryStage) -> None:
    async with cosi_over(stage), stage.running():
        stage.create(storage=COSI, deletionPolicy="Delete")
        await stage.settle(30)
        ask_for(stage, {**CLAIMED, "bucketClaimName": "images"})
        await stage.settle(30)
        assert stage.told() == ("True", "Ready")
        stage.api.delete(REGISTRY, KEY)
        await stage.settle(30)

        assert stage.names(REGISTRY) == stage.names(BUCKET_ACCESS) == []
        assert stage.names(BUCKET_CLAIM) == ["images"]


async def test_another_claim_is_refused_and_what_runs_goes_on(stage: RegistryStage) -> None:
    claim(stage)
    claim(stage, "others")
    async with cosi_over(stage), stage.running():
        stage.create(storage=CLAIMED)
        await stage.settle(30)
        before = stage.current_config
        for other in ({**CLAIMED, "bucketClaimName": "others"}, COSI):
            ask_for(stage, other)
            await stage.settle()
            assert stage.told() == ("False", "MigrationRequired")
            assert "images are in that of BucketClaim theirs" in stage.message()
            assert stage.told("Available") == ("True", "Serving")
            assert stage.current_config == before
        assert stage.names(BUCKET_CLAIM) == ["others", "theirs"]

        stage.api.delete(BUCKET_ACCESS, KEY)
        await stage.settle(30)
        assert stage.told() == ("False", "MigrationRequired")
        assert stage.names(BUCKET_ACCESS) == []

        ask_for(stage, CLAIMED)
        await stage.settle(30)
        assert stage.told() == ("True", "Ready")


async def test_a_bucket_is_claimed_once_no_pods_are_on_other_storage_any_more(
    stage: RegistryStage,
) -> None:
    stage.api.put(SECRET, a_secret("s3-keys", {"accessKey": "A", "secretKey": "B"}))
    async with cosi_over(stage), stage.running():
        stage.create(storage=S3)
        await stage.settle()
        ask_for(stage, COSI)
        await stage.settle()
        assert stage.told() == ("False", "MigrationRequired")
        assert stage.names(BUCKET_CLAIM) == []

        stage.api.delete(DEPLOYMENT, KEY)
        await stage.settle(30)
        assert stage.told() == ("True", "Ready")
        assert stage.names(BUCKET_CLAIM) == ["images"]


async def test_a_claim_that_is_taken_away_is_told_while_pods_serve(stage: RegistryStage) -> None:
    claim(stage)
    async with cosi_over(stage) as cosi, stage.running():
        stage.create(storage=CLAIMED)
        await stage.settle(30)
        cosi.is_down = True
        stage.api.delete(BUCKET_CLAIM, THEIRS)
        await stage.settle()
        assert stage.told() == stage.told("StorageReady") == ("False", "BucketClaimTerminating")
        assert stage.told("Available") == ("True", "Serving")

        cosi.is_down = False
        await stage.settle()
        assert stage.told() == ("False", "BucketClaimNotFound")
        assert stage.names(DEPLOYMENT) == ["images"]


@pytest.mark.parametrize("first", [CLAIMED, COSI])
async def test_two_registries_do_not_write_to_the_bucket_of_one_claim(
    stage: RegistryStage, first: Any
) -> None:
    name = "theirs" if first is COSI else "first"
    if first is CLAIMED:
        claim(stage)
    async with cosi_over(stage), stage.running():
        stage.create(name, storage=first)
        await stage.settle(30)
        assert stage.told(name=name) == ("True", "Ready")
        stage.create("second", storage=CLAIMED)
        await stage.settle(30)
        assert stage.told(name="second") == ("False", "BucketShared")
        assert f"Registry team-a/{name}, which has pods there" in stage.message(name="second")
        assert stage.names(BUCKET_ACCESS) == [name]

        own = {"storage": {"s3": {"rootdirectory": "second"}}}
        stage.change(lambda spec: spec.update(config=own), "second")
        await stage.settle(30)
        assert stage.told(name="second") == stage.told(name=name) == ("True", "Ready")
