"""A check of a registry, against one that can misbehave at any step."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count

import pytest
from aiohttp import web

from registry_operator.distribution.check import RESERVED, Check, Result, Verdict, perform
from registry_operator.distribution.image import ImageReference
from registry_operator.distribution.sample import sample_of

_Lie = Callable[[web.Request], Awaitable[web.StreamResponse]]
_CHUNK = 64


class Registry:
    """A small registry in memory. `lies` says what it answers instead, by step."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}
        self.seen: list[str] = []
        self.lies: dict[str, _Lie] = {}
        self.location = "/v2/{repository}/blobs/uploads/one?_state=a%3Db"
        self.corrupt: Callable[[bytes], bytes] = lambda data: data
        self.headers: dict[str, str] = {}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        step = self._step(request)
        self.seen.append(step)
        if step in self.lies:
            return await self.lies[step](request)
        return await self._honest(request, step)

    def _step(self, request: web.Request) -> str:
        kind = request.path.removeprefix(f"/v2/{RESERVED}/").split("/")[0]
        return f"{request.method} {kind}" if RESERVED in request.path else request.path

    async def _honest(self, request: web.Request, step: str) -> web.Response:
        digest = request.path.rsplit("/", 1)[1]
        match step:
            case "/" | "/v2/":
                return web.Response()
            case "POST blobs":
                location = self.location.format(repository=RESERVED)
                return web.Response(status=202, headers={"Location": location})
            case "PUT blobs":
                assert request.query["_state"] == "a=b"
                digest = request.query["digest"]
                self.stored[digest] = await request.read()
                return web.Response(status=201)
            case "PUT manifests":
                self.stored[digest] = await request.read()
                return web.Response(status=201)
            case "DELETE blobs" | "DELETE manifests":
                return web.Response(status=202 if self.stored.pop(digest, None) else 404)
        return self._found(digest)

    def _found(self, digest: str) -> web.Response:
        if digest not in self.stored:
            return web.Response(status=404)
        return web.Response(body=self.corrupt(self.stored[digest]), headers=self.headers)


@asynccontextmanager
async def serving(registry: Registry, port: int, address: str = "127.0.0.1") -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", registry.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, address, port).start()
    try:
        yield
    finally:
        await runner.cleanup()


@pytest.fixture
def registry() -> Registry:
    return Registry()


class Asking:
    """Checks the registry of a test."""

    def __init__(self, registry: Registry, port: int) -> None:
        self.registry = registry
        self.check = Check("127.0.0.1", port, seconds=5.0)

    async def __call__(self, *, nonce: bytes = b"n") -> Result:
        ticks = count()
        async with serving(self.registry, self.check.port):
            return await perform(self.check, nonce=nonce, clock=lambda: float(next(ticks)))


@pytest.fixture
def asking(registry: Registry, unused_tcp_port: int) -> Asking:
    return Asking(registry, unused_tcp_port)


def _status(
    code: int, text: str = "", headers: dict[str, str] | None = None, reason: str | None = None
) -> _Lie:
    async def lie(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=code, text=text, headers=headers, reason=reason)

    return lie


async def _silence(request: web.Request) -> web.Response:
    await asyncio.sleep(60)
    return web.Response()


async def _hang_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def test_an_image_is_pushed_pulled_and_deleted_and_nothing_is_left(asking: Asking) -> None:
    result = await asking()

    assert result == Result(Verdict.PASSED, "", "", 1.0)
    assert asking.registry.stored == {}
    blobs = ["POST blobs", "PUT blobs"] * 2
    pulled = ["GET manifests", "GET blobs", "GET blobs"]
    deleted = ["DELETE manifests", "DELETE blobs", "DELETE blobs"]
    assert asking.registry.seen == ["/", "/v2/", *blobs, "PUT manifests", *pulled, *deleted]


async def test_a_registry_with_an_address_of_ipv6_is_asked(
    registry: Registry, unused_tcp_port: int
) -> None:
    async with serving(registry, unused_tcp_port, "::1"):
        check = Check("::1", unused_tcp_port)
        assert (await perform(check, nonce=b"n", clock=lambda: 0)).verdict is Verdict.PASSED


@pytest.mark.parametrize(
    "location",
    [
        "http://other.example:1/v2/{repository}/blobs/uploads/one?_state=a%3Db",
        "//other.example/v2/{repository}/blobs/uploads/one?_state=a%3Db",
        "one?_state=a%3Db",
    ],
)
async def test_an_upload_goes_on_at_the_address_that_was_asked_whatever_host_is_named(
    asking: Asking, location: str
) -> None:
    asking.registry.location = location
    assert (await asking()).verdict is Verdict.PASSED


@pytest.mark.parametrize("location", ["", "http://[", "/v2/a b", "/v2/ü"])
async def test_a_location_that_leads_nowhere_fails_the_push(asking: Asking, location: str) -> None:
    asking.registry.lies["POST blobs"] = _status(
        202, headers={"Location": location} if location else None
    )
    result = await asking()
    assert (result.verdict, result.step) == (Verdict.FAILED, "push")
    assert "without a Location" in result.message


@pytest.mark.parametrize(
    ("lying", "step", "told"),
    [
        ("/v2/", "/v2/", "GET /v2/"),
        ("POST blobs", "push", "POST of an upload"),
        ("PUT blobs", "push", "PUT of a blob"),
        ("PUT manifests", "push", "PUT of the manifest"),
        ("GET manifests", "pull", "GET of the manifest"),
        ("GET blobs", "pull", "GET of a blob"),
        ("DELETE manifests", "delete", "DELETE of the manifest"),
        ("DELETE blobs", "delete", "DELETE of a blob"),
    ],
)
@pytest.mark.parametrize("lie", [_status(500), _hang_up])
async def test_the_step_that_is_not_answered_as_it_should_be_is_told(
    asking: Asking, lying: str, step: str, told: str, lie: _Lie
) -> None:
    asking.registry.lies[lying] = lie

    result = await asking()

    assert (result.verdict, result.step) == (Verdict.FAILED, step)
    assert result.message.startswith(told)
    assert ("500" in result.message) == (lie is not _hang_up)


async def test_a_registry_whose_own_check_fails_fails_at_the_first_step(asking: Asking) -> None:
    asking.registry.lies["/"] = _status(503)
    result = await asking()
    assert (result.verdict, result.step) == (Verdict.FAILED, "/")
    assert result.message == "GET / was answered 503, where 200 was due"


async def test_of_an_error_the_code_is_told_and_nothing_that_may_be_secret(asking: Asking) -> None:
    error = {"code": "UNKNOWN", "message": "bad", "detail": "AKIAEXAMPLE"}
    asking.registry.lies["PUT blobs"] = _status(500, json.dumps({"errors": [error]}))
    result = await asking()
    assert result.message == "PUT of a blob was answered 500 (UNKNOWN), where 201 was due"


@pytest.mark.parametrize("failing", ["PUT manifests", "GET manifests", "GET blobs"])
async def test_what_was_pushed_is_deleted_though_the_check_fails(
    asking: Asking, failing: str
) -> None:
    asking.registry.lies[failing] = _status(500)
    assert (await asking()).verdict is Verdict.FAILED
    assert asking.registry.stored == {}


@pytest.mark.parametrize(
    ("corrupt", "told"),
    [
        (lambda data: data[:-1], "cut off"),
        (lambda data: b"", "cut off"),
        (lambda data: data[:-1] + b"?", "not the one that was pushed"),
        (lambda data: data + b"x" * 1_000_000, "not the one that was pushed"),
    ],
)
async def test_other_bytes_than_were_pushed_fail_the_pull(
    asking: Asking, corrupt: Callable[[bytes], bytes], told: str
) -> None:
    asking.registry.corrupt = corrupt
    result = await asking()
    assert (result.verdict, result.step) == (Verdict.FAILED, "pull")
    assert told in result.message


async def test_the_digest_of_another_in_the_header_fails_the_pull(asking: Asking) -> None:
    asking.registry.headers = {"Docker-Content-Digest": "sha256:" + "0" * 64}
    result = await asking()
    assert (result.verdict, result.step) == (Verdict.FAILED, "pull")


async def test_a_body_that_ends_before_its_length_fails_the_pull(asking: Asking) -> None:
    async def truncate(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1024"})
        await response.prepare(request)
        await response.write(b"x" * _CHUNK)
        assert request.transport is not None
        request.transport.close()
        return response

    asking.registry.lies["GET blobs"] = truncate
    result = await asking()
    assert (result.verdict, result.step) == (Verdict.FAILED, "pull")
    assert result.message == "GET of a blob: the answer broke off"


async def test_an_answer_without_end_is_not_read_to_its_end(asking: Asking) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)

    asking.registry.lies["GET manifests"] = endless
    result = await asking()
    assert (result.step, result.verdict) == ("pull", Verdict.FAILED)
    assert "not the one that was pushed" in result.message


@pytest.mark.parametrize("step", ["/v2/", "POST blobs"])
async def test_a_registry_that_asks_who_comes_is_alive_and_no_more_is_checked(
    asking: Asking, step: str
) -> None:
    asking.registry.lies[step] = _status(401)
    result = await asking()
    assert (result.verdict, result.limited) == (Verdict.PASSED, "authentication is asked for")
    assert asking.registry.seen[-1] == step


async def test_a_registry_that_takes_no_pushes_passes_as_read_only(asking: Asking) -> None:
    asking.registry.lies["POST blobs"] = _status(405)
    result = await asking()
    assert (result.verdict, result.limited) == (Verdict.PASSED, "read-only")


async def test_nothing_is_pushed_where_nothing_should_be_written(asking: Asking) -> None:
    asking.check = replace(asking.check, writes=False)
    result = await asking()
    assert (result.verdict, result.limited) == (Verdict.PASSED, "read-only")
    assert asking.registry.seen == ["/", "/v2/"]


async def test_deletion_that_is_off_is_no_failure_and_told(asking: Asking) -> None:
    asking.registry.lies["DELETE manifests"] = _status(405)
    result = await asking()
    assert (result.verdict, result.limited) == (Verdict.PASSED, "deletion is off")


async def test_a_blob_that_somebody_else_deleted_is_no_failure(asking: Asking) -> None:
    asking.registry.lies["DELETE blobs"] = _status(404)
    assert (await asking()).verdict is Verdict.PASSED


async def test_a_blob_that_lies_in_a_bucket_is_not_fetched_from_there(asking: Asking) -> None:
    asking.registry.lies["GET blobs"] = _status(307, headers={"Location": "/elsewhere"})
    result = await asking()
    assert (result.verdict, result.limited) == (
        Verdict.PASSED,
        "blobs are redirected to the store",
    )
    assert "/elsewhere" not in asking.registry.seen


async def test_a_redirect_of_anything_else_is_a_failure_and_not_followed(asking: Asking) -> None:
    asking.registry.lies["/"] = _status(302, headers={"Location": "/elsewhere"})
    result = await asking()
    assert (result.verdict, result.step) == (Verdict.FAILED, "/")
    assert asking.registry.seen == ["/"]


async def test_the_prefix_of_the_configuration_is_before_the_interface_and_not_before_the_root(
    asking: Asking,
) -> None:
    asking.check = replace(asking.check, prefix="/below/")
    asking.registry.lies["/below/v2/"] = _status(401)
    assert (await asking()).verdict is Verdict.PASSED
    assert asking.registry.seen == ["/", "/below/v2/"]


async def test_where_nobody_listens_nothing_is_said_about_the_registry(
    unused_tcp_port: int,
) -> None:
    check = Check("127.0.0.1", unused_tcp_port)
    result = await perform(check, nonce=b"n", clock=lambda: 0.0)
    assert (result.verdict, result.step) == (Verdict.UNREACHABLE, "/")
    assert result.message == "GET /: there is no connection: Connection refused"


@pytest.mark.parametrize("lie", [_silence, _hang_up])
async def test_before_any_answer_it_is_unreachable_whatever_is_amiss(
    asking: Asking, lie: _Lie
) -> None:
    asking.check = replace(asking.check, seconds=0.2)
    asking.registry.lies["/"] = lie
    assert (await asking()).verdict is Verdict.UNREACHABLE


async def test_silence_after_an_answer_is_a_failure(asking: Asking) -> None:
    asking.check = replace(asking.check, seconds=0.3)
    asking.registry.lies["PUT blobs"] = _silence
    result = await asking()
    assert (result.verdict, result.step) == (Verdict.FAILED, "push")
    assert result.message == "PUT of a blob: no answer came in time"


async def test_something_that_does_not_speak_http_is_a_failure(unused_tcp_port: int) -> None:
    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+PONG\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", unused_tcp_port):
        check = Check("127.0.0.1", unused_tcp_port)
        result = await perform(check, nonce=b"n", clock=lambda: 0.0)
    assert (result.verdict, result.step) == (Verdict.FAILED, "/")


async def test_who_cancels_a_check_does_not_wait_for_it(asking: Asking) -> None:
    reached = asyncio.Event()

    async def silence(request: web.Request) -> web.Response:
        reached.set()
        return await _silence(request)

    asking.registry.lies["PUT blobs"] = silence
    task = asyncio.create_task(asking())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_each_nonce_has_bytes_of_its_own_and_always_the_same() -> None:
    one, same, other = sample_of(b"1"), sample_of(b"1"), sample_of(b"2")
    assert one == same
    assert not {one.blob, one.config, one.manifest} & {other.blob, other.config, other.manifest}
    assert one.blob.digest == f"sha256:{hashlib.sha256(one.blob.data).hexdigest()}"
    assert len(one.blob.data) == 1024


def test_the_reserved_repository_is_one_that_a_registry_takes() -> None:
    assert ImageReference.parse(f"localhost/{RESERVED}").repository == RESERVED
