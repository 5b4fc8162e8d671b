"""Requests over real TLS on loopback: what is sent, what is repeated, what fails how."""

import asyncio
import socket
from dataclasses import replace

import orjson
import pytest
import trustme
from aiohttp import web
from yarl import URL

from registry_operator.kube.credentials import Credentials, FixedIdentity, Identity, Server
from registry_operator.kube.errors import RequestTimeout, TransportError
from registry_operator.kube.exchange import APPLY_PATCH, Request
from registry_operator.kube.transport import HttpTransport, host_and_port
from tests.unit.kube.server_stage import (
    GET,
    LIMITS,
    RotatingIdentity,
    a_transport,
    listening,
    serving,
)


async def test_a_request_arrives_as_it_was_meant() -> None:
    async def echo(request: web.Request) -> web.Response:
        seen = {
            "line": f"{request.method} {request.raw_path}",
            "body": (await request.read()).decode(),
            **{name.lower(): value for name, value in request.headers.items()},
        }
        return web.json_response(seen, status=201, headers={"X-Seen": "yes"})

    request = Request(
        "PATCH",
        "/apis/g/v1/namespaces/ns/things/a%20b",
        query=(("fieldManager", "m"), ("continue", "a+/=&b"), ("labelSelector", "x in (y)")),
        body=b'{"a":1}',
        content_type=APPLY_PATCH,
    )
    async with serving(echo) as stage:
        response = await stage.transport.send(request)

    seen = orjson.loads(response.body)
    assert response.status == 201
    assert response.headers["x-seen"] == "yes"
    assert seen["line"] == (
        "PATCH /apis/g/v1/namespaces/ns/things/a%20b"
        "?fieldManager=m&continue=a%2B%2F%3D%26b&labelSelector=x%20in%20%28y%29"
    )
    assert seen["body"] == '{"a":1}'
    assert seen["content-type"] == APPLY_PATCH
    assert seen["authorization"] == "Bearer fixed"
    assert seen["user-agent"] == "operator/1"
    assert seen["accept-encoding"] == "identity"


async def test_any_status_is_an_answer_and_redirects_are_not_followed() -> None:
    async def redirect(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "https://127.0.0.1:1/"})

    async with serving(redirect) as stage:
        response = await stage.transport.send(GET)

    assert response.status == 302
    host = stage.url.removeprefix("https://")
    assert [(o.verb, o.host, o.code, o.retried) for o in stage.outcomes] == [
        ("GET", host, "302", False)
    ]


@pytest.mark.parametrize(
    ("server", "host"),
    [
        ("https://10.96.0.1:443", "10.96.0.1:443"),
        ("https://api.example.com", "api.example.com"),
        ("https://[fd00::1]:6443/clusters/c-1", "[fd00::1]:6443"),
        ("https://someone:secret@api.example.com:6443", "api.example.com:6443"),
    ],
)
def test_the_server_is_called_as_client_go_calls_it_and_without_who_we_are(
    server: str, host: str
) -> None:
    assert host_and_port(URL(server)) == host


async def test_a_refused_token_is_renewed_once() -> None:
    async def picky(request: web.Request) -> web.Response:
        good = request.headers["Authorization"] == "Bearer token-2"
        return web.Response(status=200 if good else 401)

    async with serving(picky, source=RotatingIdentity()) as stage:
        first, second = await stage.transport.send(GET), await stage.transport.send(GET)
        stats = stage.transport.stats()

    assert (first.status, second.status) == (200, 200)
    assert (stats.requests, stats.reauthorizations) == (3, 1)
    assert [outcome.retried for outcome in stage.outcomes] == [False, True, False]


async def test_a_token_refused_twice_is_the_answer() -> None:
    async def never(_: web.Request) -> web.Response:
        return web.Response(status=401)

    async with serving(never, source=RotatingIdentity()) as stage:
        assert (await stage.transport.send(GET)).status == 401
        assert stage.transport.stats().requests == 2


async def test_an_identity_that_cannot_be_renewed_is_not_tried_again() -> None:
    async def never(_: web.Request) -> web.Response:
        return web.Response(status=401)

    async with serving(never) as stage:
        assert (await stage.transport.send(GET)).status == 401
        assert stage.transport.stats().requests == 1


async def test_a_renewal_that_fails_says_so_and_leaks_nothing() -> None:
    class Failing(RotatingIdentity):
        async def identity(self, *, refresh: bool = False) -> Identity:
            if refresh:
                raise TransportError("plugin failed", sent=False)
            return Identity()

    async def never(request: web.Request) -> web.Response:
        assert "Authorization" not in request.headers
        return web.Response(status=401)

    async with serving(never, source=Failing()) as stage:
        with pytest.raises(TransportError, match="plugin failed"):
            await stage.transport.send(GET)
        assert stage.transport.stats().in_flight == 0


async def test_retry_after_is_obeyed_a_bounded_number_of_times() -> None:
    async def busy(_: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "3"})

    async with serving(busy) as stage:
        response = await stage.transport.send(Request("POST", "/api/v1/pods", body=b"{}"))
        stats = stage.transport.stats()

    assert response.status == 429
    assert stage.slept == [3.0, 3.0]
    assert (stats.requests, stats.retries) == (3, 2)
    assert [outcome.retried for outcome in stage.outcomes] == [False, True, True]


async def test_the_fence_is_asked_before_every_try_after_all_waiting() -> None:
    answers = iter([401, 429, 200])
    waited: list[str] = []

    class Slow(RotatingIdentity):
        async def identity(self, *, refresh: bool = False) -> Identity:
            waited.append("token")
            return await super().identity(refresh=refresh)

    async def answer(_: web.Request) -> web.Response:
        waited.append("sent")
        return web.Response(status=next(answers), headers={"Retry-After": "1"})

    request = replace(GET, fence=lambda: waited.append("fence"))
    async with serving(answer, source=Slow()) as stage:
        await stage.transport.send(request)

    once = ["token", "fence", "sent"]
    assert waited == once * 3


async def test_what_the_fence_refuses_is_not_sent() -> None:
    def refuse() -> None:
        raise PermissionError("another one leads")

    async def unreached(_: web.Request) -> web.Response:
        raise AssertionError("reached")

    async with serving(unreached) as stage:
        with pytest.raises(PermissionError):
            await stage.transport.send(replace(GET, fence=refuse))
        stats = stage.transport.stats()

    assert (stats.requests, stats.in_flight) == (0, 0)


async def test_no_more_requests_are_in_flight_than_allowed() -> None:
    most = now = 0

    async def slow(_: web.Request) -> web.Response:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return web.Response()

    async with serving(slow, limits=replace(LIMITS, in_flight=3, request=10.0)) as stage:
        await asyncio.gather(*(stage.transport.send(GET) for _ in range(20)))
        stats = stage.transport.stats()

    assert most == 3
    assert (stats.in_flight, stats.requests, stats.failures) == (0, 20, 0)


async def test_a_waiting_retry_holds_no_slot() -> None:
    answers = iter([429, 200, 200])

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=next(answers), headers={"Retry-After": "1"})

    async with serving(answer, limits=replace(LIMITS, in_flight=1)) as stage:
        one, two = await asyncio.gather(stage.transport.send(GET), stage.transport.send(GET))

    assert (one.status, two.status) == (200, 200)


async def test_a_refused_connection_was_not_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        stage = a_transport(f"https://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(TransportError, match="GET /api/v1/pods") as raised:
            await stage.transport.send(GET)
        await stage.transport.close()

    assert not raised.value.sent
    assert stage.outcomes[0].code == "<error>"
    assert stage.transport.stats().failures == 1


async def test_a_server_we_do_not_trust_was_not_sent_anything() -> None:
    async def unreached(_: web.Request) -> web.Response:
        raise AssertionError("reached")

    async with serving(unreached) as stage:
        other = trustme.CA().cert_pem.bytes().decode()
        credentials = Credentials(Server(stage.url, authority=other), FixedIdentity(Identity()))
        transport = HttpTransport(credentials, user_agent="x", limits=LIMITS)
        with pytest.raises(TransportError) as raised:
            await transport.send(GET)
        await transport.close()

    assert not raised.value.sent


async def test_a_connection_cut_before_the_answer_may_have_been_sent() -> None:
    async def cut(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with listening(cut) as stage:
        with pytest.raises(TransportError) as raised:
            await stage.transport.send(Request("POST", "/x", body=b"{}"))

    assert raised.value.sent


async def test_an_answer_cut_off_may_have_been_sent() -> None:
    async def half(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    async with listening(half) as stage:
        with pytest.raises(TransportError) as raised:
            await stage.transport.send(GET)

    assert raised.value.sent


async def test_nonsense_instead_of_http_is_an_error_of_the_transport() -> None:
    async def nonsense(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org ESMTP\r\n")
        await writer.drain()
        writer.close()

    async with listening(nonsense) as stage:
        with pytest.raises(TransportError):
            await stage.transport.send(GET)


async def silent(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def test_no_answer_in_time_is_a_timeout() -> None:
    async with listening(silent, limits=replace(LIMITS, request=0.1)) as stage:
        with pytest.raises(RequestTimeout, match="no answer in time") as raised:
            await stage.transport.send(GET)
        with pytest.raises(RequestTimeout):
            await stage.transport.send(replace(GET, timeout=0.05))

    assert raised.value.sent


async def test_a_handshake_that_never_ends_was_not_sent() -> None:
    limits = replace(LIMITS, connect=0.1, request=2.0)
    async with listening(silent, limits=limits, is_deaf=True) as stage:
        with pytest.raises(RequestTimeout, match="could not connect") as raised:
            await stage.transport.send(GET)

    assert not raised.value.sent


async def test_cancelled_requests_give_their_connections_back() -> None:
    started = asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        started.set()
        await asyncio.sleep(60)
        return web.Response()

    async with serving(slow, limits=replace(LIMITS, in_flight=1, request=60.0)) as stage:
        for _ in range(5):
            started.clear()
            task = asyncio.create_task(stage.transport.send(GET))
            await started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert stage.transport.stats().in_flight == 0


async def test_a_closed_transport_says_so() -> None:
    stage = a_transport("https://127.0.0.1:1")
    await stage.transport.close()

    with pytest.raises(TransportError, match="was closed"):
        await stage.transport.send(GET)


async def test_a_server_without_tls_is_spoken_to_in_the_clear() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    stage = a_transport(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    response = await stage.transport.send(GET)
    await stage.transport.close()
    server.close()
    await server.wait_closed()

    assert response.body == b"hi"
