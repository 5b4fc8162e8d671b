"""A real HTTPS server on loopback that does what a test tells it, and the transport that talks to it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trustme
from aiohttp import web

from registry_operator.kube.credentials import (
    Credentials,
    FixedIdentity,
    Identity,
    IdentitySource,
    Server,
)
from registry_operator.kube.exchange import Request, RequestOutcome
from registry_operator.kube.retry import RetryPolicy
from registry_operator.kube.transport import HttpTransport, TransportLimits

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

AUTHORITY = trustme.CA()
_CERTIFICATE = AUTHORITY.issue_cert("127.0.0.1", "localhost")
PEM = AUTHORITY.cert_pem.bytes().decode()
LIMITS = TransportLimits(connect=2.0, request=2.0, retry=RetryPolicy(tries=3))
GET = Request("GET", "/api/v1/pods")


class RotatingIdentity:
    """Hands out `token-1`, `token-2`, … , the next one at each refresh."""

    def __init__(self) -> None:
        self.number = 1

    async def identity(self, *, refresh: bool = False) -> Identity:
        self.number += refresh
        return Identity(token=f"token-{self.number}")


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _CERTIFICATE.configure_cert(context)
    return context


@dataclass
class Stage:
    """A server under way: `connections` counts those that are open now."""

    url: str
    transport: HttpTransport
    outcomes: list[RequestOutcome] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)


def a_transport(
    url: str, *, source: IdentitySource | None = None, limits: TransportLimits = LIMITS
) -> Stage:
    source = source or FixedIdentity(Identity(token="fixed"))
    stage = Stage(url, None)  # type: ignore[arg-type]  # set below: the transport reports to it

    async def sleep(seconds: float) -> None:
        stage.slept.append(seconds)
        await asyncio.sleep(0)

    stage.transport = HttpTransport(
        Credentials(Server(url, authority=PEM), source),
        user_agent="operator/1",
        limits=limits,
        observer=stage.outcomes.append,
        sleep=sleep,
    )
    return stage


@asynccontextmanager
async def serving(
    handler: Handler, *, source: IdentitySource | None = None, limits: TransportLimits = LIMITS
) -> AsyncIterator[Stage]:
    """Serve every path by `handler` over TLS."""
    application = web.Application(client_max_size=64 * 2**20)
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_context())
    await site.start()
    port = runner.addresses[0][1]
    stage = a_transport(f"https://127.0.0.1:{port}", source=source, limits=limits)
    try:
        yield stage
    finally:
        await stage.transport.close()
        await runner.cleanup()


@asynccontextmanager
async def listening(
    handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    *,
    limits: TransportLimits = LIMITS,
    is_deaf: bool = False,
) -> AsyncIterator[Stage]:
    """Serve raw connections over TLS, for answers that no HTTP server would give.

    A deaf server takes connections and never says a word, not even of TLS.
    """
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        if not is_deaf:
            await reader.readuntil(b"\r\n\r\n")
            await handler(reader, writer)

    tls = None if is_deaf else server_context()
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    stage = a_transport(f"https://127.0.0.1:{port}", limits=limits)
    try:
        yield stage
    finally:
        await stage.transport.close()
        for writer in writers:
            writer.transport.abort()
        server.close()
        await server.wait_closed()
