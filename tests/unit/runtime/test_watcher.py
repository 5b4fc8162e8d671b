"""What a watcher asks of the API server and when, and the events it makes of the answers."""

import asyncio
import itertools

import pytest

from registry_operator.kube.errors import (
    Forbidden,
    Gone,
    InternalError,
    NotFound,
    TooManyRequests,
    TransportError,
)
from registry_operator.runtime.watcher import (
    Apply,
    Event,
    Init,
    InitDone,
    Interrupted,
    Progressed,
    Selection,
)
from registry_operator.testing.fake_transport import (
    a_list,
    a_refusal,
    an_answer,
    on,
)
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.runtime.secrets_stage import PATH, SECRETS, a_body
from tests.unit.runtime.watcher_stage import Stage, kinds, query

EXPIRED = Gone(410, reason="Expired")
NO_CONNECTION = TransportError("connection refused", sent=False)


@pytest.fixture
def stage(clock: VirtualClock) -> Stage:
    return Stage(clock, Selection(SECRETS), stream=False)


async def test_a_list_is_followed_by_a_watch_from_its_version(stage: Stage) -> None:
    stage.serve_list("5", "a", "b")
    watch = stage.serve_watch(resourceVersion="5", allowWatchBookmarks="true")

    async with stage.running():
        await watch.opened()
        watch.added(a_body("c", 6))
        watch.deleted(a_body("a", 7))
        watch.bookmark("9")
        await stage.until(lambda: bool(stage.heard(Progressed)))

    assert kinds(stage.told) == [
        *("Init", "InitApply", "InitApply", "InitDone"),
        *("Following", "Apply", "Delete", "Progressed"),
    ]
    assert stage.told[3] == InitDone("5")


async def test_pages_are_asked_for_until_the_last_and_only_their_whole_is_done(
    stage: Stage,
) -> None:
    first = a_list("Secret", [a_body("a", 1)], "5", continue_token="more")
    stage.transport.expect(on("GET", PATH, limit="500"), an_answer(first))
    second = a_list("Secret", [a_body("b", 2)], "5")
    stage.transport.expect(on("GET", PATH, **{"continue": "more"}), an_answer(second))

    await stage.watcher.step(stage.hear)

    assert kinds(stage.told) == ["Init", "InitApply", "InitApply", "InitDone"]


async def test_the_selection_is_asked_of_the_server(clock: VirtualClock) -> None:
    selection = Selection(
        SECRETS, "n", label_selector="app=x", field_selector="type=Opaque", metadata_only=True
    )
    stage = Stage(clock, selection, stream=False)
    path = "/api/v1/namespaces/n/secrets"
    stage.transport.expect(on("GET", path), an_answer(a_list("Secret", [], "5")))
    watch = stage.transport.expect_stream(on("GET", path))

    async with stage.running():
        await watch.opened()

    for request in stage.transport.requests:
        assert query(request, "labelSelector") == "app=x"
        assert query(request, "fieldSelector") == "type=Opaque"
        assert "PartialObjectMetadata" in request.accept


async def test_a_closed_watch_goes_on_from_the_last_version_without_a_list(stage: Stage) -> None:
    stage.serve_list("5")
    first = stage.serve_watch(resourceVersion="5")
    second = stage.serve_watch(resourceVersion="8")
    third = stage.serve_watch(resourceVersion="11")

    async with stage.running():
        first.modified(a_body("a", 8))
        first.end()
        await second.opened()
        second.bookmark("11")
        second.end()
        await third.opened()

    assert stage.interruptions() == [("watch", "Closed"), ("watch", "Closed")]
    assert len(stage.heard(Init)) == 1


async def test_a_deletion_moves_the_version_too(stage: Stage) -> None:
    stage.serve_list("5", "a")
    first = stage.serve_watch()
    second = stage.serve_watch(resourceVersion="9")

    async with stage.running():
        first.deleted(a_body("a", 9))
        first.end()
        await second.opened()


@pytest.mark.parametrize("in_stream", [True, False])
async def test_an_expired_version_is_answered_by_a_list(stage: Stage, *, in_stream: bool) -> None:
    stage.serve_list("5", "a")
    if in_stream:
        watch = stage.serve_watch(resourceVersion="5")
        watch.error(410, "Expired", "too old resource version")
    else:
        stage.transport.refuse_stream(on("GET", PATH, resourceVersion="5"), EXPIRED)
    stage.serve_list("20", "a")
    again = stage.serve_watch(resourceVersion="20")

    async with stage.running():
        await again.opened()

    assert stage.interruptions() == [("watch", "Expired")]
    assert len(stage.heard(InitDone)) == 2


@pytest.mark.parametrize(
    "error",
    [TooManyRequests(429, reason="TooManyRequests"), NO_CONNECTION, Forbidden(403)],
    ids=["429", "no connection", "403"],
)
async def test_a_refused_watch_is_asked_again_without_a_list(
    stage: Stage, error: TransportError
) -> None:
    stage.serve_list("5")
    stage.transport.refuse_stream(on("GET", PATH, watch="true"), error, times=8)
    watch = stage.serve_watch(resourceVersion="5")

    async with stage.running():
        await watch.opened()

    assert len(stage.heard(Init)) == 1
    assert len(stage.interruptions()) == 8


async def test_a_server_that_keeps_failing_inside_is_listed_after_five_times(stage: Stage) -> None:
    stage.serve_list("5")
    stage.transport.refuse_stream(on("GET", PATH, watch="true"), InternalError(500), times=5)
    stage.serve_list("6")
    watch = stage.serve_watch(resourceVersion="6")

    async with stage.running():
        await watch.opened()

    assert len(stage.heard(InitDone)) == 2


async def test_waits_double_up_to_half_a_minute_and_a_jitter(stage: Stage) -> None:
    stage.transport.expect(on("GET", PATH), NO_CONNECTION, times=9)
    stage.serve_list("5")

    for _ in range(9):
        await stage.watcher.step(stage.hear)

    delays = [event.delay for event in stage.told if isinstance(event, Interrupted)]
    for nth, delay in enumerate(delays):
        base = min(30.0, 0.8 * 2**nth)
        assert base <= delay <= 2 * base
    assert stage.clock.monotonic() == pytest.approx(sum(delays))


async def test_the_server_may_ask_for_more_patience_than_ours(stage: Stage) -> None:
    stage.transport.expect(on("GET", PATH), a_refusal(TooManyRequests(429, retry_after=45.0)))

    await stage.watcher.step(stage.hear)

    assert stage.clock.monotonic() >= 45.0


@pytest.mark.parametrize("error", [NotFound(404), Forbidden(403)])
async def test_a_kind_we_may_not_have_is_asked_for_every_quarter_to_half_minute(
    stage: Stage, error: NotFound
) -> None:
    stage.transport.expect(on("GET", PATH), a_refusal(error), times=None)

    for _ in range(40):
        await stage.watcher.step(stage.hear)

    delays = [event.delay for event in stage.told if isinstance(event, Interrupted)]
    assert all(15.0 <= delay <= 30.0 for delay in delays[5:])
    assert delays[0] <= 2.0


async def test_a_watch_that_ends_at_once_and_without_a_word_is_not_repeated_at_once(
    stage: Stage,
) -> None:
    stage.serve_list("5")
    stage.serve_watch().end()
    again = stage.serve_watch(resourceVersion="5")

    async with stage.running():
        await again.opened()

    assert stage.interruptions() == [("watch", "EndedEarly")]
    assert stage.clock.monotonic() >= 0.8


async def test_a_silent_connection_is_given_up_and_the_watch_goes_on(stage: Stage) -> None:
    stage.serve_list("5")
    dead = stage.serve_watch(resourceVersion="5")
    again = stage.serve_watch(resourceVersion="5")

    async with stage.running():
        await again.opened()

    assert stage.interruptions() == [("watch", "Timeout")]
    assert 150 <= stage.clock.monotonic() <= 155
    assert not dead.is_open


async def test_a_connection_that_is_cut_goes_on_where_it_was(stage: Stage) -> None:
    stage.serve_list("5")
    watch = stage.serve_watch()
    again = stage.serve_watch(resourceVersion="7")

    async with stage.running():
        watch.added(a_body("a", 7))
        watch.feed(b'{"type":"ADDED","obj')
        watch.cut()
        await again.opened()

    assert stage.interruptions() == [("watch", "ConnectionFailed")]


async def test_every_end_closes_its_stream(stage: Stage) -> None:
    stage.serve_list("5")
    broken = stage.serve_watch()
    cancelled = stage.serve_watch()

    async with stage.running():
        broken.feed(b"not json\n")
        await cancelled.opened()
        open_meanwhile = (broken.is_open, cancelled.is_open)

    assert open_meanwhile == (False, True)
    assert not cancelled.is_open
    assert stage.interruptions() == [("watch", "NotUnderstood")]


async def test_the_server_is_told_to_end_each_watch_at_another_time(stage: Stage) -> None:
    stage.serve_list("5")
    watches = [stage.serve_watch() for _ in range(20)]
    for watch in watches:
        watch.bookmark("5")
        watch.end()
    last = stage.serve_watch()

    async with stage.running():
        await last.opened()

    asked = {int(query(await watch.opened(), "timeoutSeconds") or 0) for watch in watches}
    assert len(asked) > 10
    assert min(asked) >= 240
    assert max(asked) <= 300


async def test_unknown_events_are_passed_over(stage: Stage) -> None:
    stage.serve_list("5")
    watch = stage.serve_watch()

    async with stage.running():
        watch.event("RENAMED", a_body("a", 6))
        watch.added(a_body("b", 7))
        await stage.until(lambda: bool(stage.heard(Apply)))

    assert stage.interruptions() == []


async def test_a_continue_token_that_expired_is_answered_by_one_list_in_one_page(
    stage: Stage,
) -> None:
    page = a_list("Secret", [a_body("a", 1)], "5", continue_token="old")
    stage.transport.expect(on("GET", PATH, limit="500"), an_answer(page))
    stage.transport.expect(on("GET", PATH, **{"continue": "old"}), a_refusal(EXPIRED))
    stage.serve_list("9", "a", "b")

    await stage.watcher.step(stage.hear)
    await stage.watcher.step(stage.hear)

    assert query(stage.transport.requests[2], "limit") is None
    assert kinds(stage.told)[-4:] == ["Init", "InitApply", "InitApply", "InitDone"]


async def test_a_list_without_a_version_is_a_failure_not_a_loop(stage: Stage) -> None:
    stage.serve_list("", "a")

    await stage.watcher.step(stage.hear)

    assert stage.interruptions() == [("list", "NotUnderstood")]
    assert stage.clock.monotonic() > 0


async def test_others_get_their_turn_while_a_long_list_and_a_long_burst_come_in(
    stage: Stage,
) -> None:
    stage.serve_list("5", *[f"s{n}" for n in range(1000)])
    watch = stage.serve_watch()
    turns: list[int] = []

    async def other() -> None:
        while True:
            turns.append(len(stage.told))
            await asyncio.sleep(0)

    async with stage.running():
        others = asyncio.create_task(other())
        for version in range(6, 1006):
            watch.added(a_body("a", version))
        while len(stage.heard(Apply)) < 1000:  # noqa: ASYNC110 - the turns of others are the point
            await asyncio.sleep(0)
        others.cancel()

    assert max(b - a for a, b in itertools.pairwise(turns)) <= 101


async def test_what_the_sink_raises_is_not_hidden(stage: Stage) -> None:
    stage.serve_list("5")

    def refuse(event: Event) -> None:
        raise KeyError(type(event).__name__)

    with pytest.raises(KeyError, match="Init"):
        await stage.watcher.run(refuse)


async def test_a_restarted_watcher_begins_with_a_list(stage: Stage) -> None:
    stage.serve_list("5")
    stage.serve_list("6")
    await stage.watcher.step(stage.hear)

    stage.watcher.restart()
    await stage.watcher.step(stage.hear)

    assert stage.told[-1] == InitDone("6")
