"""One folder of a bucket has one writer, and who comes later is told before anything is written."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.kinds import DEPLOYMENT, REGISTRY, SECRET
from controllers.registry.inputs import Children
from controllers.registry.sharing import (
    ANNOTATION,
    Neighbour,
    conflict,
    may_name_a_place,
    place_of,
    writes,
)
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.testing.builders import (
    CLAIM,
    CLAIMED,
    COSI,
    EMPTY_DIR,
    NAMED_CLAIM,
    NAMESPACE,
    S3,
    SELECTED,
    a_deployment,
    a_registry,
    a_secret,
    an_object,
)
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry.snapshots import a_snapshot
from tests.unit.controllers.registry_stage import RegistryStage

READS_ONLY = {"storage": {"maintenance": {"readonly": {"enabled": True}}}}
KEYS = {"accessKey": "A", "secretKey": "B"}
# What is in a Secret is compared with nobody's.
HIDING = ("bucketName", "region", "endpointURL")


def place(cloud: str = "s3", *, namespace: str = NAMESPACE, config: Any = None, **said: Any) -> Any:
    default: dict[str, Any] = {"bucket": "b", "accountName": "acc", "container": "con"}
    spec = {"storage": {cloud: {**default, **said}}, "config": config}
    return place_of(spec, owner(namespace))


def owner(namespace: str = NAMESPACE, name: str = "images") -> Object:
    body = a_registry(name)
    return an_object({**body, "metadata": body["metadata"] | {"namespace": namespace}})


def test_a_claim_that_is_made_and_one_that_is_named_are_one_place() -> None:
    made = place_of({"storage": CLAIM}, owner())
    storage = {"persistentVolumeClaim": {"claimName": "images-data"}}
    named = {"storage": storage}

    assert made is not None
    assert place_of(named, owner(name="other")) == made
    assert place_of(named, owner("other")) != made
    assert may_name_a_place(an_object(a_registry(storage=CLAIM)))
    assert may_name_a_place(an_object(a_registry(storage=storage)))


def test_whoever_mounts_a_claim_to_read_does_not_write() -> None:
    claim = {"claimName": "theirs", "readOnly": True}

    assert not writes({"storage": {"persistentVolumeClaim": claim}})
    assert writes({"storage": NAMED_CLAIM})


def test_the_younger_one_on_a_claim_is_told_what_to_do() -> None:
    old, young = created("old", 1), created("young", 2)
    young["spec"]["storage"] = dict(NAMED_CLAIM)
    there = Neighbour(an_object(old), is_there=False)
    found = conflict(a_snapshot(young, neighbours=(there,)))

    assert found is not None
    assert found.reason == "VolumeShared"
    assert "Registry team-a/old, which is older, writes to the same Persist" in found.message


def in_folder(name: str) -> dict[str, Any]:
    return {"s3": {**S3["s3"], "rootDirectory": name}}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"region": "eu-west-1"}),
        ({}, {"endpoint": "https://s3.eu-west-1.amazonaws.com"}),
        ({"region": "cn-north-1"}, {"endpoint": "https://s3.cn-north-1.amazonaws.com.cn"}),
        ({"endpoint": "http://minio:9000"}, {"endpoint": "http://minio:9000/"}),
        ({"endpoint": "http://MINIO:9000"}, {"endpoint": "http://minio:9000"}),
        ({"endpoint": "http://s3.example.com"}, {"endpoint": "http://s3.example.com:80"}),
        ({"endpoint": "http://minio:9000"}, {"endpoint": "http://minio.team-a.svc:9000"}),
        ({"endpoint": "http://minio.team-a:9000"}, {"endpoint": "http://minio.team-a.svc:9000"}),
        (
            {"endpoint": "http://minio.x.svc:9000"},
            {"endpoint": "http://minio.x.svc.cluster.local:9000"},
        ),
        ({"rootDirectory": "a"}, {"config": {"storage": {"s3": {"rootdirectory": "/a/"}}}}),
        ({}, {"rootDirectory": "a", "config": {"storage": {"s3": {"rootdirectory": "/"}}}}),
        ({}, {"secretRef": {"name": "other"}, "forcePathStyle": True}),
    ],
)
def test_one_place_is_one_place_however_it_is_written(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert place(**one) == place(**other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"bucket": "c"}),
        ({}, {"rootDirectory": "a"}),
        ({}, {"region": "cn-north-1"}),
        ({}, {"region": "us-gov-west-1"}),
        ({}, {"endpoint": "http://minio:9000"}),
        ({"endpoint": "http://minio:9000"}, {"endpoint": "http://minio:9001"}),
        ({"endpoint": "http://[fd00::1]:9000"}, {"endpoint": "http://[fd00::2]:9000"}),
        # A bare name of a Service is another Service in another namespace.
        ({"endpoint": "http://minio:9000"}, {"endpoint": "http://minio:9000", "namespace": "b"}),
        ({}, {"cloud": "gcs"}),
        ({"cloud": "azure"}, {"cloud": "azure", "accountName": "other"}),
        ({"cloud": "azure"}, {"cloud": "azure", "container": "other"}),
        ({"cloud": "gcs"}, {"cloud": "gcs", "rootDirectory": "a"}),
    ],
)
def test_different_places_are_different(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert place(**one) != place(**other)


def test_an_account_of_azure_is_known_by_its_endpoint() -> None:
    endpoint = "https://acc.blob.core.windows.net"

    assert place("azure") == place("azure", endpoint=endpoint)


def claimed(name: str, storage: Any, folder: str | None = None) -> str | None:
    config = {"storage": {"s3": {"rootdirectory": folder}}} if folder is not None else None
    registry = a_registry(name, storage=storage, config=config)
    return place_of(registry["spec"], an_object(registry))


def test_a_claimed_bucket_is_known_by_its_claim_whoever_claimed_it() -> None:
    assert claimed("theirs", COSI) == claimed("images", CLAIMED) == claimed("other", CLAIMED)
    assert claimed("images", CLAIMED, "/") == claimed("images", CLAIMED)
    assert claimed("images", COSI) != claimed("images", CLAIMED)
    assert claimed("images", CLAIMED, "a") != claimed("other", CLAIMED, "b")


@pytest.mark.parametrize(
    "storage",
    [
        *(None, {}, EMPTY_DIR, {"bucketAccessClass": "a"}, {"s3": None}, SELECTED),
        *({"s3": {"bucket": "b", field: {"name": "a", "key": "b"}}} for field in HIDING),
    ],
)
def test_what_has_no_bucket_has_no_place(storage: Any) -> None:
    registry = a_registry(storage=storage)

    assert place_of(registry["spec"], an_object(registry)) is None


json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("storage", "s3", "gcs", "azure", "bucketClaimName", "bucketClassName"),
                    *("config", "endpoint", "rootdirectory"),
                    *("persistentVolumeClaim", "persistentVolumeClaimTemplate", "claimName"),
                ]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(json, st.text("http:/[]@.#?", max_size=12))
def test_no_specification_is_too_odd_for_a_place(spec: Any, endpoint: str) -> None:
    odd = a_registry(storage={"s3": {"bucket": "b", "endpoint": endpoint}})
    assert place_of(odd["spec"], an_object(odd)) is not None
    assert may_name_a_place(an_object(odd))

    place_of(spec, an_object(a_registry()))
    assert writes(spec) in (True, False)


def test_who_has_no_bucket_is_not_looked_at() -> None:
    assert not may_name_a_place(an_object(a_registry(storage=EMPTY_DIR)))
    assert may_name_a_place(an_object(a_registry(storage=COSI)))
    assert may_name_a_place(an_object(a_registry(storage=CLAIMED)))


def created(name: str, second: int, storage: Any = S3, **fields: Any) -> dict[str, Any]:
    stamp = f"2026-01-01T00:00:{second:02}Z"
    registry = a_registry(name, storage=storage, **fields)
    registry["metadata"]["creationTimestamp"] = stamp
    return registry


def judged(mine: dict[str, Any], *others: dict[str, Any]) -> str:
    neighbours = tuple(
        Neighbour(an_object(other), is_there=False) for other in others if writes(other["spec"])
    )
    found = conflict(a_snapshot(mine, neighbours=neighbours))
    return found.message if found is not None else ""


def test_the_older_one_writes_and_the_younger_one_is_told_what_to_set() -> None:
    old, young = created("old", 1), created("young", 2)

    assert judged(old, young) == ""
    message = judged(young, old)
    for words in ("Registry team-a/old", "spec.storage.s3.rootDirectory", "readonly"):
        assert words in message


def test_in_a_claimed_bucket_the_folder_is_one_of_the_configuration() -> None:
    message = judged(created("young", 2, CLAIMED), created("old", 1, CLAIMED))

    assert "set spec.config.storage.s3.rootdirectory to a folder" in message


def test_who_has_pods_there_comes_before_who_is_older() -> None:
    mine = an_object(created("old", 1))
    there = Neighbour(an_object(created("young", 2)), is_there=True)
    found = conflict(a_snapshot(mine.body(), place="p", neighbours=(there,)))

    assert found is not None
    assert "Registry team-a/young, which has pods there" in found.message


def test_of_two_who_have_pods_there_the_older_one_goes_on() -> None:
    body = created("old", 1)
    deployment = a_deployment(body)
    deployment["metadata"]["annotations"] = {ANNOTATION: "p"}
    there = Neighbour(an_object(created("young", 2)), is_there=True)
    children = Children(deployment=an_object(deployment))

    assert conflict(a_snapshot(body, place="p", neighbours=(there,), children=children)) is None


def test_of_one_age_exactly_one_writes() -> None:
    one, two, three = (created(name, 1) for name in ("one", "two", "three"))
    told = [judged(one, two, three), judged(two, one, three), judged(three, one, two)]

    assert sorted(map(bool, told)) == [False, True, True]


def test_who_only_reads_may_share_whether_older_or_younger() -> None:
    writer = created("writer", 2)
    for second in (1, 3):
        reader = created("reader", second, config=READS_ONLY)

        assert judged(reader, writer) == ""
        assert judged(writer, reader) == ""


@pytest.fixture
def stage(clock: VirtualClock) -> RegistryStage:
    return RegistryStage(clock)


async def two_on_one_bucket(stage: RegistryStage) -> None:
    stage.api.put(SECRET, a_secret("s3-keys", KEYS))
    stage.create("old", storage=S3)
    await stage.settle(2)
    stage.create("young", storage=S3)
    await stage.settle()
    assert stage.told(name="old") == ("True", "Ready")


@pytest.mark.virtual
async def test_the_younger_one_is_stalled_and_gets_no_pods(stage: RegistryStage) -> None:
    async with stage.running():
        await two_on_one_bucket(stage)

        assert stage.told(name="young") == ("False", "BucketShared")
        assert stage.told("StorageReady", name="young") == ("False", "BucketShared")
        assert stage.told("Stalled", name="young") == ("True", "BucketShared")
        assert stage.names(DEPLOYMENT) == ["old"]
        stage.new_writes()
        await stage.settle(3600)
        assert stage.new_writes() == []


@pytest.mark.virtual
@pytest.mark.parametrize("cure", ["its own folder", "only reads", "the older moves", "it goes"])
async def test_it_heals_by_the_event_whoever_gives_way(stage: RegistryStage, cure: str) -> None:
    async with stage.running():
        await two_on_one_bucket(stage)
        if cure == "its own folder":
            stage.change(lambda spec: spec.update(storage=in_folder("young")), "young")
        elif cure == "only reads":
            stage.change(lambda spec: spec.update(config=READS_ONLY), "young")
        elif cure == "the older moves":
            stage.change(lambda spec: spec.update(storage=in_folder("old")), "old")
        else:
            stage.api.delete(REGISTRY, ObjectKey(NAMESPACE, "old"))
        await stage.settle(30)

        assert stage.told(name="young") == ("True", "Ready")


@pytest.mark.virtual
async def test_an_older_one_does_not_move_in_where_a_younger_one_has_pods(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        stage.api.put(SECRET, a_secret("s3-keys", KEYS))
        stage.create("old", storage=in_folder("elsewhere"))
        await stage.settle(2)
        stage.create("young", storage=S3)
        await stage.settle()
        before = copy.deepcopy(stage.one(DEPLOYMENT, "old")["spec"])
        stage.change(lambda spec: spec.update(storage=dict(S3)), "old")
        await stage.settle()

        assert stage.told(name="young") == ("True", "Ready")
        assert stage.told(name="old") == ("False", "BucketShared")
        assert "Registry team-a/young, which has pods there" in stage.message(name="old")
        assert stage.told("Available", name="old") == ("True", "Serving")
        assert stage.one(DEPLOYMENT, "old")["spec"] == before
        stage.change(lambda spec: spec.update(storage=in_folder("young")), "young")
        await stage.settle(30)
        assert stage.told(name="young") == ("True", "Ready")
        assert stage.told(name="old") == ("True", "Ready")


@pytest.mark.virtual
async def test_of_two_made_in_one_second_the_one_that_has_pods_goes_on(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        stage.api.put(SECRET, a_secret("s3-keys", KEYS))
        stage.create("first", storage=S3)
        await stage.settle(0.3)
        stage.create("second", storage=S3)
        await stage.settle()

        assert stage.told(name="first") == ("True", "Ready")
        assert stage.told(name="second") == ("False", "BucketShared")
        assert stage.names(DEPLOYMENT) == ["first"]


@pytest.mark.virtual
async def test_a_restart_comes_to_the_same_decision_without_a_write(stage: RegistryStage) -> None:
    async with stage.running():
        await two_on_one_bucket(stage)
    stage.new_writes()
    async with stage.running():
        await stage.settle()

    assert stage.new_writes() == []
    assert stage.told(name="young") == ("False", "BucketShared")
