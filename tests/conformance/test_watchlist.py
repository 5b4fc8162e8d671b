"""WatchList (KEP-3157): the initial state comes through the watch itself, then the watch goes on.

After client-go's tools/cache/reflector_watchlist_test.go.
"""

import pytest

from registry_operator.kube.errors import (
    BadRequest,
    Forbidden,
    InternalError,
    Invalid,
    KubeError,
    ServiceUnavailable,
    TooManyRequests,
)
from registry_operator.kube.watch import INITIAL_EVENTS_END
from registry_operator.testing.fake_transport import on
from registry_operator.testing.virtual_loop import VirtualClock
from tests.conformance.following import Following, asked
from tests.conformance.origin import origin
from tests.unit.runtime.secrets_stage import PATH, a_body


@pytest.fixture
def following(clock: VirtualClock) -> Following:
    return Following(clock, stream=True)


@origin(
    83,
    "reflector_watchlist_test :: TestWatchList/"
    "prove that the reflector is synced after receiving a bookmark event",
    "R1",
)
async def test_the_bookmark_that_ends_the_initial_events_makes_the_store_synced(
    following: Following,
) -> None:
    watch = following.serve_watch_list()

    async with following.running():
        watch.added(a_body("a", 1))
        watch.bookmark("2", initial_events_end=True)
        await following.until(lambda: following.store.synced)

    assert following.held == {"a": "1"}
    assert following.version == "2"


@origin(
    84,
    "reflector_watchlist_test :: TestWatchList/"
    "the reflector won't be synced if the bookmark event has been received",
    "R1",
)
async def test_without_that_bookmark_nothing_is_shown(following: Following) -> None:
    watch = following.serve_watch_list()

    async with following.running():
        watch.added(a_body("a", 1))
        watch.bookmark("2")
        await following.clock.sleep(60)

    assert not following.store.synced
    assert following.held == {}


@origin(
    85,
    "reflector_watchlist_test :: TestWatchList/"
    "prove that the reflector is checking the value of the initialEventsEnd annotation",
    "R1",
)
async def test_a_bookmark_whose_annotation_is_not_true_ends_nothing(following: Following) -> None:
    watch = following.serve_watch_list()
    metadata = {"resourceVersion": "2", "annotations": {INITIAL_EVENTS_END: "false"}}

    async with following.running():
        watch.added(a_body("a", 1))
        watch.event("BOOKMARK", {"metadata": metadata})
        await following.clock.sleep(60)

    assert not following.store.synced


@origin(
    86,
    "reflector_watchlist_test :: TestWatchList/"
    "check if Updates and Deletes events are propagated during streaming",
    "R1",
)
async def test_changes_amid_the_initial_events_are_folded_into_one_picture(
    following: Following,
) -> None:
    watch = following.serve_watch_list()

    async with following.running():
        for body in (a_body("a", 1), a_body("b", 2), a_body("c", 3)):
            watch.added(body)
        watch.modified(a_body("b", 4))
        watch.deleted(a_body("a", 5))
        watch.bookmark("6", initial_events_end=True)
        await following.until(lambda: following.store.synced)

    assert following.held == {"b": "4", "c": "3"}
    assert following.told == ["+b", "+c"]


@origin(
    87,
    "reflector_watchlist_test :: TestWatchList/"
    "check if stopping a watcher before sync results in creating a new watch-list request",
    "R2",
)
async def test_a_stream_that_ends_before_its_bookmark_begins_anew_with_nothing(
    following: Following,
) -> None:
    early = following.serve_watch_list()
    again = following.serve_watch_list()

    async with following.running():
        early.added(a_body("a", 1))
        early.end()
        again.added(a_body("b", 2))
        again.bookmark("3", initial_events_end=True)
        await following.until(lambda: following.store.synced)

    assert following.held == {"b": "2"}
    assert following.lists() == []
    assert following.reasons() == ["EndedEarly"]
    assert following.clock.monotonic() >= 0.8


@origin(
    88,
    "reflector_watchlist_test :: TestWatchList/"
    "stopping a watcher after synchronization results in creating a new watch request",
    "R11",
)
async def test_a_stream_that_ends_after_its_bookmark_goes_on_as_a_plain_watch(
    following: Following,
) -> None:
    watch = following.serve_watch_list()
    again = following.serve_watch(resourceVersion="4")

    async with following.running():
        watch.bookmark("2", initial_events_end=True)
        watch.added(a_body("a", 4))
        watch.end()
        request = await again.opened()

    assert asked(request, "sendInitialEvents") is None
    assert asked(request, "resourceVersionMatch") is None
    assert following.reasons() == ["Closed"]


@origin(
    89,
    "reflector_watchlist_test :: TestWatchList/checks if the reflector retries 429",
    "R2",
)
async def test_a_busy_server_is_asked_for_the_same_stream_again(following: Following) -> None:
    busy = TooManyRequests(429, reason="TooManyRequests")
    following.server.refuse_stream(on("GET", PATH, sendInitialEvents="true"), busy, times=3)
    watch = following.serve_watch_list()

    async with following.running():
        await watch.opened()

    assert following.lists() == []
    assert following.clock.monotonic() >= 0.8 + 1.6 + 3.2


@origin(
    90,
    "reflector_watchlist_test :: TestWatchList/"
    "fall back to old LIST/WATCH semantics when a server doesn't support streaming",
    "R2",
)
@origin(
    91,
    "reflector_watchlist_test :: TestWatchList/"
    "returning any other error than apierrors.NewInvalid forces fallback",
    "R2",
)
@pytest.mark.parametrize(
    "error",
    [
        Invalid(422, reason="Invalid"),
        BadRequest(400),
        Forbidden(403),
        InternalError(500),
        ServiceUnavailable(503),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_server_that_refuses_to_stream_is_asked_for_pages_at_once(
    following: Following, error: KubeError
) -> None:
    following.server.refuse_stream(on("GET", PATH, sendInitialEvents="true"), error)
    following.serve_list("5", a=1)
    watch = following.serve_watch(resourceVersion="5")

    async with following.running():
        await watch.opened()

    assert following.held == {"a": "1"}
    assert following.clock.monotonic() == 0


@origin(
    92,
    "reflector_watchlist_test :: TestWatchList/"
    "expiring an established watcher results in returning an error from the reflector",
    "R10",
)
async def test_a_stream_that_expires_after_its_bookmark_is_followed_by_a_new_picture(
    following: Following,
) -> None:
    watch = following.serve_watch_list()
    again = following.serve_watch_list()

    async with following.running():
        watch.added(a_body("a", 1))
        watch.bookmark("2", initial_events_end=True)
        watch.error(410, "Expired")
        again.added(a_body("b", 8))
        again.bookmark("9", initial_events_end=True)
        await following.until(lambda: following.held == {"b": "8"})

    assert following.told == ["+a", "-a", "+b"]
    assert following.reasons() == ["Expired"]


@origin(93, "reflector_watchlist_test :: TestWatchListResourceVersion", "R1")
async def test_a_stream_of_initial_events_is_never_older_than_now(following: Following) -> None:
    """The newest state is asked for each time, the first time and when the known version is void."""
    watch = following.serve_watch_list()
    again = following.serve_watch_list()

    async with following.running():
        watch.bookmark("2", initial_events_end=True)
        watch.error(410, "Expired")
        await again.opened()

    for request in following.watches():
        assert asked(request, "resourceVersion") == ""
        assert asked(request, "resourceVersionMatch") == "NotOlderThan"
        assert asked(request, "allowWatchBookmarks") == "true"
