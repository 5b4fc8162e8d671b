"""A kept connection that the server has closed is not used, however busy the client was."""

import asyncio
import time

from aiohttp import web

from hack.load.tally import Tally
from hack.load.wire import Patience, Request, Wire
from tests.unit.hack.load.server import RegistryServer
from tests.unit.hack.load.test_load_thread import in_a_thread

_START = Request(
    operation="start upload",
    method="POST",
    url="/v2/one/blobs/uploads/",
    right=frozenset({202}),
)


async def test_what_was_closed_while_the_loop_was_busy_is_not_sent_on() -> None:
    server_side: list[tuple[asyncio.AbstractEventLoop, asyncio.BaseTransport]] = []

    async def remember(request: web.Request) -> None:
        assert request.transport is not None
        server_side.append((asyncio.get_running_loop(), request.transport))

    tally = Tally(time.monotonic())
    with in_a_thread(RegistryServer(remember)) as address:
        async with Wire(
            address.url, tally, clock=time.monotonic, kept=True, patience=Patience()
        ) as wire:
            await wire.ask(_START)
            await wire.ask(_START)
            loop, transport = server_side[-1]
            loop.call_soon_threadsafe(transport.close)
            time.sleep(0.3)  # noqa: ASYNC251 - the loop is busy, on purpose
            await wire.ask(_START)

    assert server_side[0][1] is server_side[1][1]
    assert server_side[2][1] is not transport
    assert (tally.count.requests, tally.count.failed, tally.resent) == (3, 0, 0)
