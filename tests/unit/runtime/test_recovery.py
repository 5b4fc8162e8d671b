import pytest

from registry_operator.kube.errors import (
    BadRequest,
    CodecError,
    Forbidden,
    Gone,
    InternalError,
    Invalid,
    KubeError,
    NotFound,
    RequestTimeout,
    ServiceUnavailable,
    StorageReadError,
    TooManyRequests,
    TransportError,
    Unauthorized,
)
from registry_operator.runtime.recovery import EndedEarlyError, reason_of, recover

REFUSED_CONNECTION = TransportError("connection refused", sent=False)
BUSY = TooManyRequests(429, reason="TooManyRequests", retry_after=7.0)
EXPIRED = Gone(410, reason="Expired")


@pytest.mark.parametrize(
    "error",
    [
        REFUSED_CONNECTION,
        RequestTimeout("silence", sent=True),
        EndedEarlyError("at once"),
        BUSY,
        ServiceUnavailable(503),
        InternalError(500),
        Unauthorized(401),
        Forbidden(403),
        CodecError("cut in the middle"),
    ],
)
def test_a_watch_outlives_what_says_nothing_about_its_version(error: KubeError) -> None:
    assert not recover(error, verb="watch", streaming=False, failures=1).relist


@pytest.mark.parametrize(
    "error",
    [EXPIRED, NotFound(404), Invalid(422), BadRequest(400), StorageReadError(500)],
    ids=lambda error: type(error).__name__,
)
def test_a_watch_begins_anew_after_what_will_not_pass(error: KubeError) -> None:
    assert recover(error, verb="watch", streaming=False, failures=1).relist


@pytest.mark.parametrize("error", [InternalError(500), CodecError("again")])
def test_a_server_that_goes_on_failing_is_asked_for_a_list(error: KubeError) -> None:
    assert not recover(error, verb="watch", streaming=False, failures=4).relist
    assert recover(error, verb="watch", streaming=False, failures=5).relist


@pytest.mark.parametrize("error", [REFUSED_CONNECTION, BUSY, Forbidden(403)])
def test_a_list_is_never_the_answer_to_a_busy_absent_or_forbidding_server(error: KubeError) -> None:
    assert not recover(error, verb="watch", streaming=False, failures=1000).relist


def test_only_a_list_tells_that_the_kind_is_not_served() -> None:
    assert recover(NotFound(404), verb="list", streaming=False, failures=1).absent
    assert not recover(NotFound(404), verb="watch", streaming=False, failures=1).absent


def test_an_expired_token_asks_for_one_page_and_an_expired_watch_does_not() -> None:
    assert recover(EXPIRED, verb="list", streaming=False, failures=1).expired
    assert not recover(EXPIRED, verb="watch", streaming=False, failures=1).expired


def test_the_server_says_how_long_to_wait() -> None:
    assert recover(BUSY, verb="watch", streaming=False, failures=1).retry_after == 7.0


@pytest.mark.parametrize(
    ("error", "falls_back"),
    [(Invalid(422), True), (InternalError(500), True), (BUSY, False), (EXPIRED, False)],
)
def test_a_server_without_watch_lists_is_asked_for_pages(
    error: KubeError, *, falls_back: bool
) -> None:
    decision = recover(error, verb="list", streaming=True, failures=1)

    assert decision.without_stream == falls_back
    assert not recover(error, verb="list", streaming=False, failures=1).without_stream


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (EXPIRED, "Expired"),
        (Forbidden(403), "Forbidden"),
        (RequestTimeout("silence", sent=True), "Timeout"),
        (REFUSED_CONNECTION, "ConnectionFailed"),
        (EndedEarlyError("at once"), "EndedEarly"),
        (CodecError("what?"), "NotUnderstood"),
    ],
)
def test_every_failure_has_a_reason_of_one_word(error: KubeError, reason: str) -> None:
    assert reason_of(error) == reason
