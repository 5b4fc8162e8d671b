"""The driver by its socket, as the sidecar reaches it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from hack.cosi_driver.__main__ import serve
from hack.cosi_driver.proto import cosi_pb2 as pb
from hack.cosi_driver.provisioner import NAME, Provisioner
from hack.cosi_driver.rpc import service
from hack.cosi_driver.store import Store
from tests.unit.hack.cosi_driver.fake_store import FakeStore


@pytest.fixture
def fake() -> FakeStore:
    return FakeStore()


@pytest.fixture
def channel(fake: FakeStore, tmp_path: Path) -> Iterator[grpc.Channel]:
    driver = Provisioner(
        Store(fake), endpoint="http://s3", region="eu-1", secret="s", sleep=lambda _seconds: None
    )
    endpoint = f"unix://{tmp_path}/cosi.sock"
    server = serve(driver, endpoint)
    with grpc.insecure_channel(endpoint) as channel:
        yield channel
    server.stop(None).wait()


def ask(channel: grpc.Channel, method: str, request: Any, response: Any) -> Any:
    call = channel.unary_unary(
        f"/cosi.v1alpha1.{method}", type(request).SerializeToString, response.FromString
    )

    return call(request, timeout=5)


def create(channel: grpc.Channel, name: str) -> Any:
    request = pb.DriverCreateBucketRequest(name=name)

    return ask(channel, "Provisioner/DriverCreateBucket", request, pb.DriverCreateBucketResponse)


def grant(channel: grpc.Channel, bucket: str) -> Any:
    request = pb.DriverGrantBucketAccessRequest(
        bucket_id=bucket, name="ba-1", authentication_type=pb.Key
    )

    return ask(
        channel,
        "Provisioner/DriverGrantBucketAccess",
        request,
        pb.DriverGrantBucketAccessResponse,
    )


def test_both_services_answer(channel: grpc.Channel, fake: FakeStore) -> None:
    request = pb.DriverGetInfoRequest()
    info = ask(channel, "Identity/DriverGetInfo", request, pb.DriverGetInfoResponse)

    assert info.name == NAME
    assert create(channel, "bucket-1").bucket_id == "bucket-1"
    assert fake.buckets == {"bucket-1"}


def test_a_refusal_arrives_with_its_code_and_its_words(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        create(channel, "")

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert refused.value.details() == "name is missing"


def test_a_store_that_does_not_answer_is_unavailable(
    channel: grpc.Channel, fake: FakeStore
) -> None:
    fake.down = True

    with pytest.raises(grpc.RpcError) as refused:
        create(channel, "bucket-1")

    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


def test_the_log_tells_each_call_and_its_end_but_never_what_was_handed_out(
    channel: grpc.Channel, capfd: pytest.CaptureFixture[str]
) -> None:
    create(channel, "bucket-1")
    secrets = grant(channel, "bucket-1").credentials["s3"].secrets
    with pytest.raises(grpc.RpcError):
        grant(channel, "bucket-2")

    told = capfd.readouterr().out

    assert "DriverGrantBucketAccess bucket-1 ba-1: done" in told
    assert "bucket-2 ba-1: NOT_FOUND, there is no bucket bucket-2" in told
    assert secrets["accessKeyID"] not in told
    assert secrets["accessSecretKey"] not in told


def test_a_service_with_a_method_missing_is_refused_at_start() -> None:
    with pytest.raises(ValueError, match="DriverGetInfo"):
        service("Identity", {})
