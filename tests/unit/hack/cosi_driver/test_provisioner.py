"""What the driver answers COSI: once, again, and when it can't."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from grpc import StatusCode

from hack.cluster.controlplane import MANIFESTS
from hack.cosi_driver.proto import cosi_pb2 as pb
from hack.cosi_driver.provisioner import NAME, Provisioner
from hack.cosi_driver.rpc import RefusedError
from hack.cosi_driver.store import Store
from tests.unit.hack.cosi_driver.fake_store import FakeStore

ROOT = Path(__file__).resolve().parents[4]
CREATE = pb.DriverCreateBucketRequest(name="bucket-1")
DELETE = pb.DriverDeleteBucketRequest(bucket_id="bucket-1")
GRANT = pb.DriverGrantBucketAccessRequest(
    bucket_id="bucket-1", name="ba-1", authentication_type=pb.Key
)
REVOKE = pb.DriverRevokeBucketAccessRequest(bucket_id="bucket-1", account_id="ba-1")


@pytest.fixture
def fake() -> FakeStore:
    return FakeStore()


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def driver(fake: FakeStore, slept: list[float]) -> Provisioner:
    return a_driver(fake, slept)


def a_driver(fake: FakeStore, slept: list[float], *, secret: str = "s") -> Provisioner:
    return Provisioner(
        Store(fake), endpoint="http://s3", region="eu-1", secret=secret, sleep=slept.append
    )


def granted(driver: Provisioner) -> dict[str, str]:
    credentials = driver.grant_access(GRANT).credentials
    assert list(credentials) == ["s3"]
    return dict(credentials["s3"].secrets)


def classes() -> list[dict[str, Any]]:
    documents = yaml.safe_load_all((MANIFESTS / "cosi.yaml").read_text())
    return [document for document in documents if document["kind"].endswith("Class")]


def test_the_driver_has_the_name_that_the_classes_ask_for(driver: Provisioner) -> None:
    assert driver.get_info(pb.DriverGetInfoRequest()).name == NAME
    assert {one["driverName"] for one in classes()} == {NAME}


def test_the_classes_are_the_ones_of_the_sample() -> None:
    sample = yaml.safe_load((ROOT / "config/samples/registry.yaml").read_text())
    storage = sample["spec"]["storage"]

    assert {one["kind"]: one["metadata"]["name"] for one in classes()} == {
        "BucketClass": storage["bucketClassName"],
        "BucketAccessClass": storage["bucketAccessClass"],
    }


def test_a_bucket_that_is_asked_for_twice_is_made_once(
    driver: Provisioner, fake: FakeStore
) -> None:
    first, second = driver.create_bucket(CREATE), driver.create_bucket(CREATE)

    assert first == second
    assert first.bucket_id == "bucket-1"
    assert first.bucket_info.s3.region == "eu-1"
    assert fake.buckets == {"bucket-1"}


def test_a_bucket_is_never_made_so_fast_that_the_controller_misses_it(
    driver: Provisioner, slept: list[float]
) -> None:
    driver.create_bucket(CREATE)

    assert sum(slept) >= 0.3


def test_a_bucket_that_is_gone_is_deleted_again_without_complaint(
    driver: Provisioner, fake: FakeStore
) -> None:
    driver.create_bucket(CREATE)

    for _ in range(2):
        driver.delete_bucket(DELETE)
        assert not fake.buckets


def test_keys_reach_their_bucket_and_no_other(driver: Provisioner, fake: FakeStore) -> None:
    driver.create_bucket(CREATE)

    secrets = granted(driver)

    assert fake.keys("ba-1") == {secrets["accessKeyID"]: secrets["accessSecretKey"]}
    assert (secrets["endpoint"], secrets["region"]) == ("http://s3", "eu-1")
    (statement,) = fake.policy("ba-1")["Statement"]
    assert statement["Resource"] == ["arn:aws:s3:::bucket-1", "arn:aws:s3:::bucket-1/*"]
    assert not {"s3:*", "s3:Delete*", "s3:DeleteBucket"} & {*statement["Action"]}


def test_a_grant_that_is_asked_for_again_hands_out_the_same_keys_by_another_process_too(
    driver: Provisioner, fake: FakeStore
) -> None:
    driver.create_bucket(CREATE)
    first = granted(driver)

    assert granted(driver) == granted(a_driver(fake, [])) == first
    assert len(fake.keys("ba-1")) == 1


def test_keys_differ_by_account_and_by_the_drivers_own_secret(
    driver: Provisioner, fake: FakeStore
) -> None:
    driver.create_bucket(CREATE)
    other = pb.DriverGrantBucketAccessRequest(
        bucket_id="bucket-1", name="ba-2", authentication_type=pb.Key
    )
    answers = [driver.grant_access(GRANT), driver.grant_access(other)]
    answers.append(a_driver(fake, [], secret="t").grant_access(GRANT))

    assert len({answer.credentials["s3"].secrets["accessSecretKey"] for answer in answers}) == 3


def test_a_grant_that_failed_half_way_is_completed_by_the_next(
    driver: Provisioner, fake: FakeStore
) -> None:
    driver.create_bucket(CREATE)
    fake.refuses = "CreateAccessKey"
    with pytest.raises(RefusedError):
        driver.provisioner()["DriverGrantBucketAccess"](GRANT)

    fake.refuses = ""

    assert granted(driver)["accessKeyID"] in fake.keys("ba-1")


def test_a_revoked_account_is_gone_and_may_be_revoked_again(
    driver: Provisioner, fake: FakeStore
) -> None:
    driver.create_bucket(CREATE)
    driver.grant_access(GRANT)

    for _ in range(2):
        driver.revoke_access(REVOKE)
        assert not fake.users


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("DriverCreateBucket", pb.DriverCreateBucketRequest()),
        ("DriverCreateBucket", pb.DriverCreateBucketRequest(name="b", parameters={"a": "b"})),
        ("DriverDeleteBucket", pb.DriverDeleteBucketRequest()),
        ("DriverGrantBucketAccess", pb.DriverGrantBucketAccessRequest(name="ba-1")),
        ("DriverGrantBucketAccess", pb.DriverGrantBucketAccessRequest(bucket_id="bucket-1")),
        (
            "DriverGrantBucketAccess",
            pb.DriverGrantBucketAccessRequest(
                bucket_id="bucket-1", name="ba-1", authentication_type=pb.IAM
            ),
        ),
        ("DriverRevokeBucketAccess", pb.DriverRevokeBucketAccessRequest(bucket_id="bucket-1")),
    ],
)
def test_what_misses_a_field_or_asks_for_what_there_is_not_is_refused(
    driver: Provisioner, fake: FakeStore, method: str, request_: object
) -> None:
    with pytest.raises(RefusedError) as refused:
        driver.provisioner()[method](request_)

    assert refused.value.code is StatusCode.INVALID_ARGUMENT
    assert (fake.buckets, fake.users) == (set(), {})


def test_access_to_a_bucket_that_is_not_there_is_not_found(driver: Provisioner) -> None:
    with pytest.raises(RefusedError, match="no bucket bucket-1") as refused:
        driver.grant_access(GRANT)

    assert refused.value.code is StatusCode.NOT_FOUND


@pytest.mark.parametrize("action", ["HEAD", "CreateUser", "PutUserPolicy", "CreateAccessKey"])
def test_a_store_that_refuses_is_told_by_its_code_alone_and_never_as_already_exists(
    driver: Provisioner, fake: FakeStore, action: str
) -> None:
    driver.create_bucket(CREATE)
    fake.refuses = action

    with pytest.raises(RefusedError) as refused:
        driver.provisioner()["DriverGrantBucketAccess"](GRANT)

    assert refused.value.code is StatusCode.INTERNAL
    assert action in refused.value.why
    assert "very-secret" not in refused.value.why
