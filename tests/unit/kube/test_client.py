"""The verbs, as requests: what is asked, and what becomes of the answer."""

from typing import Any

import orjson
import pytest

from registry_operator.kube.client import Client
from registry_operator.kube.errors import CodecError, Gone, NotFound, RequestTimeout, TransportError
from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.kube.watch import Added, Bookmark, Failed, WatchEvent
from registry_operator.testing.fake_transport import (
    FakeTransport,
    a_list,
    a_status,
    an_answer,
    on,
)

pytestmark = pytest.mark.virtual

SECRETS = Resource("", "v1", "Secret", "secrets")
LEASES = Resource("coordination.k8s.io", "v1", "Lease", "leases")
KEY = ObjectKey("ns", "one")
COLLECTION = "/api/v1/namespaces/ns/secrets"
PATH = f"{COLLECTION}/one"
BODY: dict[str, Any] = {"metadata": {"name": "one", "namespace": "ns"}}
TYPED = {"apiVersion": "v1", "kind": "Secret", **BODY}


@pytest.fixture
def transport() -> FakeTransport:
    return FakeTransport()


@pytest.fixture
def client(transport: FakeTransport) -> Client:
    return Client(transport)


def only(transport: FakeTransport) -> Request:
    (request,) = transport.requests
    return request


async def test_get_reads_one_object(transport: FakeTransport, client: Client) -> None:
    transport.expect(on("GET", PATH, resourceVersion="0"), an_answer(BODY))

    found = await client.get(SECRETS, KEY, resource_version="0", metadata_only=True)

    assert found.key == KEY
    assert only(transport).accept == "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


async def test_a_refusal_becomes_a_typed_error(transport: FakeTransport, client: Client) -> None:
    refusal = an_answer(a_status(404, "NotFound", 'secrets "one" not found'), status=404)
    transport.expect(on("GET", PATH), refusal)

    with pytest.raises(NotFound, match=f"GET {PATH}: 404 NotFound"):
        await client.get(SECRETS, KEY)


async def test_a_redirect_is_no_success(transport: FakeTransport, client: Client) -> None:
    transport.expect(on("GET"), an_answer(b"", status=301))

    with pytest.raises(Exception, match="301"):
        await client.get(SECRETS, KEY)


async def test_lists_follow_the_pages_without_repeating_the_version(
    transport: FakeTransport, client: Client
) -> None:
    first = a_list("Secret", [BODY], "7", continue_token="more+/=")
    second = a_list("Secret", [{"metadata": {"name": "two"}}], "7")
    transport.expect(on("GET", COLLECTION, limit="1", resourceVersion="5"), an_answer(first))
    transport.expect(on("GET", COLLECTION, **{"continue": "more+/="}), an_answer(second))

    listing = await client.list(SECRETS, namespace="ns", limit=1, resource_version="5")

    assert [item.name for item in listing.items] == ["one", "two"]
    assert listing.resource_version == "7"
    assert "resourceVersion" not in dict(transport.requests[1].query)


async def test_lists_pass_selectors_and_may_ask_for_everything_at_once(
    transport: FakeTransport, client: Client
) -> None:
    transport.expect(on(), an_answer(a_list("Secret", [], "7")))
    await client.list(
        SECRETS, label_selector="a=b", field_selector="c=d", limit=0, metadata_only=True
    )

    assert only(transport).query == (("labelSelector", "a=b"), ("fieldSelector", "c=d"))
    assert "PartialObjectMetadataList" in only(transport).accept


async def test_an_expired_page_is_gone(transport: FakeTransport, client: Client) -> None:
    transport.expect(on(), an_answer(a_status(410, "Expired"), status=410))

    with pytest.raises(Gone):
        await client.list(SECRETS)


async def test_create_posts_the_typed_body(transport: FakeTransport, client: Client) -> None:
    transport.expect(on("POST", COLLECTION, fieldManager="m"), an_answer(TYPED, status=201))

    created = await client.create(SECRETS, BODY, field_manager="m")

    assert created.kind == "Secret"
    request = only(transport)
    assert request.content_type == "application/json"
    assert orjson.loads(request.body or b"") == TYPED


async def test_update_puts_the_object(transport: FakeTransport, client: Client) -> None:
    path = "/apis/coordination.k8s.io/v1/namespaces/ns/leases/one/status"
    transport.expect(on("PUT", path), an_answer(BODY))

    await client.update(LEASES, BODY, subresource="status")

    assert orjson.loads(only(transport).body or b"")["kind"] == "Lease"


async def test_apply_forces_and_names_its_manager(transport: FakeTransport, client: Client) -> None:
    transport.expect(on("PATCH", PATH), an_answer(TYPED))

    await client.apply(SECRETS, BODY, field_manager="m")

    request = only(transport)
    assert request.query == (("fieldManager", "m"), ("force", "true"))
    assert request.content_type == "application/apply-patch+yaml"
    assert request.is_idempotent


async def test_apply_may_be_dry_and_gentle(transport: FakeTransport, client: Client) -> None:
    transport.expect(on("PATCH", f"{PATH}/status"), an_answer(TYPED))

    await client.apply(
        SECRETS, BODY, field_manager="m", force=False, dry_run=True, subresource="status"
    )

    assert only(transport).query == (("fieldManager", "m"), ("dryRun", "All"))


@pytest.mark.parametrize(
    ("kind", "patch", "content_type"),
    [
        ("merge", {"data": None}, "application/merge-patch+json"),
        ("json", [{"op": "remove", "path": "/data"}], "application/json-patch+json"),
    ],
)
async def test_patches_are_of_their_kind(
    transport: FakeTransport, client: Client, kind: Any, patch: Any, content_type: str
) -> None:
    transport.expect(on("PATCH", PATH), an_answer(TYPED))

    await client.patch(SECRETS, KEY, patch, kind=kind, field_manager="m")

    assert only(transport).content_type == content_type
    assert orjson.loads(only(transport).body or b"") == patch


async def test_delete_carries_preconditions(transport: FakeTransport, client: Client) -> None:
    transport.expect(on("DELETE", PATH), an_answer())

    await client.delete(
        SECRETS, KEY, uid="u", resource_version="5", propagation="Foreground", grace_seconds=0
    )

    assert orjson.loads(only(transport).body or b"") == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": "Foreground",
        "preconditions": {"uid": "u", "resourceVersion": "5"},
        "gracePeriodSeconds": 0,
    }


async def test_delete_without_preconditions_names_none(
    transport: FakeTransport, client: Client
) -> None:
    transport.expect(on("DELETE", PATH), an_answer())
    await client.delete(SECRETS, KEY)

    assert "preconditions" not in orjson.loads(only(transport).body or b"")


async def test_a_body_that_is_no_json_is_refused_without_quoting_it(client: Client) -> None:
    with pytest.raises(CodecError, match="a Secret cannot be written") as raised:
        await client.create(SECRETS, BODY | {"data": {"key": b"hunter2"}})
    assert "hunter2" not in str(raised.value)


async def test_a_watch_yields_events_until_the_server_ends_it(
    transport: FakeTransport, client: Client
) -> None:
    stream = transport.expect_stream(on("GET", COLLECTION, watch="true"))
    stream.added(BODY)
    stream.event("NEWS", BODY)
    stream.bookmark("9")
    stream.error(410, "Expired")
    stream.end()

    async with client.watch(SECRETS, namespace="ns", resource_version="5") as events:
        assert client.stats().watches_open == 1
        seen: list[WatchEvent] = [event async for event in events]

    assert [type(event) for event in seen] == [Added, Bookmark, Failed]
    assert dict(only(transport).query) == {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": "5",
        "timeoutSeconds": "290",
    }
    stats = client.stats()
    assert (stats.watches_opened, stats.watches_open, stats.skipped_events) == (1, 0, 1)


async def test_a_watch_list_asks_for_the_initial_events(
    transport: FakeTransport, client: Client
) -> None:
    transport.expect_stream(on()).end()
    async with client.watch(SECRETS, send_initial_events=True, metadata_only=True) as events:
        assert [event async for event in events] == []

    query = dict(only(transport).query)
    assert query["sendInitialEvents"] == "true"
    assert query["resourceVersionMatch"] == "NotOlderThan"
    assert "PartialObjectMetadata" in only(transport).accept


async def test_silence_a_little_longer_than_the_watch_means_a_dead_connection(
    transport: FakeTransport, client: Client
) -> None:
    transport.expect_stream(on())
    transport.expect_stream(on())
    for idle, expected in ((None, 65.0), (7.0, 7.0)):
        async with client.watch(SECRETS, timeout_seconds=60, idle_seconds=idle) as events:
            with pytest.raises(RequestTimeout):
                await anext(events)
        assert transport.requests[-1].timeout == expected


async def test_a_cut_watch_fails_where_it_is_read(transport: FakeTransport, client: Client) -> None:
    stream = transport.expect_stream(on())
    stream.added(BODY)
    stream.cut()

    async with client.watch(SECRETS) as events:
        assert isinstance(await anext(events), Added)
        with pytest.raises(TransportError, match="cut"):
            await anext(events)


async def test_a_watch_that_ends_within_an_event_is_an_error(
    transport: FakeTransport, client: Client
) -> None:
    stream = transport.expect_stream(on())
    stream.feed(b'{"type": "ADD')
    stream.end()

    async with client.watch(SECRETS) as events:
        with pytest.raises(CodecError):
            await anext(events)


async def test_a_watch_may_be_left_at_any_event(transport: FakeTransport, client: Client) -> None:
    stream = transport.expect_stream(on())
    for _ in range(3):
        stream.added(BODY)
    async with client.watch(SECRETS) as events:
        await anext(events)
        was_open = stream.is_open

    assert (was_open, stream.is_open) == (True, False)
    assert client.stats().watches_open == 0


async def test_a_fenced_client_asks_before_writes_and_not_before_reads(
    transport: FakeTransport, client: Client
) -> None:
    asked: list[str] = []
    fenced = client.fenced(lambda: asked.append("fence"))
    transport.expect(on(), an_answer(TYPED), times=None)
    await fenced.get(SECRETS, KEY)
    assert asked == []
    await fenced.apply(SECRETS, BODY, field_manager="m")
    assert asked == ["fence"]
    await client.create(SECRETS, BODY)
    assert asked == ["fence"]
    await fenced.delete(SECRETS, KEY)

    assert asked == ["fence", "fence"]
