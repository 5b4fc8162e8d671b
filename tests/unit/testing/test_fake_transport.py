import asyncio

import pytest

from registry_operator.kube.client import Client
from registry_operator.kube.errors import ServiceUnavailable, TransportError
from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import Resource
from registry_operator.kube.watch import Deleted, Modified
from registry_operator.testing.fake_transport import FakeTransport, a_refusal, an_answer, on

pytestmark = pytest.mark.virtual

SECRETS = Resource("", "v1", "Secret", "secrets")
GET = Request("GET", "/a")


async def test_answers_come_in_the_order_of_the_script_as_often_as_it_says() -> None:
    transport = FakeTransport()
    transport.expect(on("GET"), an_answer(b"1"))
    transport.expect(on("GET"), an_answer(b"2"), times=2)
    transport.expect(on(), lambda request: an_answer(request.path.encode()), times=None)

    answers = [(await transport.send(GET)).body for _ in range(4)]

    assert answers == [b"1", b"2", b"2", b"/a"]
    assert transport.requests == [GET] * 4
    assert transport.unmet() == []


async def test_what_nobody_expected_fails_the_test() -> None:
    transport = FakeTransport()
    transport.expect(on("POST", "/b"), an_answer())

    with pytest.raises(AssertionError, match=r"nobody expected .*GET"):
        await transport.send(GET)
    assert len(transport.unmet()) == 1


async def test_failures_are_raised_where_they_would_be() -> None:
    transport = FakeTransport()
    transport.expect(on(), TransportError("refused", sent=False))
    with pytest.raises(TransportError, match="refused"):
        await transport.send(GET)

    transport.refuse_stream(on(), ServiceUnavailable(503))
    with pytest.raises(ServiceUnavailable):
        async with transport.stream(GET):
            raise AssertionError("it opened")
    await transport.close()
    assert transport.is_closed


async def test_a_refusal_carries_its_retry_after() -> None:
    refusal = a_refusal(ServiceUnavailable(503, reason="ServiceUnavailable", retry_after=3))

    assert (refusal.status, refusal.headers) == (503, {"retry-after": "3"})


async def test_a_stream_is_fed_by_the_test_and_tells_who_opened_it() -> None:
    transport = FakeTransport()
    stream = transport.expect_stream(on(watch="true"))

    async def read() -> list[object]:
        async with Client(transport).watch(SECRETS) as events:
            return [event async for event in events]

    task = asyncio.create_task(read())
    request = await stream.opened()
    stream.modified({"metadata": {"name": "a"}})
    stream.deleted({"metadata": {"name": "a"}})
    stream.bookmark("3", initial_events_end=True)
    stream.end()

    assert request.path == "/api/v1/secrets"
    assert [type(event) for event in (await task)[:2]] == [Modified, Deleted]
