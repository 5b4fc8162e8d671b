"""A scripted `Transport`: the test says what is answered, the fake remembers what was asked.

In flow expectations (first match wins, in the order given) and the events a test feeds into a
stream; out flow answers, failures and chunks. A request nobody expected raises AssertionError
with the script, so that a test cannot pass by talking past it. It never touches the network and
waits through the event loop only, so it runs in virtual time.

    transport = FakeTransport()
    transport.expect(on("GET", "/api/v1/secrets"), an_answer(a_list("Secret", [], "7")))
    stream = transport.expect_stream(on("GET", "/api/v1/secrets", watch="true"))
    stream.added(body); stream.bookmark("9"); stream.end()
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from registry_operator.kube.errors import ApiError, KubeError, RequestTimeout, TransportError
from registry_operator.kube.exchange import Request, Response
from registry_operator.kube.watch import INITIAL_EVENTS_END

Reply = Response | KubeError | Callable[[Request], Response]


@dataclass(frozen=True, slots=True)
class Match:
    """Which requests an expectation is for: `query` must be contained in the request's."""

    method: str | None
    path: str | None
    query: tuple[tuple[str, str], ...] = ()

    def __call__(self, request: Request) -> bool:
        return (
            self.method in {None, request.method}
            and self.path in {None, request.path}
            and set(self.query) <= set(request.query)
        )


def on(method: str | None = None, path: str | None = None, **query: str) -> Match:
    """Match requests by method, exact path and part of the query; None matches any."""
    return Match(method, path, tuple(query.items()))


def an_answer(
    body: Mapping[str, Any] | bytes = b"{}",
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Make an answer; a mapping is written as JSON."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return Response(status, headers or {}, raw)


def a_status(
    status: int,
    reason: str = "",
    message: str = "",
    *,
    details: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Make the body of a meta/v1 Status that says no."""
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": status,
        "reason": reason,
        "message": message,
    }
    return body | ({"details": dict(details)} if details else {})


def a_refusal(error: ApiError) -> Response:
    """Make the answer from which the client makes this error."""
    body = a_status(error.status, error.reason, error.message, details=error.details)
    wait = error.retry_after
    headers = {} if wait is None else {"retry-after": str(round(wait))}
    return an_answer(body, status=error.status, headers=headers)


def a_list(
    kind: str,
    items: Sequence[Mapping[str, Any]],
    resource_version: str,
    *,
    continue_token: str = "",
) -> dict[str, Any]:
    """Make the body of a list of `kind`."""
    metadata = {"resourceVersion": resource_version}
    if continue_token:
        metadata["continue"] = continue_token
    return {"kind": f"{kind}List", "metadata": metadata, "items": list(items)}


class FakeStream:
    """The server's end of one watch, in the test's hands. What is fed before it is opened waits."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes | KubeError | None] = asyncio.Queue()
        self._opened = asyncio.Event()
        self.request: Request | None = None
        self.is_open = False

    async def opened(self) -> Request:
        """Wait until somebody opens it; return with what request."""
        await self._opened.wait()
        assert self.request is not None
        return self.request

    def feed(self, chunk: bytes) -> None:
        """Send bytes as they are."""
        self._queue.put_nowait(chunk)

    def event(self, kind: str, body: Mapping[str, Any]) -> None:
        """Send an event of any type."""
        self.feed(orjson.dumps({"type": kind, "object": body}) + b"\n")

    def added(self, body: Mapping[str, Any]) -> None:
        self.event("ADDED", body)

    def modified(self, body: Mapping[str, Any]) -> None:
        self.event("MODIFIED", body)

    def deleted(self, body: Mapping[str, Any]) -> None:
        self.event("DELETED", body)

    def bookmark(self, resource_version: str, *, initial_events_end: bool = False) -> None:
        annotations = {INITIAL_EVENTS_END: "true"} if initial_events_end else {}
        metadata = {"resourceVersion": resource_version, "annotations": annotations}
        self.event("BOOKMARK", {"metadata": metadata})

    def error(self, status: int, reason: str = "", message: str = "") -> None:
        """Send an ERROR event; the stream stays open until `end`."""
        self.event("ERROR", a_status(status, reason, message))

    def end(self) -> None:
        """End cleanly."""
        self._queue.put_nowait(None)

    def cut(self) -> None:
        """Break the connection."""
        self.fail(TransportError("the connection was cut", sent=True))

    def fail(self, error: KubeError) -> None:
        """Raise `error` where the stream is read."""
        self._queue.put_nowait(error)

    @asynccontextmanager
    async def open(self, request: Request) -> AsyncIterator[AsyncIterator[bytes]]:
        """Serve it to `request`; for the fake transport."""
        self.request = request
        self.is_open = True
        self._opened.set()
        try:
            async with aclosing(self._chunks(request.timeout)) as chunks:
                yield chunks
        finally:
            self.is_open = False

    async def _chunks(self, idle: float | None) -> AsyncGenerator[bytes]:
        while True:
            try:
                async with asyncio.timeout(idle):
                    chunk = await self._queue.get()
            except TimeoutError as error:
                raise RequestTimeout("no byte came in time", sent=True) from error
            if chunk is None:
                return
            if isinstance(chunk, KubeError):
                raise chunk
            yield chunk


@dataclass(slots=True)
class _Expectation:
    match: Callable[[Request], bool]
    reply: Reply | FakeStream
    times: int | None
    is_stream: bool = field(default=False)


class FakeTransport:
    """Answers by script. `requests` is everything that was asked, streams included, in order."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.is_closed = False
        self._script: list[_Expectation] = []

    def expect(
        self, match: Callable[[Request], bool], reply: Reply, *, times: int | None = 1
    ) -> None:
        """Answer the next `times` matching requests by `reply` (None: for ever)."""
        self._script.append(_Expectation(match, reply, times))

    def expect_stream(self, match: Callable[[Request], bool]) -> FakeStream:
        """Serve one matching stream from what the test feeds."""
        stream = FakeStream()
        self._script.append(_Expectation(match, stream, 1, is_stream=True))
        return stream

    def refuse_stream(
        self, match: Callable[[Request], bool], error: KubeError, *, times: int | None = 1
    ) -> None:
        """Raise `error` where the next `times` matching streams are opened."""
        self._script.append(_Expectation(match, error, times, is_stream=True))

    def unmet(self) -> list[Callable[[Request], bool]]:
        """Return what was expected but not asked."""
        return [expected.match for expected in self._script if expected.times is not None]

    async def send(self, request: Request) -> Response:
        self.requests.append(request)
        # As a network does: nobody may rely on an answer without a switch of tasks.
        await asyncio.sleep(0)
        if request.fence is not None:
            request.fence()
        reply = self._take(request, is_stream=False)
        if isinstance(reply, KubeError):
            raise reply
        if isinstance(reply, Response):
            return reply
        assert not isinstance(reply, FakeStream), "a stream cannot answer a request"
        return reply(request)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[AsyncIterator[bytes]]:
        self.requests.append(request)
        await asyncio.sleep(0)
        reply = self._take(request, is_stream=True)
        if isinstance(reply, KubeError):
            raise reply
        assert isinstance(reply, FakeStream), "only a stream can answer a stream"
        async with reply.open(request) as chunks:
            yield chunks

    async def close(self) -> None:
        self.is_closed = True

    def _take(self, request: Request, *, is_stream: bool) -> Reply | FakeStream:
        for index, expected in enumerate(self._script):
            if expected.is_stream == is_stream and expected.match(request):
                if expected.times is not None:
                    expected.times -= 1
                    if expected.times == 0:
                        del self._script[index]
                return expected.reply
        script = "\n  ".join(str(expected.match) for expected in self._script) or "nothing"
        raise AssertionError(f"nobody expected {request}; the script still has:\n  {script}")
