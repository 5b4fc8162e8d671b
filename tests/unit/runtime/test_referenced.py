"""Objects that somebody refers to are read and followed; others are not even asked for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry

from registry_operator.kube.client import Client
from registry_operator.kube.errors import Forbidden, NotFound, TransportError
from registry_operator.kube.exchange import Request, Response
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.change import Applied, Change, Removed
from registry_operator.runtime.metrics import Metrics
from registry_operator.runtime.referenced import Referenced
from registry_operator.runtime.store import Store
from registry_operator.testing.fake_transport import FakeTransport, a_refusal, an_answer, on
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.runtime.secrets_stage import SECRETS, a_body, a_secret, key

A = "/api/v1/namespaces/n/secrets/a"
ABSENT = a_refusal(NotFound(404, reason="NotFound"))


class Stage:
    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.transport = FakeTransport()
        self.store = Store(SECRETS)
        self.writer = self.store.writer()
        self.heard: list[Change] = []
        self.failed: list[ObjectKey] = []
        self.referenced = Referenced(Client(self.transport), self.store, clock=clock)
        self.referenced.subscribe(self.heard.append)
        self.referenced.on_failure(self.failed.append)

    def serve(self, version: int, *, data: str = "x") -> None:
        body = a_body("a", version) | {"data": {"key": data}}
        self.transport.expect(on("GET", A), an_answer(body))

    def held(self) -> str | None:
        obj = self.referenced.get(key("a"))
        return obj.resource_version if obj else None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.referenced.run())
        try:
            yield
        finally:
            task.cancel()
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            assert isinstance(outcome, asyncio.CancelledError), outcome

    async def settle(self) -> None:
        await self.clock.sleep(0.01)


@pytest.fixture
def stage(clock: VirtualClock) -> Stage:
    return Stage(clock)


async def test_what_is_referred_to_is_read_in_full_and_nothing_else_is_asked_for(
    stage: Stage,
) -> None:
    stage.writer.replace([a_secret("a", 1), a_secret("stranger", 2)], "5")
    stage.serve(1)

    async with stage.running():
        stage.referenced.refer("registry", [key("a")])
        assert not stage.referenced.known(key("a"))
        await stage.settle()

    obj = stage.referenced.get(key("a"))
    assert obj is not None
    assert obj.body()["data"] == {"key": "x"}
    assert stage.heard == [Applied(None, obj)]
    assert [request.path for request in stage.transport.requests] == [A]


async def test_managed_fields_are_not_kept(stage: Stage) -> None:
    stage.writer.replace([a_secret("a", 1)], "5")
    body = a_body("a", 1, managedFields=[{"manager": "somebody"}])
    stage.transport.expect(on("GET", A), an_answer(body))

    async with stage.running():
        stage.referenced.refer("registry", [key("a")])
        await stage.settle()

    obj = stage.referenced.get(key("a"))
    assert obj is not None
    assert b"managedFields" not in obj.raw


async def test_an_absent_object_is_known_to_be_absent_without_asking(stage: Stage) -> None:
    stage.referenced.refer("registry", [key("a")])
    before = stage.referenced.known(key("a"))

    stage.writer.replace([], "5")

    assert (before, stage.referenced.known(key("a"))) == (False, True)
    assert stage.transport.requests == []


async def test_an_object_that_appears_or_changes_is_read_anew(stage: Stage) -> None:
    stage.writer.replace([], "5")
    stage.referenced.refer("registry", [key("a")])

    async with stage.running():
        stage.serve(6)
        stage.writer.upsert(a_secret("a", 6))
        await stage.settle()
        first = stage.held()
        stage.serve(8)
        stage.writer.upsert(a_secret("a", 8))
        await stage.settle()

    assert (first, stage.held()) == ("6", "8")
    assert len(stage.heard) == 2


async def test_what_was_read_ahead_of_the_watch_is_not_read_again(stage: Stage) -> None:
    stage.writer.replace([a_secret("a", 1)], "5")
    stage.serve(7)

    async with stage.running():
        stage.referenced.refer("registry", [key("a")])
        await stage.settle()
        stage.writer.upsert(a_secret("a", 6))
        stage.writer.upsert(a_secret("a", 7))
        await stage.settle()

    assert len(stage.transport.requests) == 1


async def test_a_change_while_reading_leads_to_one_more_read(stage: Stage) -> None:
    stage.writer.replace([a_secret("a", 1)], "5")

    def change_meanwhile(_request: Request) -> Response:
        stage.writer.upsert(a_secret("a", 8))
        return an_answer(a_body("a", 1))

    stage.transport.expect(on("GET", A), change_meanwhile)
    stage.serve(8)

    async with stage.running():
        stage.referenced.refer("registry", [key("a")])
        await stage.settle()

    assert stage.held() == "8"


async def test_an_object_that_goes_is_told_and_known_to_be_absent(stage: Stage) -> None:
    stage.writer.replace([a_secret("a", 1)], "5")
    stage.serve(1)

    async with stage.running():
        stage.referenced.refer("registry", [key("a")])
        await stage.settle()
        stage.writer.remove(a_secret("a", 6))

    assert isinstance(stage.heard[-1], Removed)
    assert stage.held() is None
    assert stage.referenced.known(key("a"))


async def test_an_answer_that_comes_after_the_deletion_is_not_believed(stage: Stage) -> None:
    stage.writer.replace([a_secret("a", 1)], "5")

    def delete_meanwhile(_request: Request) -> Response:
        stage.writer.remove(a_secret("a", 6))
        return an_answer(a_body("a", 1))

    stage.transport.expect(on("GET", A), delete_meanwhile)

    async with stage.running():
        stage.referenced.refer("registry", [key("a")])
        await stage.settle()

    assert stage.held() is None
    assert stage.referenced.known(key("a"))


async def test_an_object_gone_before_the_watch_says_so_is_absent(stage: Stage) -> None:
    stage.writer.replace([a_secret("a", 1)], "5")
    stage.serve(1)
    stage.transport.expect(on("GET", A), ABSENT)

    async with stage.running():
        stage.referenced.refer("registry", [key("a")])
        await stage.settle()
        stage.writer.upsert(a_secret("a", 7))
        await stage.settle()

    assert stage.referenced.known(key("a"))
    assert [type(change) for change in stage.heard] == [Applied, Removed]


async def test_two_referrers_share_one_read_and_the_last_to_leave_lets_go(stage: Stage) -> None:
    stage.writer.replace([a_secret("a", 1)], "5")
    stage.serve(1)

    async with stage.running():
        stage.referenced.refer("one", [key("a")])
        stage.referenced.refer("two", [key("a"), key("missing")])
        await stage.settle()
        stage.referenced.refer("one", [])
        kept = stage.held()
        both = stage.referenced.stats()
        stage.referenced.refer("two", [])

    assert kept == "1"
    assert (both.referrers, both.keys, both.objects) == (1, 2, 1)
    assert both.bytes > 0
    assert stage.held() is None
    none = stage.referenced.stats()
    assert (none.referrers, none.keys, none.objects, none.bytes) == (0, 0, 0, 0)


async def test_events_of_what_is_not_referred_to_any_more_are_nothing(stage: Stage) -> None:
    stage.writer.replace([a_secret("a", 1)], "5")
    stage.referenced.refer("registry", [key("a")])
    stage.referenced.refer("registry", [])

    async with stage.running():
        stage.writer.upsert(a_secret("a", 6))
        await stage.settle()

    assert stage.transport.requests == []
    assert stage.heard == []


async def test_what_is_let_go_while_it_is_read_is_not_kept(stage: Stage) -> None:
    stage.writer.replace([a_secret("a", 1)], "5")

    def let_go_meanwhile(_request: Request) -> Response:
        stage.referenced.refer("registry", [])
        return an_answer(a_body("a", 1))

    stage.transport.expect(on("GET", A), let_go_meanwhile)
    async with stage.running():
        stage.referenced.refer("registry", [key("a")])
        await stage.settle()

    assert stage.referenced.stats().objects == 0


async def test_a_read_that_fails_is_told_once_readable_and_tried_until_it_works(
    stage: Stage,
) -> None:
    stage.writer.replace([a_secret("a", 1)], "5")
    forbidden = Forbidden(403, reason="Forbidden", message='cannot get resource "secrets"')
    stage.transport.expect(on("GET", A), a_refusal(forbidden), times=3)
    stage.serve(1)

    async with stage.running():
        stage.referenced.refer("registry", [key("a")])
        await stage.settle()
        failure = stage.referenced.failure(key("a"))
        failing = stage.referenced.stats().failing
        await stage.clock.sleep(10)

    assert failure is not None
    assert failure.reason == "Forbidden"
    assert failing == 1
    assert stage.failed == [key("a")]
    assert stage.held() == "1"
    assert stage.referenced.failure(key("a")) is None


async def test_what_was_deleted_while_its_last_read_failed_is_told_to_be_readable_again(
    stage: Stage,
) -> None:
    stage.writer.replace([a_secret("a", 1)], "5")

    def fail_as_it_goes(_request: Request) -> Response:
        stage.writer.replace([], "6")
        raise TransportError("cut", sent=True)

    stage.transport.expect(on("GET", A), fail_as_it_goes)
    stage.transport.expect(on("GET", A), ABSENT)
    told = []
    stage.referenced.on_failure(lambda key: told.append(stage.referenced.failure(key)))
    async with stage.running():
        stage.referenced.refer("registry", [key("a")])
        await stage.clock.sleep(10)

    assert [failure and failure.reason for failure in told] == ["ConnectionFailed", None]


async def test_a_failing_read_of_what_is_let_go_is_not_tried_again(stage: Stage) -> None:
    stage.writer.replace([a_secret("a", 1)], "5")

    def fail_and_let_go(_request: Request) -> Response:
        stage.referenced.refer("registry", [])
        raise TransportError("cut", sent=True)

    stage.transport.expect(on("GET", A), fail_and_let_go)
    async with stage.running():
        stage.referenced.refer("registry", [key("a")])
        await stage.clock.sleep(60)

    assert len(stage.transport.requests) == 1
    assert stage.referenced.failure(key("a")) is None


async def test_a_late_subscriber_is_told_what_is_held_as_initial(stage: Stage) -> None:
    stage.writer.replace([a_secret("a", 1)], "5")
    stage.serve(1)
    late: list[Change] = []

    async with stage.running():
        stage.referenced.refer("registry", [key("a"), key("missing")])
        await stage.settle()
        leave = stage.referenced.subscribe(late.append)
        leave()
        stage.writer.remove(a_secret("a", 6))

    assert [change.initial for change in late if isinstance(change, Applied)] == [True]
    assert len(late) == 1


async def test_what_is_held_is_counted_when_it_comes_grows_and_goes(stage: Stage) -> None:
    metrics = Metrics(CollectorRegistry())
    store = Store(SECRETS)
    writer = store.writer()
    referenced = Referenced(Client(stage.transport), store, clock=stage.clock, metrics=metrics)

    def counted() -> list[float | None]:
        names = ("registry_operator_cached_objects", "registry_operator_cached_bytes")
        kind = {"kind": "secrets referenced"}
        return [metrics.registry.get_sample_value(name, kind) for name in names]

    def held() -> list[int]:
        obj = referenced.get(key("a"))
        assert obj is not None
        return [1, obj.size]

    run = asyncio.create_task(referenced.run())
    assert counted() == [0, 0]
    stage.serve(1)
    writer.upsert(a_secret("a", 1))
    referenced.refer("one", [key("a")])
    await stage.settle()
    small = held()
    assert counted() == small

    stage.serve(2, data="longer than before")
    writer.upsert(a_secret("a", 2))
    await stage.settle()
    assert held() > small
    assert counted() == held()

    writer.remove(a_secret("a", 3))
    assert counted() == [0, 0]
    stage.serve(4)
    writer.upsert(a_secret("a", 4))
    await stage.settle()
    assert counted() == held()
    referenced.refer("one", [])
    assert counted() == [0, 0]
    run.cancel()
    await asyncio.wait({run})
