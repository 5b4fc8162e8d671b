"""The fence: asked right before every try of a write, after all waiting."""

import asyncio

import pytest
from aiohttp import web

from registry_operator.kube.client import Client
from registry_operator.kube.resource import ObjectKey, Resource
from tests.unit.kube.server_stage import listening, serving

PODS = Resource("", "v1", "Pod", "pods")
POD = ObjectKey("default", "a")
BODY = {"metadata": {"namespace": "default", "name": "a"}}


class TooLateError(Exception):
    """What the fence raises here."""


async def test_a_write_that_waited_for_its_next_try_is_stopped_by_the_fence() -> None:
    arrived: list[str] = []

    def fence() -> None:
        if arrived:
            raise TooLateError

    async def busy(request: web.Request) -> web.Response:
        arrived.append(request.method)
        return web.Response(status=429, headers={"Retry-After": "3"})

    async with serving(busy) as stage:
        client = Client(stage.transport).fenced(fence)
        with pytest.raises(TooLateError):
            await client.apply(PODS, BODY, field_manager="tests")

    assert arrived == ["PATCH"]
    assert stage.slept == [3.0]


async def test_a_fenced_client_still_reads_and_sends_no_deletion() -> None:
    arrived: list[str] = []

    def fence() -> None:
        raise TooLateError

    async def pod(request: web.Request) -> web.Response:
        arrived.append(request.method)
        return web.json_response({"apiVersion": "v1", "kind": "Pod", **BODY})

    async with serving(pod) as stage:
        client = Client(stage.transport).fenced(fence)
        found = await client.get(PODS, POD)
        with pytest.raises(TooLateError):
            await client.delete(PODS, POD)
        with pytest.raises(TooLateError):
            await client.patch(PODS, POD, {}, kind="merge")

    assert found.name == "a"
    assert arrived == ["GET"]


async def test_the_fence_is_asked_again_when_the_connection_stands_and_the_bytes_could_leave() -> (
    None
):
    asked: list[str] = []
    arrived: list[str] = []

    def fence() -> None:
        asked.append("fence")
        if len(asked) == 2:
            # As after a stall while the connection was made.
            raise TooLateError

    async def pod(request: web.Request) -> web.Response:
        arrived.append(request.method)
        return web.json_response({"apiVersion": "v1", "kind": "Pod", **BODY})

    async with serving(pod) as stage:
        client = Client(stage.transport).fenced(fence)
        with pytest.raises(TooLateError):
            await client.apply(PODS, BODY, field_manager="tests")
        assert (len(stage.outcomes), stage.outcomes[0].code) == (1, "<error>")
        assert arrived == []
        await client.apply(PODS, BODY, field_manager="tests")

    assert arrived == ["PATCH"]


async def test_what_the_http_library_sends_again_by_itself_is_asked_for_again() -> None:
    arrived: list[bytes] = []

    def fence() -> None:
        if len(arrived) == 2:
            raise TooLateError

    async def once_then_gone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.append(b"first")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await reader.readuntil(b"\r\n\r\n")
        # A kept connection that dies under the second request.
        arrived.append(b"second")
        writer.close()

    async with listening(once_then_gone) as stage:
        client = Client(stage.transport).fenced(fence)
        await client.delete(PODS, POD)
        with pytest.raises(TooLateError):
            await client.delete(PODS, POD)

    assert arrived == [b"first", b"second"]
