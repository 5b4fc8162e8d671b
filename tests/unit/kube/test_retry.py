import pytest

from registry_operator.kube.exchange import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, Request, Response
from registry_operator.kube.retry import RetryPolicy

GET = Request("GET", "/x")
POST = Request("POST", "/x")


def delay(
    request: Request, status: int, *, after: str | None = "2", tried: int = 1
) -> float | None:
    headers = {} if after is None else {"retry-after": after}
    return RetryPolicy(tries=3).delay(request, Response(status, headers), tried=tried)


def test_too_many_requests_is_repeated_for_any_verb_since_nothing_was_done() -> None:
    assert delay(GET, 429) == delay(POST, 429) == 2.0


@pytest.mark.parametrize("kind", [APPLY_PATCH, MERGE_PATCH])
def test_unavailable_is_repeated_where_twice_is_once(kind: str) -> None:
    assert delay(GET, 503) == 2.0
    assert delay(Request("PATCH", "/x", content_type=kind), 503) == 2.0


def test_unavailable_is_not_repeated_where_twice_is_twice() -> None:
    assert delay(POST, 503) is None
    assert delay(Request("PATCH", "/x", content_type=JSON_PATCH), 503) is None


def test_without_a_named_time_the_caller_decides() -> None:
    assert delay(GET, 429, after=None) is None


def test_tries_and_waits_are_bounded() -> None:
    assert delay(GET, 429, tried=2) == 2.0
    assert delay(GET, 429, tried=3) is None
    assert delay(GET, 429, after="31") is None


@pytest.mark.parametrize("status", [200, 404, 409, 500])
def test_other_answers_are_handed_on(status: int) -> None:
    assert delay(GET, status) is None


def test_neither_request_nor_response_shows_its_body() -> None:
    assert "hunter2" not in repr(Request("POST", "/x", body=b"hunter2"))
    assert "hunter2" not in repr(Response(200, {}, b"hunter2"))
