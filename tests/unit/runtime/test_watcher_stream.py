"""WatchList (KEP-3157): the picture comes through the watch itself."""

import pytest

from registry_operator.kube.errors import Invalid, TooManyRequests
from registry_operator.runtime.watcher import Delete, Following, InitApply, InitDone, Selection
from registry_operator.testing.fake_transport import on
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.runtime.secrets_stage import PATH, SECRETS, a_body
from tests.unit.runtime.watcher_stage import Stage, kinds, query


@pytest.fixture
def stage(clock: VirtualClock) -> Stage:
    return Stage(clock, Selection(SECRETS), stream=True)


async def test_a_watch_list_is_complete_at_the_bookmark_that_says_so_and_goes_on(
    stage: Stage,
) -> None:
    watch = stage.serve_watch(sendInitialEvents="true", resourceVersionMatch="NotOlderThan")
    again = stage.serve_watch(resourceVersion="9")

    async with stage.running():
        watch.added(a_body("a", 3))
        watch.added(a_body("b", 1))
        watch.bookmark("4")
        watch.deleted(a_body("a", 5))
        watch.bookmark("6", initial_events_end=True)
        watch.modified(a_body("b", 9))
        watch.end()
        await again.opened()

    assert kinds(stage.told) == [
        *("Init", "InitApply", "InitApply", "Delete", "InitDone"),
        *("Following", "Apply", "Interrupted", "Following"),
    ]
    assert stage.heard(InitDone) == [InitDone("6")]
    assert query(again.request or stage.transport.requests[-1], "sendInitialEvents") is None


async def test_a_watch_list_that_ends_early_begins_anew(stage: Stage) -> None:
    early = stage.serve_watch(sendInitialEvents="true")
    again = stage.serve_watch(sendInitialEvents="true")

    async with stage.running():
        early.added(a_body("a", 3))
        early.end()
        await again.opened()

    assert kinds(stage.told) == ["Init", "InitApply", "Interrupted", "Init"]
    assert stage.interruptions() == [("list", "EndedEarly")]


async def test_a_watch_list_is_tried_again_on_429_and_when_it_expires(stage: Stage) -> None:
    stage.transport.refuse_stream(on("GET", PATH, sendInitialEvents="true"), TooManyRequests(429))
    expired = stage.serve_watch(sendInitialEvents="true")
    expired.error(410, "Expired")
    again = stage.serve_watch(sendInitialEvents="true")

    async with stage.running():
        await again.opened()

    assert [reason for _, reason in stage.interruptions()] == ["TooManyRequests", "Expired"]


async def test_a_server_that_knows_no_watch_list_is_asked_for_pages_at_once(
    stage: Stage,
) -> None:
    stage.transport.refuse_stream(
        on("GET", PATH, sendInitialEvents="true"), Invalid(422, reason="Invalid")
    )
    stage.serve_list("5", "a")
    watch = stage.serve_watch(resourceVersion="5")

    async with stage.running():
        await watch.opened()

    assert stage.interruptions() == [("list", "Invalid")]
    assert stage.clock.monotonic() == 0


async def test_a_watch_list_that_fails_after_its_picture_goes_on_as_a_watch(
    stage: Stage,
) -> None:
    watch = stage.serve_watch(sendInitialEvents="true")
    again = stage.serve_watch(resourceVersion="6")

    async with stage.running():
        watch.bookmark("6", initial_events_end=True)
        watch.cut()
        await again.opened()

    assert stage.interruptions() == [("watch", "ConnectionFailed")]
    assert stage.heard(InitApply) == stage.heard(Delete) == []
    assert len(stage.heard(Following)) == 2
