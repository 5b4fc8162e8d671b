"""The bucket that Secrets name: found by their keys, checked, and shown to nobody."""

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from controllers.kinds import DEPLOYMENT, SECRET
from controllers.registry.configuration import Configuration
from controllers.registry.inputs import Credentials
from controllers.registry.storage import StoragePlan, plan_storage
from registry_operator.distribution.drivers import S3Storage, is_shared
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.outcome import Blocked
from registry_operator.testing.builders import NAMESPACE, SELECTED, a_registry, a_secret
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry.snapshots import UNKNOWN, a_snapshot, having
from tests.unit.controllers.registry_stage import RegistryStage

PLACE = {"bucket": "hush-images", "region": "hush-1", "endpoint": "http://hush.example.com:9000"}
KEYS = {"accessKey": "hush-id", "secretKey": "hush-key"}
ENDPOINT = {"name": "s3-place", "key": "endpoint"}


def planned(
    storage: Mapping[str, Any] = SELECTED, *, place: Mapping[str, str] = PLACE
) -> StoragePlan | Blocked:
    credentials = having({"s3-place": place, "s3-keys": KEYS})
    plan = plan_storage(a_snapshot(a_registry(storage=storage), credentials=credentials))
    assert isinstance(plan, (StoragePlan, Blocked))
    return plan


def driver_of(plan: StoragePlan | Blocked) -> S3Storage:
    assert isinstance(plan, StoragePlan), plan
    assert isinstance(plan.driver, S3Storage)
    return plan.driver


def test_a_bucket_is_used_as_two_secrets_tell_it() -> None:
    told = PLACE | {"bucket": "hush-images\n", "endpoint": " http://hush.example.com:9000/\n"}

    assert driver_of(planned(place=told)) == S3Storage(
        bucket="hush-images",
        region="hush-1",
        endpoint="http://hush.example.com:9000/",
        access_key="hush-id",
        secret_key="hush-key",
        options={"rootdirectory": "registry"},
    )


def test_what_comes_from_a_secret_is_in_no_plan_that_is_shown() -> None:
    plan = planned()

    assert isinstance(plan, StoragePlan)
    assert (plan.kind, plan.bucket, plan.endpoint, is_shared(plan.driver)) == ("s3", "", "", True)
    assert "hush" not in repr(plan)


def test_selectors_and_fields_may_be_mixed() -> None:
    mixed = {
        "s3": {
            "bucket": "images",
            "region": "eu-1",
            "endpointURL": ENDPOINT,
            "secretRef": {"name": "s3-keys"},
        }
    }
    plan = planned(mixed)

    assert driver_of(plan) == S3Storage(
        bucket="images",
        region="eu-1",
        endpoint="http://hush.example.com:9000",
        access_key="hush-id",
        secret_key="hush-key",
    )
    assert isinstance(plan, StoragePlan)
    assert (plan.bucket, plan.endpoint) == ("images", "")


@pytest.mark.parametrize(
    ("said", "config", "folder"),
    [
        ({}, {}, "registry"),
        ({"rootDirectory": "team-a"}, {}, "team-a"),
        ({}, {"storage": {"s3": {"rootdirectory": "/"}}}, "/"),
    ],
)
def test_images_are_where_the_go_project_keeps_them_unless_another_folder_is_named(
    said: dict[str, str], config: dict[str, Any], folder: str
) -> None:
    registry = a_registry(storage={"s3": {**SELECTED["s3"], **said}}, config=config)
    snapshot = a_snapshot(registry, credentials=having({"s3-place": PLACE, "s3-keys": KEYS}))
    assert isinstance(snapshot.configuration, Configuration), snapshot.configuration
    read = yaml.safe_load(snapshot.configuration.text)

    assert read["storage"]["s3"]["rootdirectory"] == folder


def test_without_selectors_of_keys_the_registry_asks_its_environment() -> None:
    place = {name: SELECTED["s3"][name] for name in ("bucketName", "region")}
    driver = driver_of(planned({"s3": place}))

    assert (driver.access_key, driver.secret_key, driver.endpoint) == (None, None, None)


def test_an_address_without_scheme_is_spoken_to_over_tls() -> None:
    driver = driver_of(planned(place=PLACE | {"endpoint": "s3.hush.example.com:443"}))

    assert driver.parameters()["s3"]["secure"] is True
    assert driver.parameters()["s3"]["regionendpoint"] == "s3.hush.example.com:443"


@pytest.mark.parametrize(
    ("key", "value", "field", "form"),
    [
        ("bucket", "s3://hush-images", "bucketName", "the bare name of a bucket"),
        ("bucket", "hush/images", "bucketName", "the bare name of a bucket"),
        ("bucket", "h" * 64, "bucketName", "up to 63 letters"),
        ("bucket", "hush\nimages", "bucketName", "the bare name of a bucket"),
        ("region", "hush 1", "region", "the name of a region"),
        ("endpoint", "http://hush.example.com/path", "endpointURL", "a URL without path"),
        ("endpoint", "https://hush:word@example.com", "endpointURL", "a URL without path"),
        ("endpoint", "ftp://hush.example.com", "endpointURL", "a URL without path"),
        ("endpoint", f"http://{'hush' * 600}", "endpointURL", "a URL without path"),
        ("endpoint", "http://hush.example.com\nx", "endpointURL", "a URL without path"),
    ],
)
def test_a_value_that_can_not_be_is_told_by_field_and_not_shown(
    key: str, value: str, field: str, form: str
) -> None:
    plan = planned(place=PLACE | {key: value})

    assert isinstance(plan, Blocked)
    assert plan.reason == "SecretInvalid"
    assert f"Secret s3-place (spec.storage.s3.{field}) holds under {key}" in plan.message
    assert form in plan.message
    assert "hush" not in plan.message


@pytest.mark.parametrize(
    ("credentials", "reason", "words"),
    [
        (UNKNOWN, "SecretNotRead", "Secret s3-place (spec.storage.s3.bucketName) is being read"),
        (
            Credentials(known=False, unreadable={"s3-place": "403: no"}),
            "SecretUnreadable",
            "Secret s3-place (spec.storage.s3.bucketName) can't be read: 403: no",
        ),
        (
            having({"s3-place": PLACE}),
            "SecretNotFound",
            "Secret s3-keys (spec.storage.s3.accessKey) does not exist in namespace team-a",
        ),
        (
            having({"s3-place": PLACE, "s3-keys": {"accessKey": "hush"}}),
            "SecretIncomplete",
            "(spec.storage.s3.secretKey) has no value under secretKey: add it, or name the right key",
        ),
        (
            having({"s3-place": PLACE | {"region": " \n"}, "s3-keys": KEYS}),
            "SecretIncomplete",
            "Secret s3-place (spec.storage.s3.region) has no value under region",
        ),
    ],
)
def test_of_several_secrets_the_one_that_does_not_serve_is_named(
    credentials: Credentials, reason: str, words: str
) -> None:
    plan = plan_storage(a_snapshot(a_registry(storage=SELECTED), credentials=credentials))

    assert isinstance(plan, Blocked)
    assert plan.reason == reason
    assert words in plan.message
    assert "hush" not in plan.message


@pytest.mark.virtual
async def test_each_secret_is_waited_for_and_followed(clock: VirtualClock) -> None:
    stage = RegistryStage(clock)
    async with stage.running():
        stage.create(storage=SELECTED, replicas=2)
        await stage.settle()
        assert stage.told("StorageReady") == ("False", "SecretNotFound")
        assert "Secret s3-place" in stage.message()

        stage.api.put(SECRET, a_secret("s3-place", PLACE))
        await stage.settle()
        assert stage.told("StorageReady") == ("False", "SecretNotFound")
        assert "Secret s3-keys" in stage.message()

        stage.api.put(SECRET, a_secret("s3-keys", KEYS))
        await stage.settle()
        assert stage.told() == ("True", "Ready")
        assert stage.message("StorageReady") == "pods serve from the bucket that a Secret names"
        assert stage.status()["storage"] == {"kind": "s3"}
        before = stage.current_config

        stage.api.put(SECRET, a_secret("s3-place", PLACE | {"bucket": "hush-others"}))
        await stage.settle(60)
        assert stage.current_config != before
        assert stage.told() == ("True", "Ready")

        stage.api.delete(SECRET, ObjectKey(NAMESPACE, "s3-place"))
        await stage.settle()
        assert stage.told("StorageReady") == ("False", "SecretNotFound")
        assert stage.told("Available") == ("True", "Serving")


@pytest.mark.virtual
async def test_what_a_secret_says_of_the_bucket_is_nowhere_but_in_secrets(
    clock: VirtualClock,
) -> None:
    stage = RegistryStage(clock)
    stage.cluster.is_well = lambda _pod: False
    stage.api.put(SECRET, a_secret("s3-place", PLACE))
    stage.api.put(SECRET, a_secret("s3-keys", KEYS))
    async with stage.running():
        stage.create(storage=SELECTED)
        stage.answer = (
            b'{"storagedriver_s3":"Get http://hush.example.com/hush-images: no such host"}'
        )
        await stage.settle(30)

        assert stage.told("StorageReady") == ("False", "StorageUnreachable")
        assert "see its log" in stage.message()
        assert "hush" not in str(stage.status())
        assert "hush" not in str(stage.one(DEPLOYMENT))
        assert "hush" not in str(stage.events())
