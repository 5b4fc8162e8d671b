"""Watches of the fake API server, through the real client, in virtual time."""

import asyncio
from typing import Any

import pytest

from registry_operator.kube.client import Client
from registry_operator.kube.errors import (
    BadRequest,
    Gone,
    NotFound,
    RequestTimeout,
    TooManyRequests,
    TransportError,
)
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.kube.watch import Added, Bookmark, Deleted, Failed, Modified, WatchEvent
from registry_operator.testing.fake_api import FakeApi
from registry_operator.testing.fake_transport import on
from registry_operator.testing.virtual_loop import VirtualClock

pytestmark = pytest.mark.virtual

SECRETS = Resource("", "v1", "Secret", "secrets")
WIDGETS = Resource("example.org", "v1", "Widget", "widgets")


@pytest.fixture
def api() -> FakeApi:
    return FakeApi([SECRETS, WIDGETS], clock=VirtualClock(), history=50)


@pytest.fixture
def client(api: FakeApi) -> Client:
    return Client(api)


def a_secret(name: str = "one", *, app: str = "x", namespace: str = "ns") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace, "labels": {"app": app}}}


def told(events: list[WatchEvent]) -> list[str]:
    return [
        f"{type(event).__name__} {event.object.name}"
        if isinstance(event, Added | Modified | Deleted)
        else f"{type(event).__name__}"
        for event in events
    ]


async def seen(client: Client, **options: Any) -> list[WatchEvent]:
    """Everything a short watch yields until the server ends it, but the bookmark before the end."""
    options.setdefault("timeout_seconds", 10)
    async with client.watch(SECRETS, **options) as events:
        return [event async for event in events if not is_periodic(event)]


def is_periodic(event: WatchEvent) -> bool:
    return isinstance(event, Bookmark) and not event.initial_events_end


async def test_a_watch_goes_on_where_a_list_ended(api: FakeApi, client: Client) -> None:
    api.put(SECRETS, a_secret("before"))
    listing = await client.list(SECRETS)
    api.put(SECRETS, a_secret("one"))
    api.put(SECRETS, a_secret("one", app="y"))
    api.delete(SECRETS, ObjectKey("ns", "one"))

    events = await seen(client, resource_version=listing.resource_version)

    assert told(events) == ["Added one", "Modified one", "Deleted one"]
    last = events[-1]
    assert isinstance(last, Deleted)
    assert last.object.resource_version == str(api.revision)


async def test_a_watch_from_nowhere_begins_with_what_is_there(api: FakeApi, client: Client) -> None:
    api.put(SECRETS, a_secret())

    assert told(await seen(client, resource_version="0")) == ["Added one"]
    assert told(await seen(client)) == ["Added one"]


async def test_a_watch_list_marks_the_end_of_the_initial_events(
    api: FakeApi, client: Client
) -> None:
    api.put(SECRETS, a_secret())
    events = await seen(client, send_initial_events=True)

    assert told(events) == ["Added one", "Bookmark"]
    assert events[-1] == Bookmark(str(api.revision), initial_events_end=True)


async def test_bookmarks_come_each_minute_and_before_the_end(api: FakeApi, client: Client) -> None:
    loop = asyncio.get_running_loop()
    async with client.watch(SECRETS, resource_version="1", timeout_seconds=150) as events:
        api.put(WIDGETS, a_secret("another-kind"))
        bookmarks = [(loop.time(), event) async for event in events]

    assert bookmarks == [(at, Bookmark("2")) for at in (60.0, 120.0, 148.0)]
    assert loop.time() == 150.0


async def test_a_selector_sees_objects_come_and_go(api: FakeApi, client: Client) -> None:
    api.put(SECRETS, a_secret(app="other"))
    start = str(api.revision)
    api.put(SECRETS, a_secret(app="x"))
    api.put(SECRETS, a_secret(app="x") | {"data": {"a": "b"}})
    api.put(SECRETS, a_secret(app="other"))
    api.put(SECRETS, a_secret("foreign", namespace="elsewhere"))

    events = await seen(client, resource_version=start, label_selector="app=x", namespace="ns")

    assert told(events) == ["Added one", "Modified one", "Deleted one"]
    gone = events[-1]
    assert isinstance(gone, Deleted)
    assert gone.object.labels == {"app": "x"}
    assert gone.object.resource_version == str(api.revision - 1)


async def test_a_forgotten_version_is_gone(api: FakeApi, client: Client) -> None:
    api.put(SECRETS, a_secret())
    api.compact()
    (event,) = await seen(client, resource_version="1")

    assert isinstance(event, Failed)
    assert isinstance(event.error, Gone)
    assert await seen(client, resource_version=str(api.revision)) == []


async def test_a_long_history_forgets_its_beginning(api: FakeApi, client: Client) -> None:
    for number in range(60):
        api.put(SECRETS, a_secret(app=str(number)))

    assert told(await seen(client, resource_version="5")) == ["Failed"]
    assert len(await seen(client, resource_version="20")) == 41


async def test_a_lagging_watch_tells_the_past(api: FakeApi, client: Client) -> None:
    api.delay_watches(5.0)
    loop = asyncio.get_running_loop()
    async with client.watch(SECRETS, resource_version="1", timeout_seconds=60) as events:
        api.put(SECRETS, a_secret())
        assert isinstance(await anext(events), Added)

    assert loop.time() == 5.0


async def test_watches_can_be_ended_cut_and_stalled(api: FakeApi, client: Client) -> None:
    async with client.watch(SECRETS, resource_version="1") as events:
        asyncio.get_running_loop().call_later(1, api.drop_watches, "end")
        assert [event async for event in events] == []
    async with client.watch(SECRETS, resource_version="1") as events:
        asyncio.get_running_loop().call_later(1, api.drop_watches, "cut", SECRETS)
        with pytest.raises(TransportError, match="cut"):
            await anext(events)
    async with client.watch(SECRETS, resource_version="1", timeout_seconds=60) as events:
        asyncio.get_running_loop().call_later(1, api.drop_watches, "stall")
        with pytest.raises(RequestTimeout):
            await anext(events)

    assert asyncio.get_running_loop().time() == pytest.approx(67.0)
    assert api.open_watches == 0


async def test_dropping_another_kind_leaves_a_watch_alone(api: FakeApi, client: Client) -> None:
    async with client.watch(SECRETS, resource_version="1", timeout_seconds=5) as events:
        asyncio.get_running_loop().call_later(1, api.drop_watches, "cut", WIDGETS)
        assert [event async for event in events if not is_periodic(event)] == []


async def test_a_withdrawn_kind_ends_its_watches_after_its_objects(
    api: FakeApi, client: Client
) -> None:
    api.put(SECRETS, a_secret())
    async with client.watch(SECRETS, resource_version=str(api.revision)) as events:
        api.withdraw(SECRETS)
        assert told([event async for event in events]) == ["Deleted one"]
    with pytest.raises(NotFound):
        await seen(client)
    api.declare(SECRETS)
    assert await seen(client) == []


async def test_metadata_watches_show_no_content(api: FakeApi, client: Client) -> None:
    api.put(SECRETS, a_secret() | {"data": {"password": "hunter2"}})
    (event,) = await seen(client, metadata_only=True)

    assert isinstance(event, Added)
    assert event.object.kind == "PartialObjectMetadata"
    assert b"hunter2" not in event.object.raw


async def test_faults_strike_watches_where_they_open(api: FakeApi, client: Client) -> None:
    api.faults.plan(on(watch="true"), TooManyRequests(429, retry_after=1), delay=2.0)
    with pytest.raises(TooManyRequests):
        await seen(client)
    assert asyncio.get_running_loop().time() == 2.0


async def test_a_version_that_is_no_number_is_refused(client: Client) -> None:
    with pytest.raises(BadRequest):
        await seen(client, resource_version="latest")


async def test_closing_the_transport_cuts_the_watches(api: FakeApi, client: Client) -> None:
    async with client.watch(SECRETS, resource_version="1") as events:
        asyncio.get_running_loop().call_later(1, asyncio.ensure_future, api.close())
        with pytest.raises(TransportError):
            await anext(events)


async def test_a_compaction_spares_open_watches_that_were_told_everything(
    api: FakeApi, client: Client
) -> None:
    async with client.watch(SECRETS, resource_version="1", timeout_seconds=30) as events:
        for number in range(3):
            api.put(WIDGETS, a_secret(str(number)))
        asyncio.get_running_loop().call_later(5, api.compact)
        asyncio.get_running_loop().call_later(6, api.put, SECRETS, a_secret())

        assert told([await anext(events)]) == ["Added one"]


async def test_a_watch_that_lags_behind_a_compaction_ends(api: FakeApi, client: Client) -> None:
    api.delay_watches(10.0)
    async with client.watch(SECRETS, resource_version="1", timeout_seconds=30) as events:
        api.put(SECRETS, a_secret())
        asyncio.get_running_loop().call_later(5, api.compact)
        event = await anext(events)

    assert isinstance(event, Failed)
    assert isinstance(event.error, Gone)


async def test_a_busy_kind_does_not_end_the_watches_of_a_quiet_one(
    api: FakeApi, client: Client
) -> None:
    for number in range(60):
        api.put(WIDGETS, a_secret(str(number)))

    assert await seen(client, resource_version="1") == []


async def test_watches_that_see_differently_are_told_differently(
    api: FakeApi, client: Client
) -> None:
    start = str(api.revision)
    api.put(SECRETS, a_secret(app="x"))
    api.put(SECRETS, a_secret(app="y"))
    views: list[dict[str, Any]] = [
        {},
        {"label_selector": "app=x"},
        {"label_selector": "app=y"},
        {"namespace": "elsewhere"},
        {"field_selector": "metadata.name=two"},
    ]

    assert [told(await seen(client, resource_version=start, **view)) for view in views] == [
        ["Added one", "Modified one"],
        ["Added one", "Deleted one"],
        ["Added one"],
        [],
        [],
    ]
