"""HTTP between a client and the registry: a request, whether its answer is right, how long it took.

In flow requests; out flow answers, and every request is in the tally. Nothing is tried again, with
one exception that is counted by itself (`resent`). A server may end an idle connection at any time,
also while a request is on its way. So one that used a kept connection is sent once more, on a new
one, when the first was closed before a byte of the request left, or, for GET and HEAD, before a
byte of the answer came. RFC 9110, 9.2.2, lets clients do so, and those written in Go (docker,
containerd, crane, skopeo) do just this. PUT would be allowed too, but they don't: it fails.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace, TracebackType
from typing import Self

import aiohttp
from yarl import URL

from hack.load.connector import KeepingConnector
from hack.load.failure import CutError, Kind, RequestError, failed_by
from hack.load.tally import Tally

_SAFE = frozenset({"GET", "HEAD"})
_IDLE_SECONDS = 90.0  # as clients written in Go keep connections
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def _anything(_answer: Answer) -> None:
    """No more than the status is expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request, and which answers to it are right; `check` raises RequestError for others."""

    operation: str
    method: str
    url: str
    right: frozenset[int]
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    check: Callable[[Answer], None] = _anything


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a client waits: for a connection, and for all of an answer."""

    connect: float = 10.0
    answer: float = 30.0


@dataclass(frozen=True, slots=True)
class Login:
    """A user and a password, for basic authentication."""

    user: str
    password: str = field(repr=False)

    @property
    def headers(self) -> Mapping[str, str]:
        """What tells them to the registry."""
        pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}


class Wire:
    """Speaks to `base`, by connections that are kept, or by a new one for each request."""

    def __init__(
        self,
        base: str,
        tally: Tally,
        *,
        clock: Callable[[], float],
        kept: bool,
        patience: Patience,
        login: Login | None = None,
    ) -> None:
        self._base = URL(base)
        self._tally = tally
        self._clock = clock
        limits = aiohttp.ClientTimeout(total=patience.answer, sock_connect=patience.connect)

        def session(*, kept: bool) -> aiohttp.ClientSession:
            connector = (
                KeepingConnector(keepalive_timeout=_IDLE_SECONDS)
                if kept
                else aiohttp.TCPConnector(limit=0, force_close=True)
            )
            return aiohttp.ClientSession(
                connector=connector,
                timeout=limits,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept-Encoding": "identity", **(login.headers if login else {})},
                middlewares=(_sent_once,),
                trace_configs=[self._traced()],
            )

        self._new = session(kept=False)
        self._usual = session(kept=True) if kept else self._new

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for session in {self._usual, self._new}:
            await session.close()

    async def ask(self, request: Request, *, due: float | None = None) -> Answer:
        """The right answer to a request that was `due` then (or now).

        Raises RequestError for any other.
        """
        began = self._clock() if due is None else due
        try:
            answer = await self._answered(request)
            _judge(request, answer)
        except RequestError as failed:
            self._tally.failed(request.operation, failed, due=began, ended=self._clock())
            raise
        self._tally.went_well(request.operation, due=began, ended=self._clock())
        return answer

    async def _answered(self, request: Request) -> Answer:
        way = SimpleNamespace(reused=False)
        try:
            return await self._send(self._usual, request, way)
        except RequestError as failed:
            again = failed.unsent or (failed.silent and request.method in _SAFE)
            if not (way.reused and again):
                raise
        self._tally.resent += 1
        return await self._send(self._new, request, way)

    async def _send(
        self, session: aiohttp.ClientSession, request: Request, way: SimpleNamespace
    ) -> Answer:
        try:
            async with session.request(
                request.method,
                self._base.join(URL(request.url, encoded=True)),
                data=request.body,
                headers=request.headers,
                allow_redirects=request.method in _SAFE,
                trace_request_ctx=way,
            ) as response:
                body = await response.read()
                return Answer(response.status, response.headers, body)
        except (CutError, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise failed_by(error) from error

    def _traced(self) -> aiohttp.TraceConfig:
        traced = aiohttp.TraceConfig()

        async def opened(_session: object, _way: SimpleNamespace, _about: object) -> None:
            self._tally.opened += 1

        async def reused(_session: object, way: SimpleNamespace, _about: object) -> None:
            way.trace_request_ctx.reused = True

        traced.on_connection_create_end.append(opened)
        traced.on_connection_reuseconn.append(reused)
        return traced


async def _sent_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keeps aiohttp from sending a request again: it would do so by itself, and tell nobody."""
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise CutError(error) from error


def _judge(request: Request, answer: Answer) -> None:
    if answer.status not in request.right:
        shown = answer.body[:_SHOWN].decode(errors="replace")
        raise RequestError(Kind.STATUS, f"{request.method} {request.url}: {answer.status} {shown}")
    request.check(answer)
