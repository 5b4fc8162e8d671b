"""What unready pods are asked and what is made of their answers."""

from functools import partial
from typing import Any

import pytest

from controllers.registry.health import HealthProber, PodHealth, diagnose, is_asked
from registry_operator.testing.builders import a_pod, a_registry, an_object, deleting
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry.prober_stage import ProberStage

OWNER = a_registry()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("s3aws: InvalidAccessKeyId: The key does not exist", "CredentialsRejected"),
        ("s3aws: WebIdentityErr: failed to retrieve credentials", "CredentialsRejected"),
        ("gcs: oauth2: cannot fetch token: 400 Bad Request", "CredentialsRejected"),
        ("azure: ERROR CODE: ContainerNotFound", "BucketNotFound"),
        ("RequestError: x509: certificate signed by unknown authority", "CertificateUntrusted"),
        ("s3aws: SignatureDoesNotMatch", "CredentialsRejected"),
        ("s3aws: AccessDenied: status code: 403", "CredentialsRejected"),
        ("s3aws: Forbidden: Forbidden", "CredentialsRejected"),
        ("NoCredentialProviders: no valid providers in chain", "CredentialsRejected"),
        ("s3aws: NoSuchBucket: The bucket does not exist", "BucketNotFound"),
        ("dial tcp 10.0.0.1:9000: connect: connection refused", "StorageUnreachable"),
        ("dial tcp: lookup s3.example.com: no such host", "StorageUnreachable"),
        ("read tcp: i/o timeout", "StorageUnreachable"),
        ("context deadline exceeded", "StorageUnreachable"),
        ("x509: certificate has expired or is not yet valid", "CertificateUntrusted"),
        ("filesystem: no space left on device", "StorageFailing"),
    ],
)
def test_each_failure_has_its_reason_and_the_registrys_own_words(text: str, reason: str) -> None:
    found = diagnose(b'{"storagedriver_s3":"%s"}' % text.encode())

    assert found is not None
    assert found[0] == reason
    assert text in found[1]


def test_what_to_do_is_said_last_and_never_cut_off() -> None:
    text = "RequestError: connect: connection refused" + "x" * 999
    found = diagnose(b'{"storagedriver_s3":"%s"}' % text.encode())
    cure = "Check the endpoint, DNS, network policies and the store."

    assert found is not None
    assert found[1].endswith(f". {cure}")
    assert PodHealth("uid-p", *found).discreet.message.endswith(f". {cure}")


def test_a_volume_that_is_not_written_can_be_told_without_words_too() -> None:
    told = PodHealth("uid-p", "VolumeNotWritten", "pushes fail").discreet

    assert "Make room or let the pods write" in told.message


@pytest.mark.parametrize("answer", [b"{}", b"", b"<html>", b"[]", b'"text"', b"null"])
def test_an_answer_that_names_no_failure_says_nothing(answer: bytes) -> None:
    assert diagnose(answer) is None


def test_a_long_answer_is_cut() -> None:
    found = diagnose(b'{"a":"%s"}' % (b"x" * 9999))

    assert found is not None
    assert len(found[1]) < 400


@pytest.mark.parametrize(
    ("pod", "asked"),
    [
        (a_pod(OWNER), True),
        (a_pod(OWNER, ready=True), False),
        (a_pod(OWNER, phase="Pending"), False),
        (deleting(a_pod(OWNER)), False),
        ({**a_pod(OWNER), "status": {"phase": "Running"}}, False),
        ({**a_pod(OWNER), "status": None}, False),
    ],
)
def test_only_a_pod_that_runs_and_is_not_ready_is_asked(
    pod: dict[str, Any],
    asked: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    assert is_asked(an_object(pod)) is asked


Ward = ProberStage[HealthProber]


@pytest.fixture
async def ward(clock: VirtualClock) -> Ward:
    return Ward(clock, HealthProber, pod=partial(a_pod, OWNER), answer=b"{}")


FAILING = b'{"storagedriver_s3":"NoSuchBucket"}'


@pytest.mark.virtual
class TestProber:
    async def test_it_asks_every_few_seconds_while_a_pod_is_unready_and_tells_once(
        self, ward: Ward
    ) -> None:
        ward.answer = FAILING
        async with ward.running():
            pod = ward.show()
            await ward.clock.sleep(60)
            found = ward.prober.of(pod)

        assert 10 <= len(ward.asked) <= 13
        assert set(ward.asked) == {"10.0.0.7/debug/health"}
        assert ward.told == ["p"]
        assert found is not None
        assert found.reason == "BucketNotFound"

    async def test_a_ready_pod_is_left_in_peace_and_its_answer_forgotten(self, ward: Ward) -> None:
        ward.answer = FAILING
        async with ward.running():
            pod = ward.show()
            await ward.clock.sleep(6)
            ward.show(ready=True)
            ward.asked.clear()
            await ward.clock.sleep(600)

        assert ward.asked == []
        assert ward.prober.of(pod) is None

    async def test_a_pod_that_is_gone_is_forgotten(self, ward: Ward) -> None:
        ward.answer = FAILING
        async with ward.running():
            pod = ward.show()
            await ward.clock.sleep(6)
            ward.writer.remove(an_object(a_pod(OWNER, "p")))
            ward.asked.clear()
            await ward.clock.sleep(60)

        assert ward.asked == []
        assert ward.prober.of(pod) is None

    async def test_the_same_failure_in_other_words_is_no_news_and_another_is(
        self, ward: Ward
    ) -> None:
        async with ward.running():
            pod = ward.show()
            for text in (b"NoSuchBucket id 1", b"NoSuchBucket id 2", b"AccessDenied", b""):
                ward.answer = b'{"a":"%s"}' % text if text else b"{}"
                await ward.clock.sleep(10)

            assert ward.told == ["p"] * 3
            assert ward.prober.of(pod) is None

    @pytest.mark.parametrize("error", [TimeoutError(), ConnectionRefusedError(), OSError("x")])
    async def test_a_pod_that_cannot_be_reached_says_nothing(
        self, ward: Ward, error: Exception
    ) -> None:
        ward.answer = error
        async with ward.running():
            pod = ward.show()
            await ward.clock.sleep(60)

        assert len(ward.asked) > 5
        assert ward.told == []
        assert ward.prober.of(pod) is None

    async def test_pods_that_do_not_answer_hold_nobody_up(self, ward: Ward) -> None:
        ward.seconds = 3.0
        async with ward.running():
            for number in range(40):
                ward.show(f"p{number}")
            await ward.clock.sleep(10)

        assert len(ward.asked) == 40

    async def test_an_answer_that_comes_too_late_is_dropped(self, ward: Ward) -> None:
        ward.answer, ward.seconds = FAILING, 2.0
        async with ward.running():
            pod = ward.show()
            await ward.clock.sleep(1)
            ward.show(ready=True)
            await ward.clock.sleep(5)

        assert ward.prober.of(pod) is None
        assert ward.told == []


def test_an_answer_names_its_pod() -> None:
    assert PodHealth("uid", "R", "m").pod == "uid"
