"""How pods are asked: over HTTP, with bounds, and no more of them at once than that costs little."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import web

from controllers.kinds import POD
from controllers.registry.pod_template import DEBUG_PORT as SERVED
from controllers.registry.rounds import DEBUG_PORT, Question, Rounds, ask
from registry_operator.runtime.store import Store
from registry_operator.testing.builders import a_pod, a_registry, an_object
from registry_operator.testing.virtual_loop import VirtualClock

_LONGEST = 262_144


@asynccontextmanager
async def serving(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]],
    port: int,
    *,
    address: str = "127.0.0.1",
) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, address, port).start()
    try:
        yield
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_the_debug_endpoint_is_asked_over_http_and_a_long_answer_is_cut(
    address: str, unused_tcp_port: int
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=request.path.encode() + b"x" * 1_000_000)

    async with serving(answer, unused_tcp_port, address=address):
        found = await ask(address, "/debug/health", port=unused_tcp_port)

    assert found.startswith(b"/debug/health")
    assert len(found) == _LONGEST


async def test_an_answer_that_comes_in_pieces_is_read_to_its_end(unused_tcp_port: int) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(3):
            await response.write(b"piece\n")
            await asyncio.sleep(0.01)
        return response

    async with serving(answer, unused_tcp_port):
        assert await ask("127.0.0.1", "/metrics", port=unused_tcp_port) == b"piece\n" * 3


async def test_nobody_is_led_elsewhere_nor_unpacks_what_may_be_endless(
    unused_tcp_port: int,
) -> None:
    packed = gzip.compress(b"x" * 9_999)

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/packed":
            return web.Response(body=packed, headers={"Content-Encoding": "gzip"})
        raise web.HTTPFound("/packed", text="elsewhere")

    async with serving(answer, unused_tcp_port):
        assert await ask("127.0.0.1", "/", port=unused_tcp_port) == b"elsewhere"
        assert await ask("127.0.0.1", "/packed", port=unused_tcp_port) == packed


async def test_a_port_where_nobody_listens_is_an_os_error(unused_tcp_port: int) -> None:
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await ask("127.0.0.1", "/", port=unused_tcp_port)


def test_the_port_that_is_asked_is_the_one_that_pods_open() -> None:
    assert DEBUG_PORT == SERVED


@pytest.mark.virtual
async def test_a_thousand_pods_that_do_not_answer_are_tried_a_few_at_once_with_a_pause_after_each_round(
    clock: VirtualClock,
) -> None:
    store, begun, at_once = Store(POD), [], [0]

    async def silence(address: str, path: str) -> bytes:
        begun.append(clock.monotonic())
        at_once.append(at_once[-1] + 1)
        await clock.sleep(3)
        at_once.append(at_once[-1] - 1)
        raise TimeoutError(address, path)

    question = Question("/", 30.0, lambda _pod: True)
    rounds = Rounds(store, question, asker=silence, clock=clock, heard=lambda _pod, _answer: None)
    writer = store.writer()
    for number in range(1000):
        writer.upsert(an_object(a_pod(a_registry(), f"p{number}")))
    task = asyncio.create_task(rounds.run())
    await clock.sleep(63 * 3 + 29)
    first = len(begun)
    await clock.sleep(3)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

    assert first == 1000
    assert len(begun) == 1016
    assert max(at_once) == 16
