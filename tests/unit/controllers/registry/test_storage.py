"""Which storage a Registry uses: each kind, each thing that can be missing, and the cure told."""

import pytest

from controllers.registry.child import decoded
from controllers.registry.inputs import CosiObjects, Credentials
from controllers.registry.storage import StoragePlan, plan_storage
from registry_operator.distribution.drivers import (
    AzureStorage,
    FilesystemStorage,
    GcsStorage,
    S3Storage,
    is_shared,
)
from registry_operator.kube.object import Object
from registry_operator.runtime.outcome import Blocked, Stalled
from registry_operator.testing.builders import (
    S3,
    a_registry,
    an_object,
)
from registry_operator.testing.claims import a_bucket_access, a_bucket_claim
from tests.unit.controllers.registry.snapshots import (
    UNKNOWN,
    a_cosi_registry,
    a_snapshot,
    granted,
    having,
    holding,
)


def test_an_empty_dir_is_a_folder_of_one_pod() -> None:
    plan = plan_storage(a_snapshot())

    assert isinstance(plan, StoragePlan)
    assert (plan.kind, is_shared(plan.driver)) == ("emptyDir", False)
    assert plan.driver == FilesystemStorage("/var/lib/registry")


@pytest.mark.parametrize("storage", [None, {}])
def test_no_storage_stalls_and_names_the_fields_to_set(storage: dict[str, str] | None) -> None:
    plan = plan_storage(a_snapshot(a_registry(storage=storage)))

    assert isinstance(plan, Stalled)
    assert plan.reason == "StorageNotSpecified"
    for field in (
        "bucketClassName",
        "bucketAccessClass",
        "spec.storage.s3",
        "spec.storage.emptyDir",
    ):
        assert field in plan.message


def test_several_replicas_need_storage_that_they_share() -> None:
    plan = plan_storage(a_snapshot(a_registry(replicas=2)))

    assert isinstance(plan, Stalled)
    assert plan.reason == "ReplicasNeedSharedStorage"
    assert "spec.replicas is 2" in plan.message
    assert "set spec.replicas to 1" in plan.message


def test_a_bucket_that_exists_is_used_with_the_keys_of_its_secret() -> None:
    plan = plan_storage(
        a_snapshot(a_registry(storage=S3), credentials=holding(accessKey="A\n", secretKey=" B "))
    )

    assert isinstance(plan, StoragePlan)
    assert (plan.kind, plan.bucket, is_shared(plan.driver)) == ("s3", "images", True)
    assert plan.endpoint == "http://s3.example.com:9000"
    assert plan.driver == S3Storage(
        bucket="images",
        region="eu-1",
        endpoint="http://s3.example.com:9000",
        access_key="A",
        secret_key="B",
    )


def test_keys_are_found_under_the_names_that_the_user_gives() -> None:
    reference = {"name": "s3-keys", "accessKeyField": "id", "secretKeyField": "key"}
    registry = a_registry(storage={"s3": {"bucket": "b", "secretRef": reference}})
    plan = plan_storage(a_snapshot(registry, credentials=holding(id="A", key="B")))

    assert isinstance(plan, StoragePlan)
    assert isinstance(plan.driver, S3Storage)
    assert (plan.driver.access_key, plan.driver.secret_key) == ("A", "B")


def test_without_a_secret_the_registry_asks_its_environment() -> None:
    plan = plan_storage(a_snapshot(a_registry(storage={"s3": {"bucket": "b"}})))

    assert isinstance(plan, StoragePlan)
    assert plan.driver == S3Storage(bucket="b")
    assert plan.endpoint == ""


@pytest.mark.parametrize(
    ("credentials", "reason", "words"),
    [
        (UNKNOWN, "SecretNotRead", ["is being read"]),
        (
            Credentials(known=False, unreadable={"s3-keys": "403: no"}),
            "SecretUnreadable",
            ["403: no"],
        ),
        (Credentials(known=True), "SecretNotFound", ["in namespace team-a", "create it"]),
        (holding(), "SecretIncomplete", ["accessKey and secretKey", "accessKeyField"]),
        (holding(accessKey="A"), "SecretIncomplete", ["under secretKey:"]),
        (holding(accessKey="A", secretKey="\n"), "SecretIncomplete", ["under secretKey:"]),
    ],
)
def test_a_secret_that_does_not_serve_is_named_with_its_field(
    credentials: Credentials, reason: str, words: list[str]
) -> None:
    plan = plan_storage(a_snapshot(a_registry(storage=S3), credentials=credentials))

    assert isinstance(plan, Blocked)
    assert plan.reason == reason
    for word in ("Secret s3-keys (spec.storage.s3.secretRef)", *words):
        assert word in plan.message


SERVICE_ACCOUNT_KEY = '{"type": "service_account", "private_key": "keep-me"}'


def test_a_bucket_of_google_is_opened_with_the_key_that_lies_beside_the_file() -> None:
    storage = {"gcs": {"bucket": "images", "secretRef": {"name": "s3-keys"}, "redirect": False}}
    data = {"key.json": SERVICE_ACCOUNT_KEY}
    plan = plan_storage(a_snapshot(a_registry(storage=storage), credentials=holding(**data)))

    assert isinstance(plan, StoragePlan)
    assert (plan.kind, plan.bucket, is_shared(plan.driver)) == ("gcs", "images", True)
    assert plan.driver == GcsStorage(
        bucket="images", key_file="/etc/registry-operator/gcs.json", redirect=False
    )
    assert plan.files == {"gcs.json": SERVICE_ACCOUNT_KEY}
    assert "keep-me" not in repr(plan)


@pytest.mark.parametrize("text", ["no json", "[]", '{"type": "external_account"}'])
def test_what_is_no_key_of_a_service_account_is_named_and_not_shown(text: str) -> None:
    storage = {"gcs": {"bucket": "images", "secretRef": {"name": "s3-keys"}}}
    data = {"key.json": text}
    plan = plan_storage(a_snapshot(a_registry(storage=storage), credentials=holding(**data)))

    assert isinstance(plan, Blocked)
    assert plan.reason == "SecretIncomplete"
    assert "of type service_account" in plan.message
    assert text not in plan.message


def test_a_container_of_azure_is_opened_with_the_key_of_its_account() -> None:
    azure = {"accountName": "acc", "container": "con", "endpoint": "https://acc.example.com"}
    storage = {"azure": {**azure, "secretRef": {"name": "s3-keys", "accountKeyField": "key"}}}
    plan = plan_storage(a_snapshot(a_registry(storage=storage), credentials=holding(key="a2V5\n")))

    assert isinstance(plan, StoragePlan)
    assert (plan.kind, plan.bucket, plan.endpoint) == ("azure", "con", "https://acc.example.com")
    assert plan.driver == AzureStorage(
        account="acc",
        container="con",
        account_key="a2V5",
        options={"serviceurl": "https://acc.example.com"},
    )


@pytest.mark.parametrize(
    ("cloud", "said", "field"),
    [
        ("gcs", {"bucket": "b12"}, "under key.json: add it"),
        ("azure", {"accountName": "acc", "container": "con"}, "keys in accountKeyField"),
    ],
)
def test_a_secret_of_a_cloud_that_lacks_its_key_is_named(
    cloud: str, said: dict[str, str], field: str
) -> None:
    storage = {cloud: {**said, "secretRef": {"name": "s3-keys"}}}
    plan = plan_storage(a_snapshot(a_registry(storage=storage), credentials=holding(x="y")))

    assert isinstance(plan, Blocked)
    assert plan.reason == "SecretIncomplete"
    assert field in plan.message


def test_fields_of_the_bucket_reach_the_driver() -> None:
    storage = {"s3": {"bucket": "b", "rootDirectory": "a", "chunkSize": "5Mi", "redirect": False}}
    plan = plan_storage(a_snapshot(a_registry(storage=storage)))

    assert isinstance(plan, StoragePlan)
    assert plan.driver == S3Storage(
        bucket="b", redirect=False, options={"rootdirectory": "a", "chunksize": 5 << 20}
    )


def test_a_granted_bucket_is_used_as_cosi_describes_it() -> None:
    plan = plan_storage(granted(a_cosi_registry(replicas=3)))

    assert isinstance(plan, StoragePlan)
    assert (plan.kind, plan.bucket, is_shared(plan.driver)) == ("bucket", "bucket-1", True)
    assert isinstance(plan.driver, S3Storage)
    assert (plan.driver.access_key, plan.driver.secret_key) == ("AKIA", "keep-me")


def test_a_secret_that_cosi_made_and_somebody_deleted_is_not_for_the_user_to_create() -> None:
    plan = plan_storage(granted(a_cosi_registry(), credentials=Credentials(known=True)))

    assert isinstance(plan, Blocked)
    assert plan.reason == "SecretNotFound"
    assert "delete BucketAccess images" in plan.message


def test_a_secret_that_describes_no_bucket_stalls() -> None:
    other = having({"images-bucket": {"x": "y"}})
    plan = plan_storage(granted(a_cosi_registry(), credentials=other))

    assert isinstance(plan, Stalled)
    assert plan.reason == "BucketInfoInvalid"


def cosi(*, claim: bool | None = None, access: bool | None = None) -> CosiObjects:
    registry = a_cosi_registry()
    return CosiObjects(
        served=True,
        claim=None if claim is None else an_object(a_bucket_claim(registry, ready=claim)),
        access=None if access is None else an_object(a_bucket_access(registry, granted=access)),
    )


@pytest.mark.parametrize(
    ("objects", "reason", "word"),
    [
        (CosiObjects(served=False), "CosiNotInstalled", "or use spec.storage.s3"),
        (cosi(), "BucketNotReady", "BucketClaim images is being created"),
        (cosi(claim=False), "BucketNotReady", "whether BucketClass fast exists"),
        (cosi(claim=True), "AccessNotGranted", "BucketAccess images is being created"),
        (cosi(claim=True, access=False), "AccessNotGranted", "whether BucketAccessClass fast-keys"),
    ],
)
def test_each_step_of_cosi_is_waited_for(objects: CosiObjects, reason: str, word: str) -> None:
    plan = plan_storage(a_snapshot(a_cosi_registry(), cosi=objects))

    assert isinstance(plan, Blocked)
    assert plan.reason == reason
    assert word in plan.message


def test_no_plan_shows_its_keys() -> None:
    snapshot = granted(a_cosi_registry())

    for text in (repr(snapshot.storage), repr(snapshot.configuration), repr(snapshot)):
        assert "keep-me" not in text
        assert "AKIA" not in text


def test_values_that_are_no_text_count_as_missing() -> None:
    secret = Object.of({"metadata": {"name": "x"}, "data": {"a": "/w==", "b": "Yg=="}})

    assert decoded(secret) == {"b": "b"}
    assert decoded(Object.of({"metadata": {"name": "x"}})) == {}
