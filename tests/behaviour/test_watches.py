"""Watches: what they tell, from where, and until when."""

import asyncio
from typing import Any

import pytest

from registry_operator.kube.errors import ApiError, Invalid
from registry_operator.kube.exchange import Request
from registry_operator.kube.object import newer
from registry_operator.kube.watch import Bookmark, Deleted, Failed, Modified, WatchEvent
from tests.behaviour.bodies import WIDGETS, a_widget
from tests.behaviour.server import Server, told


async def labelled(server: Server, app: str, **spec: Any) -> Any:
    body = a_widget(server, metadata={"labels": {"app": app}}, **spec)
    return await server.client.apply(WIDGETS, body, field_manager="us")


async def now(server: Server) -> str:
    return (await server.client.list(WIDGETS, namespace=server.namespace)).resource_version


async def seen(server: Server, **options: Any) -> list[WatchEvent]:
    """Everything a short watch tells until the server ends it."""
    options.setdefault("timeout_seconds", 1)
    async with server.client.watch(WIDGETS, namespace=server.namespace, **options) as events:
        return [event async for event in events]


async def test_a_watch_goes_on_where_a_list_ended(server: Server) -> None:
    await server.client.create(WIDGETS, a_widget(server, "before"))
    version = await now(server)
    await labelled(server, "x")
    await labelled(server, "x", size=2)
    await server.client.delete(WIDGETS, server.key())

    assert told(await seen(server, resource_version=version)) == [
        "Added one",
        "Modified one",
        "Deleted one",
    ]


async def test_a_watch_tells_what_its_selector_sees(server: Server) -> None:
    version = await now(server)
    await labelled(server, "other")
    await labelled(server, "x")
    await labelled(server, "x", size=2)
    last = await labelled(server, "gone")
    events = await seen(server, label_selector="app=x", resource_version=version)

    assert told(events) == ["Added one", "Modified one", "Deleted one"]
    gone = next(event for event in events if isinstance(event, Deleted))
    assert gone.object.resource_version == last.resource_version
    assert gone.object.labels == {"app": "x"}


async def test_a_watch_of_one_name_is_told_of_nobody_else(server: Server) -> None:
    version = await now(server)
    for name in ("a", "b"):
        await server.client.create(WIDGETS, a_widget(server, name))
    events = await seen(server, field_selector="metadata.name=b", resource_version=version)

    assert told(events) == ["Added b"]


async def test_an_open_watch_is_told_at_once(server: Server) -> None:
    version = await now(server)
    async with server.client.watch(
        WIDGETS, namespace=server.namespace, resource_version=version, timeout_seconds=30
    ) as events:
        created = await server.client.create(WIDGETS, a_widget(server))
        event = await anext(events)

    assert told([event]) == ["Added one"]
    assert not isinstance(event, Bookmark | Failed)
    assert event.object.body() == created.body()


async def test_a_deletion_is_told_with_its_own_version_and_the_last_state(server: Server) -> None:
    created = await server.client.create(WIDGETS, a_widget(server))
    async with server.client.watch(
        WIDGETS,
        namespace=server.namespace,
        resource_version=created.resource_version,
        timeout_seconds=30,
    ) as events:
        await server.client.delete(WIDGETS, server.key())
        event = await anext(events)

    assert isinstance(event, Deleted)
    assert newer(event.object.resource_version, created.resource_version)
    assert event.object.body()["spec"] == created.body()["spec"]


async def test_an_end_that_was_waited_for_is_told_in_two_steps(server: Server) -> None:
    held = a_widget(server, metadata={"finalizers": ["example.org/hold"]})
    created = await server.client.create(WIDGETS, held)
    await server.client.delete(WIDGETS, server.key())
    patch = {"metadata": {"finalizers": None}}
    answer = await server.client.patch(WIDGETS, server.key(), patch, kind="merge")
    leaving, gone = [
        event
        for event in await seen(server, resource_version=created.resource_version)
        if not isinstance(event, Bookmark)
    ]

    assert isinstance(leaving, Modified)
    assert leaving.object.is_deleting
    assert isinstance(gone, Deleted)
    assert newer(gone.object.resource_version, leaving.object.resource_version)
    assert answer.resource_version == leaving.object.resource_version


@pytest.mark.parametrize("version", [None, "0"])
async def test_a_watch_from_nowhere_begins_with_what_is_there(
    server: Server, version: str | None
) -> None:
    for name in ("b", "a"):
        await server.client.create(WIDGETS, a_widget(server, name))
    await now(server)

    assert told(await seen(server, resource_version=version)) == ["Added a", "Added b"]


@pytest.mark.parametrize("version", [None, "0"])
async def test_a_watch_list_marks_where_the_beginning_ends(
    server: Server, version: str | None
) -> None:
    for name in ("b", "a"):
        await server.client.create(WIDGETS, a_widget(server, name))
    last = await now(server)
    async with server.client.watch(
        WIDGETS,
        namespace=server.namespace,
        send_initial_events=True,
        resource_version=version,
        timeout_seconds=30,
    ) as events:
        beginning = [await anext(events) for _ in range(3)]
        await server.client.create(WIDGETS, a_widget(server, "c"))
        after = await anext(events)

    assert told(beginning) == ["Added a", "Added b"]
    mark = beginning[2]
    assert isinstance(mark, Bookmark)
    assert mark.initial_events_end
    assert int(mark.resource_version) >= int(last)
    assert told([after]) == ["Added c"]


async def test_a_watch_list_of_nothing_is_a_mark(server: Server) -> None:
    async with server.client.watch(
        WIDGETS, namespace=server.namespace, send_initial_events=True, timeout_seconds=30
    ) as events:
        mark = await anext(events)

    assert isinstance(mark, Bookmark)
    assert mark.initial_events_end


async def test_a_watch_list_tells_of_the_past_what_its_selector_sees(server: Server) -> None:
    await labelled(server, "x")
    await server.client.create(WIDGETS, a_widget(server, "other"))
    events = await seen(server, send_initial_events=True, label_selector="app=x")

    assert told(events) == ["Added one"]


async def test_a_bookmark_comes_before_the_end(server: Server) -> None:
    async with server.client.watch(
        WIDGETS,
        namespace=server.namespace,
        label_selector="app=nobody",
        resource_version=await now(server),
        timeout_seconds=5,
    ) as events:
        last = await server.client.create(WIDGETS, a_widget(server))
        told_of = [event async for event in events]

    marks = [event for event in told_of if isinstance(event, Bookmark)]
    assert marks == told_of
    assert not marks[-1].initial_events_end
    assert int(marks[-1].resource_version) >= int(last.resource_version)


async def test_a_watch_ends_when_it_is_due(server: Server) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await seen(server, timeout_seconds=2)

    assert 1.5 < loop.time() - begun < 10


async def test_a_watch_from_the_future_waits(server: Server) -> None:
    await server.client.create(WIDGETS, a_widget(server))

    assert told(await seen(server, resource_version="1000000000")) == []


async def test_a_watch_of_metadata_shows_no_content(server: Server) -> None:
    await server.client.create(WIDGETS, a_widget(server, words={"password": "hunter2"}))
    events = await seen(server, metadata_only=True)

    assert told(events) == ["Added one"]
    added = events[0]
    assert not isinstance(added, Bookmark | Failed)
    assert added.object.kind == "PartialObjectMetadata"
    assert b"hunter2" not in added.object.raw


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"sendInitialEvents": "true"}, "requires setting resourceVersionMatch to NotOlderThan"),
        ({"resourceVersionMatch": "NotOlderThan"}, "forbidden for watch unless sendInitialEvents"),
        ({"sendInitialEvents": "true", "resourceVersionMatch": "Exact"}, "Unsupported value"),
    ],
)
async def test_a_watch_list_must_say_so_in_two_words(
    server: Server, query: dict[str, str], told: str
) -> None:
    everything = (("watch", "true"), *query.items())
    request = Request("GET", WIDGETS.path(server.namespace), query=everything)
    with pytest.raises(Invalid, match=told) as raised:
        async with server.transport.stream(request):
            raise AssertionError("it opened")

    assert {cause.field for cause in raised.value.causes} == {"resourceVersionMatch"}


async def test_a_selector_that_means_nothing_opens_no_watch(server: Server) -> None:
    with pytest.raises(ApiError) as raised:
        await seen(server, label_selector="a b")

    assert raised.value.status == 400
    assert not isinstance(raised.value, Invalid)
