"""A store kept true to a scripted server: gaps, failures, a kind that goes and comes back."""

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from registry_operator.kube.client import Client
from registry_operator.kube.errors import Forbidden, Gone, NotFound, TransportError
from registry_operator.kube.exchange import Request, Response
from registry_operator.runtime.reflector import Reflector
from registry_operator.runtime.store import Applied, Change, Failure, Removed, Store
from registry_operator.runtime.watcher import (
    Apply,
    Init,
    InitApply,
    InitDone,
    Selection,
    Watcher,
)
from registry_operator.testing.fake_transport import (
    FakeStream,
    FakeTransport,
    a_list,
    a_refusal,
    an_answer,
    on,
)
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.runtime.secrets_stage import PATH, SECRETS, a_body, a_secret, key

NOT_SERVED = a_refusal(NotFound(404, reason="NotFound", message="no such resource"))
FORBIDDEN = a_refusal(
    Forbidden(
        403,
        reason="Forbidden",
        message='secrets is forbidden: User "x" cannot list resource "secrets" in API group ""',
    )
)


class Stage:
    def __init__(self, clock: VirtualClock, namespace: str | None = None) -> None:
        self.transport = FakeTransport()
        self.store = Store(SECRETS)
        self.path = f"/api/v1/namespaces/{namespace}/secrets" if namespace else PATH
        self.seen: list[str | None] = []
        self.heard: list[Change] = []
        self._news = asyncio.Event()
        selection = Selection(SECRETS, namespace)
        rng = random.Random(7)
        self.reflector = Reflector(
            Watcher(Client(self.transport), selection, clock=clock, rng=rng),
            self.store,
            clock=clock,
            rng=rng,
            observer=self._observe,
        )
        self.store.subscribe(self._hear)

    def _observe(self, reason: str | None) -> None:
        self.seen.append(reason)
        self._news.set()

    def _hear(self, change: Change) -> None:
        self.heard.append(change)
        self._news.set()

    async def news(self) -> None:
        """Wait for the next change or the next step of the reflector."""
        self._news.clear()
        await self._news.wait()

    def serve_list(self, version: str, **versions: int) -> None:
        bodies = [a_body(name, number) for name, number in versions.items()]
        self.transport.expect(on("GET", self.path), an_answer(a_list("Secret", bodies, version)))

    def serve_watch(self, **query: str) -> FakeStream:
        return self.transport.expect_stream(on("GET", self.path, watch="true", **query))

    def held(self) -> dict[str, str]:
        return {obj.name: obj.resource_version for obj in self.store.list()}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.reflector.run())
        try:
            yield
        finally:
            task.cancel()
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            assert isinstance(outcome, asyncio.CancelledError), outcome


@pytest.fixture
def stage(clock: VirtualClock) -> Stage:
    return Stage(clock)


async def test_the_store_equals_the_server_after_list_and_events(stage: Stage) -> None:
    stage.serve_list("5", a=1, b=2)
    watch = stage.serve_watch()

    async with stage.running():
        await watch.opened()
        watch.added(a_body("c", 6))
        watch.modified(a_body("a", 7))
        watch.deleted(a_body("b", 8))
        watch.bookmark("12")
        watch.added(a_body("d", 13))
        while "d" not in stage.held():
            await stage.news()

    assert stage.held() == {"c": "6", "a": "7", "d": "13"}
    stats = stage.reflector.stats()
    assert (stats.lists, stats.watches, stats.resource_version) == (1, 1, "13")
    assert stats.sync_seconds == 0.0


async def test_a_gap_is_told_as_removal_change_and_recreation(stage: Stage) -> None:
    stage.serve_list("5", gone=1, changed=2, same=3)
    stage.serve_watch().error(410, "Expired")
    bodies = [a_body("changed", 7), a_body("same", 3), a_body("new", 8)]
    stage.transport.expect(on("GET", PATH), an_answer(a_list("Secret", bodies, "9")))
    watch = stage.serve_watch(resourceVersion="9")
    before = a_secret("same", 3)

    async with stage.running():
        await stage.news()
        kept = stage.store.get(key("same"))
        stage.heard.clear()
        await watch.opened()

    assert [type(change) for change in stage.heard] == [Removed, Applied, Applied]
    assert stage.store.get(key("same")) is kept  # the unchanged object is not held twice
    assert kept == before
    assert stage.reflector.stats().restarts == {"Expired": 1}


async def test_an_unchanged_object_is_not_held_twice_while_a_picture_is_gathered(
    stage: Stage,
) -> None:
    for event in (Init(), InitApply(a_secret("a", 1)), InitDone("5"), Init()):
        stage.reflector.take(event)
    unchanged, changed = a_secret("a", 1), a_secret("b", 6)

    stage.reflector.take(InitApply(unchanged))
    stage.reflector.take(InitApply(changed))

    assert (sys.getrefcount(unchanged), sys.getrefcount(changed)) == (2, 3)


async def test_the_picture_of_a_failed_list_never_reaches_the_store(stage: Stage) -> None:
    page = a_list("Secret", [a_body("half", 1)], "5", continue_token="more")
    stage.transport.expect(on("GET", PATH), an_answer(page))
    stage.transport.expect(
        on("GET", PATH, **{"continue": "more"}), TransportError("cut", sent=True)
    )
    stage.serve_list("9", whole=8)
    watch = stage.serve_watch()

    async with stage.running():
        await watch.opened()

    assert stage.held() == {"whole": "8"}
    assert stage.seen == ["ConnectionFailed", None]


async def test_a_missing_right_is_readable_with_verb_and_resource_until_it_is_granted(
    clock: VirtualClock,
) -> None:
    stage = Stage(clock, namespace="n")
    stage.transport.expect(on("GET", stage.path), FORBIDDEN, times=3)
    stage.serve_list("5")
    watch = stage.serve_watch()

    async with stage.running():
        await stage.news()
        error = stage.store.stats().error
        await watch.opened()

    assert error is not None
    assert error.reason == "Forbidden"
    assert error.message.startswith('the right to "list" secrets in namespace n is missing')
    assert stage.store.stats().error is None
    assert stage.store.available


async def test_a_right_to_list_but_not_to_watch_is_told_and_does_not_list_in_a_loop(
    stage: Stage,
) -> None:
    stage.serve_list("5", a=1)
    stage.transport.refuse_stream(on("GET", PATH, watch="true"), Forbidden(403), times=20)
    watch = stage.serve_watch(resourceVersion="5")

    async with stage.running():
        while stage.seen.count("Forbidden") < 20:
            await stage.news()
        error = stage.store.stats().error
        await watch.opened()

    assert error is not None
    assert '"watch" secrets in all namespaces' in error.message
    assert stage.reflector.stats().lists == 1


async def test_a_kind_that_is_taken_away_under_a_watch_and_comes_back_heals(stage: Stage) -> None:
    stage.serve_list("5", a=1, b=2)
    watch = stage.serve_watch()
    stage.transport.refuse_stream(on("GET", PATH, resourceVersion="7"), NotFound(404))
    stage.transport.expect(on("GET", PATH), NOT_SERVED, times=10)
    stage.serve_list("30", a=29)
    again = stage.serve_watch(resourceVersion="30")
    flips: list[bool] = []
    stage.store.on_availability(flips.append)

    async with stage.running():
        await watch.opened()
        watch.deleted(a_body("a", 6))
        watch.deleted(a_body("b", 7))
        watch.end()
        while stage.store.stats().available:
            await stage.news()
        error = stage.store.stats().error
        await again.opened()

    assert error is not None
    assert error.reason == "NotFound"
    assert flips == [False, True]
    assert stage.held() == {"a": "29"}
    assert stage.reflector.stats().restarts == {"Closed": 1, "NotFound": 11}


async def test_a_kind_that_was_never_served_is_unavailable_not_synced(stage: Stage) -> None:
    stage.transport.expect(on("GET", PATH), NOT_SERVED, times=None)

    async with stage.running():
        await stage.news()

    assert not stage.store.available
    assert not stage.store.synced


async def test_a_failure_is_logged_when_it_begins_and_when_it_ends_not_each_time(
    stage: Stage,
) -> None:
    stage.transport.expect(on("GET", PATH), TransportError("refused", sent=False), times=6)
    stage.serve_list("5")
    watch = stage.serve_watch()

    with capture_logs() as logs:
        async with stage.running():
            await watch.opened()

    told = [(entry["event"], entry["log_level"]) for entry in logs if entry["log_level"] != "debug"]
    assert told == [("not following", "warning"), ("following again", "info")]


async def test_a_fault_of_our_own_is_told_and_everything_begins_anew(stage: Stage) -> None:
    def answer_once_wrongly(_request: Request) -> Response:
        raise ZeroDivisionError("a fault that no server can cause")

    stage.transport.expect(on("GET", PATH), answer_once_wrongly)
    stage.serve_list("9", a=1)
    watch = stage.serve_watch(resourceVersion="9")

    async with stage.running():
        with capture_logs() as logs:
            await stage.news()
            error = stage.store.stats().error
            await watch.opened()

    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == [
        "reflector failed"
    ]
    assert error is not None
    assert error.reason == "InternalError"
    assert stage.held() == {"a": "1"}


async def test_a_thousand_restarts_leave_no_task_and_no_stream_behind(stage: Stage) -> None:
    stage.serve_list("5")
    watches = [stage.serve_watch() for _ in range(1000)]
    for watch in watches:
        watch.bookmark("6")
        watch.end()
    last = stage.serve_watch()

    async with stage.running():
        await last.opened()
        tasks = len(asyncio.all_tasks())

    assert tasks == 2
    assert not any(watch.is_open for watch in [*watches, last])
    assert stage.reflector.stats().restarts == {"Closed": 1000}


async def test_an_event_age_grows_while_nothing_comes(stage: Stage, clock: VirtualClock) -> None:
    assert stage.reflector.stats().last_event_age is None
    stage.serve_list("5")
    watch = stage.serve_watch()

    async with stage.running():
        await watch.opened()
        await clock.sleep(50)
        age = stage.reflector.stats().last_event_age
        stage.reflector.take(Apply(a_secret("a", 6)))

    assert age == pytest.approx(50)
    assert stage.reflector.stats().last_event_age == 0


async def test_tries_that_nobody_answers_are_no_events(stage: Stage, clock: VirtualClock) -> None:
    stage.transport.expect(on("GET", PATH), TransportError("down", sent=False), times=None)

    async with stage.running():
        await clock.sleep(50)

    assert stage.reflector.stats().restarts["ConnectionFailed"] > 1
    assert stage.reflector.stats().last_event_age is None


async def test_gone_without_a_list_keeps_what_is_there_readable(stage: Stage) -> None:
    stage.serve_list("5", a=1)
    stage.transport.refuse_stream(on("GET", PATH, watch="true"), Gone(410, reason="Expired"))
    stage.transport.expect(on("GET", PATH), TransportError("down", sent=False), times=None)

    async with stage.running():
        while "ConnectionFailed" not in stage.seen:
            await stage.news()

    assert stage.held() == {"a": "1"}
    assert stage.store.synced
    assert stage.store.stats().error == Failure("ConnectionFailed", "down")
