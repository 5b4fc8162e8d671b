"""The load against a registry that misbehaves: what fails is counted, by its kind, and only that."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from aiohttp import web

from hack.load.address import Address
from hack.load.failure import RequestError
from hack.load.load import Load, Plan
from hack.load.tally import Report
from hack.load.wire import Login, Patience
from tests.unit.hack.load.server import RegistryServer, cut, serving

_FAST = Plan(rate=200, seconds=1)
_IMPATIENT = Plan(rate=200, seconds=0.5, patience=Patience(answer=1.5))


async def load(
    misbehave: Callable[[web.Request], Awaitable[web.StreamResponse | None]] | None = None,
    *,
    plan: Plan = _FAST,
    login: Login | None = None,
    server: RegistryServer | None = None,
) -> Report:
    """Runs a load on a registry that begins to misbehave once the load has begun."""
    server = server or RegistryServer()
    async with serving(server) as address, Load(address, plan, login=login) as running:
        if misbehave is not None:
            server.misbehave = misbehave
        await running.over()
    return running.report()


def kinds(report: Report) -> set[str]:
    return {kind for row in report.operations.values() for kind in row.failed}


def on(
    method: str, words: str, act: Callable[[web.Request], web.StreamResponse]
) -> Callable[[web.Request], Awaitable[web.StreamResponse | None]]:
    """Misbehaves for one method and for paths with these words."""

    async def misbehave(request: web.Request) -> web.StreamResponse | None:
        return act(request) if request.method == method and words in request.path else None

    return misbehave


async def test_a_registry_that_behaves_fails_no_request_and_is_asked_everything() -> None:
    report = await load()

    assert report.failures == ()
    assert report.failed == report.resent == 0
    assert report.last_failure is None
    assert set(report.operations) == {
        *("head manifest", "get manifest by tag", "get manifest by digest"),
        *("head blob", "get blob", "get part of blob", "list tags"),
        *("look for blob", "start upload", "put blob", "patch chunk", "finish chunks"),
        *("mount blob", "put manifest", "put index"),
    }


async def test_requests_come_at_the_rate_that_is_asked_for() -> None:
    report = await load(plan=Plan(rate=200, seconds=2))

    # 22 to prepare; the last journey is begun before the end, and goes on.
    assert 400 <= report.requests <= 435


async def test_half_of_the_journeys_have_a_new_connection_for_each_request() -> None:
    report = await load()

    assert 0.3 * report.requests < report.opened < 0.7 * report.requests


async def test_a_stall_of_the_registry_is_seen_as_latency_and_not_as_fewer_requests() -> None:
    begun: list[float] = []

    async def stall(_request: web.Request) -> None:
        begun.append(time.monotonic())
        await asyncio.sleep(max(0.0, begun[0] + 0.6 - time.monotonic()))

    usual, stalled = await load(), await load(stall)

    assert stalled.failed == 0
    assert stalled.journeys == usual.journeys
    assert stalled.latency.most > 0.4


async def test_more_journeys_than_may_run_at_once_begin_late_and_that_is_told() -> None:
    async def slow(_request: web.Request) -> None:
        await asyncio.sleep(0.05)

    report = await load(slow, plan=Plan(rate=400, seconds=0.2, most=2))

    assert report.late > 0.2
    assert report.latency.most > 0.2


async def test_an_answer_of_another_status_is_a_failure_of_status() -> None:
    report = await load(on("GET", "/blobs/", lambda _: web.Response(status=503, text="no store")))

    assert kinds(report) == {"status"}
    assert report.operations["get blob"].failed == {"status": report.failed - parts(report)}
    assert "503 no store" in report.failures[0].words


def parts(report: Report) -> int:
    return sum(report.operations["get part of blob"].failed.values())


async def test_content_that_is_not_what_was_pushed_is_a_wrong_digest() -> None:
    report = await load(on("GET", "/blobs/", lambda _: web.Response(body=b"something else")))

    assert "wrong digest" in kinds(report)
    assert sum(report.operations["get blob"].failed.values()) > 0


async def test_a_tag_that_names_another_image_is_a_wrong_digest() -> None:
    other = {"Docker-Content-Digest": "sha256:0"}
    report = await load(on("HEAD", "/manifests/", lambda _: web.Response(headers=other)))

    assert kinds(report) == {"wrong digest"}


async def test_an_answer_that_ends_before_its_content_is_truncated() -> None:
    async def break_off(request: web.Request) -> web.StreamResponse | None:
        if request.method != "GET" or "/blobs/" not in request.path:
            return None
        response = web.StreamResponse(headers={"Content-Length": "4096"})
        await response.prepare(request)
        await response.write(b"x" * 10)
        assert request.transport is not None
        request.transport.close()
        return response

    report = await load(break_off)

    assert kinds(report) == {"truncated"}


async def test_a_list_without_a_tag_that_was_pushed_is_a_wrong_answer() -> None:
    report = await load(on("GET", "/tags/", lambda _: web.json_response({"tags": []})))

    assert kinds(report) == {"wrong answer"}
    assert report.operations["list tags"].failed == {"wrong answer": report.failed}


async def test_no_answer_in_time_is_a_timeout() -> None:
    async def never(request: web.Request) -> None:
        await asyncio.sleep(2.5 if "/tags/" in request.path else 0)

    report = await load(never, plan=_IMPATIENT)

    assert kinds(report) == {"timeout"}
    assert report.operations["list tags"].failed == {"timeout": report.failed}


async def test_a_port_on_which_nobody_listens_any_more_refuses() -> None:
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(serving(RegistryServer()))
        async with Load(address, _IMPATIENT) as running:
            await stack.aclose()
            await running.over()

    assert "refused" in kinds(running.report())


async def test_nothing_can_be_loaded_where_nothing_can_be_pushed() -> None:
    server = RegistryServer(on("PUT", "/manifests/", lambda _: web.Response(status=500)))
    async with serving(server) as address:
        with pytest.raises(RequestError, match="500"):
            async with Load(address, _FAST):
                pass


async def test_a_request_on_a_new_connection_that_is_closed_is_not_sent_again() -> None:
    server = RegistryServer()
    report = await load(on("HEAD", "/manifests/", cut), server=server)

    asked = report.operations["head manifest"].requests
    failed = report.operations["head manifest"].failed["reset"]
    assert asked == failed
    # Those on kept connections are sent again, once, on a new one.
    others = sum(
        row.requests
        for name, row in report.operations.items()
        if name in {"head blob", "look for blob"}
    )
    assert server.seen["HEAD"] == asked + others + report.resent
    assert 0 < report.resent < asked


async def test_a_get_on_a_kept_connection_that_is_closed_is_sent_again_and_counted() -> None:
    requests_on: Counter[object] = Counter()

    async def close_the_second(request: web.Request) -> web.StreamResponse | None:
        requests_on[request.protocol] += 1
        is_kept = requests_on[request.protocol] > 1
        return cut(request) if request.method == "GET" and is_kept else None

    report = await load(close_the_second)

    assert report.failures == ()
    assert report.resent > 0


async def test_a_push_on_a_kept_connection_that_is_closed_fails() -> None:
    requests_on: Counter[object] = Counter()

    async def close_the_second(request: web.Request) -> web.StreamResponse | None:
        requests_on[request.protocol] += 1
        is_kept = requests_on[request.protocol] > 1
        return cut(request) if request.method in {"PUT", "POST"} and is_kept else None

    report = await load(close_the_second)

    assert kinds(report) == {"reset"}
    assert report.resent == 0


async def test_a_user_and_a_password_are_sent() -> None:
    async def check(request: web.Request) -> web.StreamResponse | None:
        is_known = request.headers.get("Authorization") == "Basic YW5uYTpzZWNyZXQ="
        return None if is_known else web.Response(status=401)

    report = await load(login=Login("anna", "secret"), server=RegistryServer(check), plan=_FAST)

    assert report.failures == ()


def test_a_load_goes_to_addresses_of_our_own_only() -> None:
    assert Address.parse("localhost:5000").url == "http://127.0.0.1:5000/"
    assert Address.parse("[::1]:5000").url == "http://[::1]:5000/"
    for other in ("8.8.8.8:80", "registry.example.com:443", "127.0.0.1:"):
        with pytest.raises(ValueError, match=r"."):
            Address.parse(other)


@pytest.mark.parametrize("wrong", [{"rate": 0}, {"rate": 2000}, {"seconds": 4000}, {"size": 1}])
def test_a_load_is_bounded(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"at most|bytes"):
        Plan(**wrong)  # type: ignore[arg-type] # one of the numbers
