"""Streams over real TLS on loopback: how they end, and that they leave nothing behind."""

import asyncio
import gc
from dataclasses import replace

import pytest
from aiohttp import web

from registry_operator.kube.client import Client
from registry_operator.kube.errors import Gone, RequestTimeout, TooManyRequests, TransportError
from registry_operator.kube.resource import Resource
from registry_operator.kube.watch import Added
from tests.unit.kube.server_stage import GET, LIMITS, RotatingIdentity, listening, serving

PODS = Resource("", "v1", "Pod", "pods")
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b'{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n'


def a_chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(EVENT)
    await asyncio.sleep(60)
    return response


async def test_a_stream_ends_cleanly_where_the_server_ends_it() -> None:
    async def short(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(3):
            await response.write(EVENT)
        return response

    async with serving(short) as stage, stage.transport.stream(GET) as chunks:
        assert stage.transport.stats().streams == 1
        assert b"".join([chunk async for chunk in chunks]) == EVENT * 3

    assert stage.transport.stats().streams == 0


async def test_an_object_may_be_larger_than_any_buffer() -> None:
    large = b'{"type":"ADDED","object":{"metadata":{"name":"' + b"x" * 8_000_000 + b'"}}}\n'

    async def heavy(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(large)
        return response

    async with serving(heavy) as stage, Client(stage.transport).watch(PODS) as events:
        (event,) = [event async for event in events]

    assert isinstance(event, Added)
    assert len(event.object.name) == 8_000_000


async def test_a_refused_stream_is_a_typed_error() -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "5"}, text="busy")

    async with serving(refuse) as stage:
        with pytest.raises(TooManyRequests, match="busy") as raised:
            async with stage.transport.stream(GET):
                raise AssertionError("it opened")
        assert stage.transport.stats().streams == 0

    assert raised.value.retry_after == 5.0
    assert stage.slept == []


async def test_an_expired_resource_version_is_gone_at_once() -> None:
    async def gone(_: web.Request) -> web.Response:
        body = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
        return web.json_response(body, status=410)

    async with serving(gone) as stage:
        with pytest.raises(Gone, match="GET /api/v1/pods: 410 Expired: too old"):
            async with stage.transport.stream(GET):
                raise AssertionError("it opened")


async def test_a_stream_renews_a_refused_token_too() -> None:
    async def picky(request: web.Request) -> web.StreamResponse:
        if request.headers["Authorization"] != "Bearer token-2":
            return web.Response(status=401)
        return web.Response(body=EVENT)

    async with (
        serving(picky, source=RotatingIdentity()) as stage,
        stage.transport.stream(GET) as chunks,
    ):
        assert await anext(chunks) == EVENT


async def test_a_half_open_connection_is_found_by_its_silence() -> None:
    async def stall(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + a_chunk(EVENT))
        await writer.drain()
        await asyncio.Event().wait()

    async with (
        listening(stall) as stage,
        stage.transport.stream(replace(GET, timeout=0.1)) as chunks,
    ):
        assert await anext(chunks) == EVENT
        with pytest.raises(RequestTimeout) as raised:
            await anext(chunks)

    assert raised.value.sent


async def test_a_stream_that_never_begins_times_out() -> None:
    async def silent(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with listening(silent, limits=replace(LIMITS, stream_idle=0.1)) as stage:
        with pytest.raises(RequestTimeout):
            async with stage.transport.stream(GET):
                raise AssertionError("it opened")


async def test_a_truncated_stream_is_no_clean_end() -> None:
    async def truncate(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + a_chunk(EVENT) + b"40\r\nhalf")
        await writer.drain()
        writer.close()

    async with listening(truncate) as stage, stage.transport.stream(GET) as chunks:
        with pytest.raises(TransportError) as raised:
            _ = [chunk async for chunk in chunks]

    assert raised.value.sent


async def test_streams_do_not_take_the_slots_of_requests() -> None:
    async def both(request: web.Request) -> web.StreamResponse:
        return await endless(request) if "watch" in request.query else web.Response(text="hi")

    watch = replace(GET, query=(("watch", "true"),))
    async with (
        serving(both, limits=replace(LIMITS, in_flight=1)) as stage,
        stage.transport.stream(watch) as one,
        stage.transport.stream(watch) as two,
    ):
        await anext(one)
        await anext(two)
        assert (await stage.transport.send(GET)).body == b"hi"


async def test_a_thousand_restarted_watches_leak_neither_connection_nor_task() -> None:
    async def watched(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(EVENT)
        if request.query["resourceVersion"] == "1":
            await asyncio.sleep(60)
        return response

    async with serving(watched, limits=replace(LIMITS, request=60.0)) as stage:
        client = Client(stage.transport)
        before = len(asyncio.all_tasks())
        for number in range(1000):
            # Half of them are left, as on cancellation; half end by themselves.
            async with client.watch(PODS, resource_version=str(number % 2)) as events:
                if number % 2:
                    await anext(events)
                else:
                    assert len([event async for event in events]) == 1
        await asyncio.sleep(0.1)
        stats = client.stats()
        session = stage.transport._streams_session
        assert session is not None
        connector = session.connector
        assert connector is not None
        idle = sum(len(kept) for kept in connector._conns.values())
        assert len(connector._acquired) == 0
        assert idle <= 1
        # The server's own task for the one idle connection may still be there.
        assert len(asyncio.all_tasks()) <= before + 2

    assert (stats.watches_opened, stats.watches_open) == (1000, 0)
    gc.collect()


async def test_a_cancelled_reader_closes_its_stream() -> None:
    async with serving(endless) as stage:
        seen = asyncio.Event()

        async def read() -> None:
            async with Client(stage.transport).watch(PODS) as events:
                async for _ in events:
                    seen.set()

        task = asyncio.create_task(read())
        await seen.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert stage.transport.stats().streams == 0
