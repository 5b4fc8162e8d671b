"""A reflector keeps its store equal to the server, whatever ends its lists and watches.

After client-go's tools/cache/reflector_test.go, for lists in pages.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from registry_operator.kube.errors import Gone, KubeError, TooManyRequests, TransportError
from registry_operator.testing.fake_transport import (
    FakeStream,
    a_list,
    a_refusal,
    a_status,
    an_answer,
    on,
)
from registry_operator.testing.virtual_loop import VirtualClock
from tests.conformance.following import Following, asked
from tests.conformance.origin import origin
from tests.unit.runtime.secrets_stage import PATH, a_body

REFUSED = TransportError("connection refused", sent=False)
BUSY = TooManyRequests(429, reason="TooManyRequests")
EXPIRED = Gone(410, reason="Expired")
TOO_LARGE = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}


@pytest.fixture
def following(clock: VirtualClock) -> Following:
    return Following(clock)


@origin(60, "reflector_test :: TestReflectorListAndWatch", "R7")
async def test_a_list_is_followed_by_watches_each_from_where_the_last_one_ended(
    following: Following,
) -> None:
    following.serve_list("5", a=1, b=2)
    watches = [following.serve_watch(resourceVersion=version) for version in ("5", "7", "8")]

    async with following.running():
        watches[0].added(a_body("c", 6))
        watches[0].deleted(a_body("a", 7))
        watches[0].end()
        watches[1].modified(a_body("b", 8))
        watches[1].end()
        await watches[2].opened()

    assert following.held == {"b": "8", "c": "6"}
    assert len(following.lists()) == 1


@origin(61, "reflector_test :: TestReflectorListAndWatchWithErrors", "R9")
@pytest.mark.parametrize("list_errors", [[], [REFUSED, BUSY]], ids=["list", "list fails"])
@pytest.mark.parametrize("watch_errors", [[], [REFUSED, BUSY]], ids=["watch", "watch fails"])
@pytest.mark.parametrize("within", [None, TransportError("cut", sent=True)], ids=["end", "cut"])
async def test_whatever_fails_on_the_way_the_store_equals_the_server_in_the_end(
    following: Following,
    list_errors: list[KubeError],
    watch_errors: list[KubeError],
    within: KubeError | None,
) -> None:
    for error in list_errors:
        following.server.expect(on("GET", PATH), error)
    following.serve_list("5", a=1)
    for error in watch_errors:
        following.server.refuse_stream(on("GET", PATH, watch="true"), error)
    first = following.serve_watch(resourceVersion="5")
    second = following.serve_watch(resourceVersion="6")

    async with following.running():
        first.added(a_body("b", 6))
        first.end() if within is None else first.fail(within)
        second.deleted(a_body("a", 7))
        await following.until(lambda: following.held == {"b": "6"})

    assert len(following.lists()) == len(list_errors) + 1


@origin(62, "reflector_test :: TestReflectorListAndWatchInitConnBackoff", "R9, R12")
async def test_a_refused_connection_is_tried_ever_less_often_at_the_same_version(
    following: Following,
) -> None:
    following.serve_list("5")
    following.server.refuse_stream(on("GET", PATH, watch="true"), REFUSED, times=None)

    async with following.running():
        await following.clock.sleep(600)

    # Waits of 0.8 s to 30 s, each up to doubled, leave room for so many in ten minutes.
    assert 15 <= len(following.watches()) <= 25
    assert {asked(request, "resourceVersion") for request in following.watches()} == {"5"}
    assert len(following.lists()) == 1


@origin(64, "reflector_test :: TestBackoffOnTooManyRequests", "R9, R10")
async def test_a_busy_server_is_given_time_whether_it_says_so_at_once_or_amid_a_watch(
    following: Following,
) -> None:
    following.serve_list("5")
    following.server.refuse_stream(on("GET", PATH, watch="true"), BUSY)
    following.serve_watch(resourceVersion="5").error(429, "TooManyRequests")
    last = following.serve_watch(resourceVersion="5")

    async with following.running():
        await last.opened()

    assert following.reasons() == ["TooManyRequests"] * 2
    assert following.waits()[0] >= 0.8
    assert following.clock.monotonic() >= 0.8 + 1.6


@origin(65, "reflector_test :: TestNoRelistOnTooManyRequests", "R9")
async def test_a_busy_server_is_asked_for_five_watches_and_for_no_second_list(
    following: Following,
) -> None:
    following.serve_list("5")
    following.server.refuse_stream(on("GET", PATH, watch="true"), BUSY, times=4)
    last = following.serve_watch()

    async with following.running():
        await last.opened()

    assert (len(following.lists()), len(following.watches())) == (1, 5)


@origin(66, "reflector_test :: TestRetryInternalError", "R10")
async def test_a_server_that_keeps_failing_inside_is_listed_when_patience_is_at_an_end(
    following: Following,
) -> None:
    """Patience is five tries, which back off for half a minute at most, where client-go has a time."""
    following.serve_list("5")
    for _ in range(5):
        following.serve_watch(resourceVersion="5").error(500, "InternalError")
    following.serve_list("9", a=8)
    last = following.serve_watch(resourceVersion="9")

    async with following.running():
        await last.opened()

    assert following.reasons() == ["InternalError"] * 5
    assert following.held == {"a": "8"}


@origin(68, "reflector_test :: TestReflectorWatchListPageSize", "R3")
async def test_a_list_is_asked_for_in_pages_until_the_last_and_is_taken_as_a_whole(
    following: Following,
) -> None:
    for number, (token, more) in enumerate((("", "two"), ("two", "three"), ("three", ""))):
        page = a_list("Secret", [a_body(f"s{number}", 1)], "5", continue_token=more)
        query = {"continue": token} if token else {}
        following.server.expect(on("GET", PATH, limit="500", **query), an_answer(page))
    last = following.serve_watch(resourceVersion="5")

    async with following.running():
        await last.opened()

    assert following.held == {"s0": "1", "s1": "1", "s2": "1"}
    assert [asked(request, "continue") for request in following.lists()] == [None, "two", "three"]


@origin(72, "reflector_test :: TestReflectorExpiredExactResourceVersion", "R3")
async def test_after_an_expired_version_the_newest_state_is_asked_for(
    following: Following,
) -> None:
    following.serve_list("5", a=1)
    following.server.refuse_stream(on("GET", PATH, watch="true"), EXPIRED)
    following.serve_list("20", b=18)
    last = following.serve_watch(resourceVersion="20")

    async with following.running():
        await last.opened()

    assert [asked(request, "resourceVersion") for request in following.lists()] == [None, None]
    assert following.held == {"b": "18"}


@origin(73, "reflector_test :: TestReflectorFullListIfExpired", "R4")
async def test_a_list_that_expires_between_two_pages_is_asked_for_whole(
    following: Following,
) -> None:
    page = a_list("Secret", [a_body("half", 1)], "5", continue_token="old")
    following.server.expect(on("GET", PATH, limit="500"), an_answer(page))
    following.server.expect(on("GET", PATH, **{"continue": "old"}), a_refusal(EXPIRED))
    following.serve_list("9", a=8)
    last = following.serve_watch(resourceVersion="9")

    async with following.running():
        await last.opened()

    whole = following.lists()[2]
    assert asked(whole, "limit") is asked(whole, "continue") is None
    assert asked(whole, "resourceVersion") is None
    assert following.held == {"a": "8"}


@origin(74, "reflector_test :: TestReflectorFullListIfTooLarge", "R4, R5")
@pytest.mark.parametrize(
    "status",
    [
        a_status(504, "Timeout", "Too large resource version: 20, current: 10"),
        a_status(504, "Timeout", "try later", details={"causes": [TOO_LARGE]}),
        a_status(504, "Timeout", details={"causes": [TOO_LARGE], "retryAfterSeconds": 1}),
    ],
    ids=["message", "cause", "cause and time"],
)
async def test_a_server_that_lags_behind_is_asked_again_and_never_for_an_older_state(
    following: Following, status: dict[str, Any]
) -> None:
    following.server.expect(on("GET", PATH), an_answer(status, status=504))
    following.serve_list("20", a=18)
    following.serve_watch(resourceVersion="20").event("ERROR", status)
    last = following.serve_watch(resourceVersion="20")

    async with following.running():
        await last.opened()

    assert [asked(request, "resourceVersion") for request in following.lists()] == [None, None]
    assert following.held == {"a": "18"}
    assert following.clock.monotonic() < 10


@origin(75, "reflector_test :: TestWatchTimeout", "R7")
async def test_the_server_ends_each_watch_at_another_time_between_four_and_five_minutes(
    following: Following,
) -> None:
    following.serve_list("5")
    for version in range(6, 36):
        watch = following.serve_watch()
        watch.bookmark(str(version))
        watch.end()
    last = following.serve_watch(resourceVersion="35")

    async with following.running():
        await last.opened()

    seconds = {int(asked(request, "timeoutSeconds") or 0) for request in following.watches()}
    assert 240 <= min(seconds) < max(seconds) <= 300
    assert len(seconds) > 10


@origin(76, "reflector_test :: TestReflectorResourceVersionUpdate", "R8")
@pytest.mark.parametrize(
    "send",
    [
        lambda watch: watch.added(a_body("b", 9)),
        lambda watch: watch.modified(a_body("a", 9)),
        lambda watch: watch.deleted(a_body("a", 9)),
        lambda watch: watch.bookmark("9"),
    ],
    ids=["added", "modified", "deleted", "bookmark"],
)
async def test_every_event_and_every_bookmark_moves_the_version(
    following: Following, send: Callable[[FakeStream], None]
) -> None:
    following.serve_list("5", a=1)
    watch = following.serve_watch(resourceVersion="5")
    again = following.serve_watch(resourceVersion="9")

    async with following.running():
        send(watch)
        watch.end()
        await again.opened()

    assert following.version == "9"


@origin(77, "reflector_test :: TestReflectorReplacesStoreOnUnsafeDelete", "R10")
async def test_an_object_that_the_server_cannot_read_any_more_makes_everything_be_listed_at_once(
    following: Following,
) -> None:
    """The deletion of a corrupt object cannot be told as an event (KEP-3926)."""
    following.serve_list("5", a=1, corrupt=2)
    following.serve_watch().error(500, "StorageReadError", "data from the storage is corrupt")
    following.serve_list("9", a=1)
    last = following.serve_watch(resourceVersion="9")

    async with following.running():
        await last.opened()

    assert following.held == {"a": "1"}
    assert following.reasons() == ["StorageReadError"]


@origin(78, "reflector_test :: TestReflectorWatchHandler", "R8, R15")
async def test_events_add_change_and_remove_and_one_of_an_unknown_type_does_nothing(
    following: Following,
) -> None:
    following.serve_list("5", changed=1, gone=2)
    watch = following.serve_watch(resourceVersion="5")
    again = following.serve_watch(resourceVersion="32")

    async with following.running():
        watch.added(a_body("new", 7))
        watch.event("RENAMED", a_body("strange", 9))
        watch.modified(a_body("changed", 8))
        watch.deleted(a_body("gone", 32))
        watch.end()
        await again.opened()

    assert following.held == {"changed": "8", "new": "7"}
    assert following.told[2:] == ["+new", "~changed", "-gone"]
    assert following.version == "32"


@origin(79, "reflector_test :: TestCloseWatchChannelOnError", "")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda watch: watch.error(410, "Expired"),
        lambda watch: watch.error(500, "InternalError"),
        lambda watch: watch.error(429, "TooManyRequests"),
        lambda watch: watch.feed(b"not json\n"),
        lambda watch: watch.cut(),
        lambda _silent: None,
    ],
    ids=["expired", "failed", "busy", "nonsense", "cut", "silent"],
)
async def test_however_a_watch_fails_its_stream_is_closed_before_the_next_request(
    following: Following, spoil: Callable[[FakeStream], None]
) -> None:
    following.serve_list("5")
    following.serve_list("6")
    watch = following.serve_watch()
    again = following.serve_watch()

    async with following.running():
        await watch.opened()
        spoil(watch)
        await following.until(lambda: bool(following.interruptions))
        closed = not watch.is_open
        await again.opened()

    assert closed
    assert not again.is_open


@origin(80, "reflector_test :: TestReflectorHandleWatchStoppedBefore / After", "")
@pytest.mark.parametrize("events", [0, 1000], ids=["idle", "busy"])
async def test_cancelling_ends_a_watch_whether_it_waits_or_works(
    following: Following, events: int
) -> None:
    following.serve_list("5")
    watch = following.serve_watch()
    for version in range(6, 6 + events):
        watch.added(a_body(f"s{version}", version))

    async with following.running():
        await watch.opened()
        await following.until(lambda: len(following.held) >= min(events, 1))

    assert not watch.is_open
    assert len(following.held) < 1000


@origin(81, "reflector_test :: TestReflectorRespectStoreTransformer", "I9")
@pytest.mark.parametrize("stream", [False, True], ids=["list", "WatchList"])
async def test_what_the_store_leaves_out_is_left_out_of_lists_and_of_events(
    clock: VirtualClock, *, stream: bool
) -> None:
    following = Following(clock, stream=stream)
    body = a_body("a", 1, managedFields=[{"manager": "kubectl"}])
    following.server.expect(on("GET", PATH), an_answer(a_list("Secret", [body], "5")))
    watch = following.serve_watch()

    async with following.running():
        if stream:
            watch.added(body)
            watch.bookmark("5", initial_events_end=True)
        watch.added(a_body("b", 6, managedFields=[{"manager": "kubectl"}]))
        await following.until(lambda: len(following.held) == 2)

    assert not any(b"managedFields" in obj.raw for obj in following.store.list())


@origin(82, "reflector_test :: TestRunUntil", "R14")
@pytest.mark.parametrize("served", [True, False], ids=["watching", "backing off"])
async def test_a_reflector_ends_by_cancellation_and_leaves_nothing_behind(
    following: Following, *, served: bool
) -> None:
    following.serve_list("5")
    watch = following.serve_watch()
    if not served:
        following.server.refuse_stream(on("GET", PATH), REFUSED, times=None)
        watch.cut()

    async with following.running():
        await following.clock.sleep(100)

    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert not watch.is_open
