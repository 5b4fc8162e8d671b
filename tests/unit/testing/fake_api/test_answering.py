"""What a simulation builds on: requests that outlive their sender, and every change as it is made."""

import asyncio
from typing import Any

import orjson
import pytest

from registry_operator.kube.client import Client
from registry_operator.kube.errors import ServiceUnavailable
from registry_operator.kube.exchange import JSON, Request
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.testing.fake_api import Change, FakeApi
from registry_operator.testing.fake_transport import on
from registry_operator.testing.virtual_loop import VirtualClock

pytestmark = pytest.mark.virtual

WIDGETS = Resource("example.org", "v1", "Widget", "widgets")
KEY = ObjectKey("ns", "one")


@pytest.fixture
def api() -> FakeApi:
    return FakeApi([WIDGETS], clock=VirtualClock(), latency=5.0)


def a_widget(name: str = "one", **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "ns", **metadata}, "spec": {"size": 1}}


def creation(name: str = "one") -> Request:
    body = orjson.dumps(a_widget(name))
    return Request("POST", WIDGETS.path("ns"), body=body, content_type=JSON)


async def test_a_request_is_carried_out_at_once_by_whoever_holds_it(api: FakeApi) -> None:
    api.faults.plan(on("POST"), ServiceUnavailable(503))
    created, refused = api.answer(creation()), api.answer(creation())

    assert (created.status, refused.status) == (201, 409)
    assert orjson.loads(refused.body)["reason"] == "AlreadyExists"
    assert api.get(WIDGETS, KEY) == orjson.loads(created.body)
    assert asyncio.get_running_loop().time() == 0.0
    assert api.requests == []


async def test_a_sender_who_gave_up_before_the_request_arrived_sent_nothing(api: FakeApi) -> None:
    sending = asyncio.create_task(api.send(creation()))
    await asyncio.sleep(1)
    sending.cancel()
    await asyncio.sleep(10)

    assert api.objects(WIDGETS) == []


async def test_every_change_is_told_with_the_request_that_made_it(api: FakeApi) -> None:
    changes: list[Change] = []
    end = api.subscribe(changes.append)
    request = creation()
    api.answer(request)
    api.answer(request)
    api.change(WIDGETS, KEY, lambda body: body["spec"].update(size=2))
    deletion = Request("DELETE", WIDGETS.path("ns", "one"))
    api.answer(deletion)
    end()
    api.put(WIDGETS, a_widget())

    assert [(c.kind, c.request) for c in changes] == [
        ("ADDED", request),
        ("MODIFIED", None),
        ("DELETED", deletion),
    ]
    sizes = [(c.old and c.old["spec"]["size"], c.new["spec"]["size"]) for c in changes]
    assert sizes == [(None, 1), (1, 2), (2, 2)]
    assert [c.revision for c in changes] == [
        int(c.new["metadata"]["resourceVersion"]) for c in changes
    ]


async def test_what_the_garbage_collector_does_was_asked_for_by_nobody(api: FakeApi) -> None:
    owner = api.put(WIDGETS, a_widget())["metadata"]
    reference = {
        "apiVersion": "example.org/v1",
        "kind": "Widget",
        "name": "one",
        "uid": owner["uid"],
    }
    api.put(WIDGETS, a_widget("child", ownerReferences=[reference]))
    changes: list[Change] = []
    api.subscribe(changes.append)
    api.answer(Request("DELETE", WIDGETS.path("ns", "one")))

    assert [(c.new["metadata"]["name"], c.request is None) for c in changes] == [
        ("one", False),
        ("child", True),
    ]


async def test_a_broken_invariant_reaches_whoever_made_the_change(api: FakeApi) -> None:
    def refuse(change: Change) -> None:
        raise AssertionError(f"{change.kind} must not happen")

    api.subscribe(refuse)

    with pytest.raises(AssertionError, match="ADDED must not happen"):
        api.answer(creation())


@pytest.mark.parametrize("recording", [True, False])
async def test_what_was_asked_is_remembered_unless_switched_off(recording: bool) -> None:  # noqa: FBT001
    api = FakeApi([WIDGETS], clock=VirtualClock(), recording=recording)
    client = Client(api)
    await client.create(WIDGETS, a_widget())
    async with client.watch(WIDGETS, timeout_seconds=1):
        pass

    assert [request.method for request in api.requests] == (["POST", "GET"] if recording else [])
