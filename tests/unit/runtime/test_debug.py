"""The state over a real socket: on loopback, and nowhere else."""

import asyncio
import json
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from registry_operator.kube.client import Client
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.clock import SystemClock
from registry_operator.runtime.debug import DebugServer, loopback
from registry_operator.runtime.operator import Operator, Settings
from registry_operator.runtime.outcome import Blocked, Outcome
from registry_operator.testing.fake_transport import FakeTransport
from tests.unit.runtime.controller_stage import A, B

pytestmark = pytest.mark.real_time


async def blocked(key: ObjectKey) -> Outcome:
    return Blocked("WaitingForSecret", f"make the Secret of {key}")


@asynccontextmanager
async def serving(host: str = "127.0.0.1") -> AsyncIterator[tuple[aiohttp.ClientSession, int]]:
    """Two controllers, `one` and `two`, of which each has two keys that are blocked."""
    operator = Operator(
        Client(FakeTransport()), Settings("stage"), clock=SystemClock(), rng=random.Random(7)
    )
    controllers = [operator.controller(name, blocked) for name in ("one", "two")]
    runs = [asyncio.create_task(controller.run()) for controller in controllers]
    for controller in controllers:
        controller.enqueue(A)
        controller.enqueue(B)
    await asyncio.sleep(0.05)
    try:
        async with (
            DebugServer(operator.inspector, host=host, port=0) as server,
            aiohttp.ClientSession() as session,
        ):
            yield session, server.port
    finally:
        for run in runs:
            run.cancel()
        await asyncio.wait(runs)


async def ask(
    session: aiohttp.ClientSession, port: int, query: str = "", *, host: str = "127.0.0.1"
) -> tuple[int, str]:
    async with session.get(f"http://{host}:{port}/debug/state{query}") as response:
        return response.status, await response.text()


def keys(text: str) -> dict[str, list[str]]:
    state: Any = json.loads(text)
    return {one["name"]: [key["key"] for key in one["keys"]] for one in state["controllers"]}


async def test_the_state_is_json_about_every_controller() -> None:
    async with serving() as (session, port):
        status, text = await ask(session, port)

    assert status == 200
    assert keys(text) == {"one": [str(A), str(B)], "two": [str(A), str(B)]}


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("?controller=two", {"two": [str(A), str(B)]}),
        (f"?key={B}", {"one": [str(B)], "two": [str(B)]}),
        (f"?key={A}&controller=one", {"one": [str(A)]}),
        ("?key=nobody", {"one": [], "two": []}),
        ("?limit=1", {"one": [str(A)], "two": [str(A)]}),
    ],
)
async def test_a_query_narrows_it(query: str, told: dict[str, list[str]]) -> None:
    async with serving() as (session, port):
        status, text = await ask(session, port, query)

    assert (status, keys(text)) == (200, told)


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("?controller=three", 404, "there is no controller 'three', but one, two"),
        ("?key=a/b/c", 400, "'a/b/c' is neither"),
        ("?limit=all", 400, "limit 'all' is not a number"),
        ("?name=images", 400, "unknown: name; known: controller, key, limit"),
    ],
)
async def test_a_question_that_makes_no_sense_is_answered_with_what_does(
    query: str, status: int, words: str
) -> None:
    async with serving() as (session, port):
        answered, text = await ask(session, port, query)

    assert answered == status
    assert words in text


@pytest.mark.parametrize("name", ["evil.example", "evil.example:8082", "10.0.0.1", "a b"])
async def test_a_browser_that_was_led_here_under_another_name_is_refused(name: str) -> None:
    async with (
        serving() as (session, port),
        session.get(f"http://127.0.0.1:{port}/debug/state", headers={"Host": name}) as response,
    ):
        text = await response.text()

    assert response.status in {400, 403}
    assert str(A) not in text


@pytest.mark.parametrize("name", ["localhost", "localhost:1", "127.0.0.1", "[::1]:8082"])
async def test_every_name_of_loopback_may_be_asked_for(name: str) -> None:
    async with (
        serving() as (session, port),
        session.get(f"http://127.0.0.1:{port}/debug/state", headers={"Host": name}) as response,
    ):
        assert response.status == 200


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "10.0.0.1", "example.com", "127.0.0.1.nip"])
def test_an_address_that_others_could_reach_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="is not loopback: use localhost"):
        loopback(host)


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("localhost", ("127.0.0.1", "::1")),
        ("127.0.0.1", ("127.0.0.1",)),
        ("127.1.2.3", ("127.1.2.3",)),
        ("::1", ("::1",)),
    ],
)
def test_loopback_is_taken_as_it_is_named(host: str, addresses: tuple[str, ...]) -> None:
    assert loopback(host) == addresses


def has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


async def test_localhost_is_both_of_its_addresses_where_the_host_has_both() -> None:
    async with serving("localhost") as (session, port):
        assert (await ask(session, port))[0] == 200
        if has_ipv6():
            assert (await ask(session, port, host="[::1]"))[0] == 200


async def test_nobody_listens_on_an_address_of_the_network() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # No packet is sent: this asks which address of ours would be used.
        probe.connect(("192.0.2.1", 9))
        own = probe.getsockname()[0]
    async with serving("localhost") as (session, port):
        with pytest.raises(aiohttp.ClientConnectionError):
            await ask(session, port, host=own)


async def test_a_port_in_use_is_an_error_at_the_start_and_leaves_nothing_behind() -> None:
    async with serving() as (_, port):
        operator = Operator(
            Client(FakeTransport()), Settings("stage"), clock=SystemClock(), rng=random.Random(7)
        )
        with pytest.raises(OSError, match="address already in use"):
            await DebugServer(operator.inspector, host="localhost", port=port).__aenter__()


async def test_nothing_but_the_state_is_served() -> None:
    async with serving() as (session, port):
        for path in ("/", "/metrics", "/debug"):
            async with session.get(f"http://127.0.0.1:{port}{path}") as response:
                assert response.status == web.HTTPNotFound.status_code
        async with session.post(f"http://127.0.0.1:{port}/debug/state") as response:
            assert response.status == web.HTTPMethodNotAllowed.status_code


async def test_a_server_that_never_started_can_be_left() -> None:
    operator = Operator(
        Client(FakeTransport()), Settings("stage"), clock=SystemClock(), rng=random.Random(7)
    )
    await DebugServer(operator.inspector, host="localhost", port=0).__aexit__(None, None, None)
