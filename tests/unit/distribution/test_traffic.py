"""What is read of an answer of `/metrics`: requests by kind, how many failed, how many were slow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_operator.distribution.traffic import Count, Traffic, parse, since, total

PULL = ("manifest", "get")
HEAD = b'registry_http_in_flight_requests{handler="manifest"} 0\n'


def counted(
    count: object, code: str = "200", handler: str = "manifest", method: str = "get"
) -> str:
    labels = f'code="{code}",handler="{handler}",method="{method}"'
    return f"registry_http_requests_total{{{labels}}} {count}"


def timed(count: int, bound: str, handler: str = "manifest", method: str = "get") -> str:
    labels = f'handler="{handler}",method="{method}",le="{bound}"'
    return f"registry_http_request_duration_seconds_bucket{{{labels}}} {count}"


def answer(*lines: str) -> bytes:
    return b"# HELP go_info x\n" + HEAD + "".join(f"{line}\n" for line in lines).encode()


def test_requests_are_counted_by_kind_and_those_answered_with_5xx_have_failed() -> None:
    found = parse(
        answer(
            counted(7),
            counted(2, "404"),
            counted(3, "500"),
            counted(1, "503"),
            counted(5, "202", "blob_upload", "post"),
        )
    )

    assert found == {PULL: Count(13, 4), ("blob_upload", "post"): Count(5)}


@pytest.mark.parametrize("method", ["patch", "put"])
def test_the_data_of_a_blob_that_a_client_broke_off_has_not_failed(method: str) -> None:
    found = parse(answer(counted(9, "500", "blob_upload_chunk", method)))

    assert found == {("blob_upload_chunk", method): Count(9)}


def test_slow_is_what_is_above_the_bound() -> None:
    found = parse(answer(counted(10), timed(4, "1"), timed(6, "2.5"), timed(10, "+Inf")))

    assert found == {PULL: Count(10, slow=4)}


@pytest.mark.parametrize("kind", [("blob", "get"), ("blob_upload_chunk", "patch")])
def test_what_lasts_as_long_as_the_client_takes_is_never_slow(kind: tuple[str, str]) -> None:
    found = parse(
        answer(counted(10, "200", *kind), timed(0, "2.5", *kind), timed(10, "+Inf", *kind))
    )

    assert found == {kind: Count(10)}


def test_a_histogram_of_other_bounds_says_nothing_of_slowness() -> None:
    assert parse(answer(counted(10), timed(0, "3"), timed(10, "+Inf"))) == {PULL: Count(10)}


def test_a_histogram_that_is_ahead_of_the_counter_makes_no_more_slow_than_there_are() -> None:
    found = parse(answer(counted(2), timed(0, "2.5"), timed(3, "+Inf")))

    assert found == {PULL: Count(2, slow=2)}


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"404 page not found\n",
        b"{}",
        b"<html>\n",
        b"\x1f\x8b\xff\n",
        b"go_goroutines 10\n",
        answer(counted(9))[:-1],
    ],
)
def test_an_answer_that_is_cut_off_or_not_the_registrys_says_nothing(wrong: bytes) -> None:
    assert parse(wrong) is None


@pytest.mark.parametrize("count", ["NaN", "+Inf", "-1", "", "9" * 400, "1.2.3e+10", "x"])
def test_what_is_no_count_is_passed_over(count: str) -> None:
    assert parse(answer(counted(count))) == {}


@given(st.binary(max_size=400))
def test_no_answer_is_an_error(noise: bytes) -> None:
    found = parse(b"x\n" + HEAD + noise + b"\n")

    assert found is not None


def test_what_was_counted_since_is_the_difference() -> None:
    before: Traffic = {PULL: Count(10, 1, 1)}
    now: Traffic = {PULL: Count(15, 3, 1), ("blob", "get"): Count(4)}

    assert since(now, before) == {PULL: Count(5, 2, 0), ("blob", "get"): Count(4)}


@pytest.mark.parametrize(
    "now",
    [{}, {PULL: Count(9, 1, 1)}, {PULL: Count(11, 0, 1)}, {PULL: Count(11, 1, 0)}],
)
def test_counters_that_went_back_are_of_a_process_that_began_anew(now: Traffic) -> None:
    assert since(now, {PULL: Count(10, 1, 1)}) == now


def test_what_several_processes_counted_is_added() -> None:
    assert total([{PULL: Count(1, 1)}, {PULL: Count(2, 0, 1)}, {}]) == {PULL: Count(3, 1, 1)}
