"""HTTP to the API server: with `fenced_body.py` the only module here that knows aiohttp.

In flow `Request`s; out flow `Response`s and streams, or a TransportError. Every wait has an end:
for a slot, to connect, for the answer, for the next byte of a stream. Short requests share a
bounded pool; streams live for minutes and have connections of their own, so that no number of
watches can starve a write.

    send:    slot ─▶ token ─▶ HTTP ─▶ 401? once with a fresh token ─▶ Retry-After? wait without
    slot ─▶ answer stream:          token ─▶ HTTP ─▶ 401? once with a fresh token ─▶ chunks … end
    │ cut │ silence
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from registry_operator.kube.credentials import Credentials
from registry_operator.kube.errors import ApiError, RequestTimeout, TransportError
from registry_operator.kube.exchange import Request, RequestOutcome, Response, Transport
from registry_operator.kube.fenced_body import fenced
from registry_operator.kube.retry import RetryPolicy

__all__ = [
    "HttpTransport",
    "Request",
    "RequestOutcome",
    "Response",
    "Transport",
    "TransportLimits",
    "TransportStats",
    "host_and_port",
]

_ERROR: Final = "<error>"


@dataclass(frozen=True, slots=True)
class TransportLimits:
    """Times in seconds. `stream_idle` is for streams whose request names no timeout."""

    in_flight: int = 64
    connect: float = 5.0
    request: float = 30.0
    stream_idle: float = 300.0
    # Shorter than a Go server's 90 s, so that we rarely write on a connection that it is closing.
    keep_alive: float = 30.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)


@dataclass(frozen=True, slots=True)
class TransportStats:
    """`in_flight` and `streams` are now, the others since the start."""

    in_flight: int
    streams: int
    requests: int
    retries: int
    failures: int
    reauthorizations: int


class HttpTransport:
    """One API server over HTTP/1.1. Belongs to the event loop it is first used on.

    `observer` is told of every try; `sleep` waits between tries.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        user_agent: str,
        limits: TransportLimits | None = None,
        observer: Callable[[RequestOutcome], None] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._credentials = credentials
        self._user_agent = user_agent
        self._limits = limits or TransportLimits()
        self._observe = observer or (lambda _outcome: None)
        self._sleep = sleep
        self._whole_timeout = aiohttp.ClientTimeout(
            total=self._limits.request, sock_connect=self._limits.connect
        )
        self._slots = asyncio.Semaphore(self._limits.in_flight)
        self._host = host_and_port(URL(credentials.server))
        self._requests_session: aiohttp.ClientSession | None = None
        self._streams_session: aiohttp.ClientSession | None = None
        self._is_closed = False
        self._in_flight = 0
        self._streams = 0
        self._requests = 0
        self._retries = 0
        self._failures = 0
        self._reauthorizations = 0

    def stats(self) -> TransportStats:
        return TransportStats(
            in_flight=self._in_flight,
            streams=self._streams,
            requests=self._requests,
            retries=self._retries,
            failures=self._failures,
            reauthorizations=self._reauthorizations,
        )

    async def send(self, request: Request) -> Response:
        """Return the answer of whatever status; waits and repeats as `RetryPolicy` allows.

        Raises TransportError.
        """
        tried = 0
        while True:
            async with self._slots:
                response = await self._whole(request, retried=tried > 0)
            tried += 1
            delay = self._limits.retry.delay(request, response, tried=tried)
            if delay is None:
                return response
            self._retries += 1
            await self._sleep(delay)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a long answer; see `Transport.stream`.

        Leaving closes the connection unless it was read to its end.
        """
        session = self._session(streams=True)
        idle = self._limits.stream_idle if request.timeout is None else request.timeout
        timeout = aiohttp.ClientTimeout(sock_connect=self._limits.connect, sock_read=idle)
        async with AsyncExitStack() as stack:
            response = await self._authorized(session, request, timeout=timeout)
            stack.callback(response.close)
            if not 200 <= response.status < 300:
                with _mapped(request):
                    # A proxy may send an endless page; what matters stands at its beginning.
                    body = await response.content.read(64 * 1024)
                raise ApiError.from_response(
                    response.status,
                    body,
                    method=request.method,
                    path=request.path,
                    headers=_headers(response),
                )
            self._streams += 1
            stack.callback(self._stream_ended)
            yield await stack.enter_async_context(aclosing(_chunks(request, response)))

    async def close(self) -> None:
        """Close every connection; running calls raise TransportError."""
        self._is_closed = True
        for session in (self._requests_session, self._streams_session):
            if session is not None:
                await session.close()

    def _stream_ended(self) -> None:
        self._streams -= 1

    async def _whole(self, request: Request, *, retried: bool) -> Response:
        session = self._session(streams=False)
        timeout = self._whole_timeout
        if request.timeout is not None:
            timeout = aiohttp.ClientTimeout(
                total=request.timeout, sock_connect=self._limits.connect
            )
        self._in_flight += 1
        try:
            response = await self._authorized(session, request, timeout=timeout, retried=retried)
            try:
                with _mapped(request):
                    body = await response.read()
            finally:
                response.release()
        finally:
            self._in_flight -= 1
        return Response(response.status, _headers(response), body)

    async def _authorized(
        self,
        session: aiohttp.ClientSession,
        request: Request,
        *,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own, not a deadline of ours
        retried: bool = False,
    ) -> aiohttp.ClientResponse:
        """Return the answer's head; after a 401 once more, if the identity could be renewed."""
        token = await self._credentials.token()
        used = (token, self._credentials.ssl)
        response = await self._exchange(
            session, request, token=token, timeout=timeout, retried=retried
        )
        if response.status != 401:
            return response
        try:
            token = await self._credentials.token(refresh=True)
        except BaseException:
            response.close()
            raise
        if (token, self._credentials.ssl) == used:
            return response
        response.close()
        self._reauthorizations += 1
        return await self._exchange(session, request, token=token, timeout=timeout, retried=True)

    async def _exchange(
        self,
        session: aiohttp.ClientSession,
        request: Request,
        *,
        token: str | None,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own, not a deadline of ours
        retried: bool,
    ) -> aiohttp.ClientResponse:
        headers = {"Accept": request.accept}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if request.content_type is not None:
            headers["Content-Type"] = request.content_type
        if request.fence is not None:
            # Here and not earlier: slots, back-off and credential plugins may all have waited long.
            # Asked again when the bytes leave, but what is refused here is not even begun.
            request.fence()
        loop = asyncio.get_running_loop()
        started, code = loop.time(), _ERROR
        self._requests += 1
        try:
            with fenced(request.body, request.fence) as body, _mapped(request):
                response = await session.request(
                    request.method,
                    self._url(request),
                    data=body,
                    headers=headers,
                    timeout=timeout,
                    ssl=self._credentials.ssl or True,
                    server_hostname=self._credentials.server_hostname,
                    proxy=self._credentials.proxy,
                    # A redirect would carry our token to another place.
                    allow_redirects=False,
                )
            code = str(response.status)
            return response
        finally:
            self._failures += code == _ERROR
            seconds = loop.time() - started
            self._observe(RequestOutcome(request.method, self._host, code, seconds, retried))

    def _url(self, request: Request) -> URL:
        return URL(f"{self._credentials.server}{request.path}{_query(request.query)}", encoded=True)

    def _session(self, *, streams: bool) -> aiohttp.ClientSession:
        if self._is_closed:
            raise TransportError("the connection to the API server was closed", sent=False)
        if self._requests_session is None or self._streams_session is None:
            self._requests_session = self._new_session(limit=self._limits.in_flight)
            self._streams_session = self._new_session(limit=0)
        return self._streams_session if streams else self._requests_session

    def _new_session(self, *, limit: int) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=limit, keepalive_timeout=self._limits.keep_alive),
            # Nobody keeps state in cookies here; `identity` saves both sides the compression.
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": self._user_agent, "Accept-Encoding": "identity"},
            # Never from the environment: a .netrc would replace our token.
            trust_env=False,
        )


def host_and_port(server: URL) -> str:
    """Name the server as client-go does: with the port that the address names; no user, no path."""
    host = server.host_subcomponent or ""
    return f"{host}:{server.explicit_port}" if server.explicit_port else host


@lru_cache(maxsize=256)
def _query(parameters: tuple[tuple[str, str], ...]) -> str:
    """Encoded, with its question mark; there are a handful, but for tokens of next pages."""
    return f"?{urlencode(parameters, quote_via=quote)}" if parameters else ""


async def _chunks(request: Request, response: aiohttp.ClientResponse) -> AsyncGenerator[bytes]:
    with _mapped(request):
        async for chunk in response.content.iter_any():
            yield chunk


def _headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


@contextmanager
def _mapped(request: Request) -> Iterator[None]:
    """Turn aiohttp's exceptions into ours; what fails before the connection stands was not sent."""
    where = f"{request.method} {request.path}"
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise RequestTimeout(f"{where}: could not connect in time", sent=False) from error
    except aiohttp.ClientConnectorError as error:
        raise TransportError(f"{where}: {error}", sent=False) from error
    except TimeoutError as error:
        raise RequestTimeout(f"{where}: no answer in time", sent=True) from error
    except (aiohttp.ClientError, OSError) as error:
        text = str(error) or type(error).__name__
        raise TransportError(f"{where}: {text}", sent=True) from error
