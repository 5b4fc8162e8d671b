"""The fence: asked right before every try of a write, after all waiting."""

import pytest
from aiohttp import web

from registry_operator.kube.client import Client
from registry_operator.kube.resource import ObjectKey, Resource
from tests.unit.kube.server_stage import serving

PODS = Resource("", "v1", "Pod", "pods")
POD = ObjectKey("default", "a")
BODY = {"metadata": {"namespace": "default", "name": "a"}}


class TooLateError(Exception):
    """What the fence raises here."""


async def test_a_write_that_waited_for_its_next_try_is_stopped_by_the_fence() -> None:
    asked: list[str] = []
    arrived: list[str] = []

    def fence() -> None:
        if asked:
            raise TooLateError
        asked.append("once")

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
