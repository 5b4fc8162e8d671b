"""Who we are to the API server, renewed in time.

In flows an identity source (a token that never changes, a file that the kubelet rewrites, a
plugin); out flow the server's address, the TLS context and the current bearer token. The
transport asks for the token with each request, and with `refresh=True` after a 401.
"""

import asyncio
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Identity:
    """What proves who we are: a bearer token, a client certificate with key (PEM), or neither."""

    token: str | None = field(default=None, repr=False)
    certificate: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)


class IdentitySource(Protocol):
    """Yields the identity to use now."""

    async def identity(self, *, refresh: bool = False) -> Identity:
        """Return it, from a cache where that is still good unless `refresh`.

        Raises TransportError.
        """
        ...


class FixedIdentity:
    """An identity that cannot be renewed."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def identity(self, *, refresh: bool = False) -> Identity:  # noqa: ARG002 - protocol
        return self._identity


@dataclass(frozen=True, slots=True)
class Server:
    """Where the API server is and how to know it.

    `authority` is the PEM of the CAs to trust, None for the system's; `hostname` overrides what its
    certificate must say; `client` is a client certificate that is never renewed.
    """

    url: str
    authority: str | None = None
    is_verified: bool = True
    hostname: str | None = None
    proxy: str | None = None
    namespace: str = "default"
    client: Identity = field(default_factory=Identity)


class Credentials:
    """Server and identity together. Made off the loop, as it reads files; then belongs to one."""

    def __init__(self, server: Server, source: IdentitySource) -> None:
        self._server = server
        self._source = source
        self._certificate: str | None = None
        self._ssl = _context(server) if server.url.startswith("https:") else None

    @property
    def server(self) -> str:
        """URL without a trailing slash; it may have a path."""
        return self._server.url.rstrip("/")

    @property
    def namespace(self) -> str:
        """The namespace of the context or of our own pod."""
        return self._server.namespace

    @property
    def server_hostname(self) -> str | None:
        return self._server.hostname

    @property
    def proxy(self) -> str | None:
        return self._server.proxy

    @property
    def ssl(self) -> ssl.SSLContext | None:
        """The context for new connections.

        Another object after a client certificate was renewed.
        """
        return self._ssl

    async def token(self, *, refresh: bool = False) -> str | None:
        """Return the bearer token to send now, without the word; renews `ssl` too.

        Raises TransportError.
        """
        identity = await self._source.identity(refresh=refresh)
        if self._ssl is not None and identity.certificate != self._certificate:
            self._ssl = await asyncio.to_thread(_context, self._server, identity)
            self._certificate = identity.certificate
        return identity.token

    async def close(self) -> None:
        """Forget the identity: nothing of it is left on disk at any time but while it is loaded."""
        self._source = FixedIdentity(Identity())


def _context(server: Server, identity: Identity | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=server.authority)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not server.is_verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    pair = identity if identity is not None and identity.certificate else server.client
    if pair.certificate and pair.key:
        _load_pair(context, pair.certificate, pair.key)
    return context


def _load_pair(context: ssl.SSLContext, certificate: str, key: str) -> None:
    # OpenSSL through Python reads certificates from files only: a folder that only we can enter.
    with TemporaryDirectory(prefix="identity-") as folder:
        path = Path(folder, "pair.pem")
        path.touch(mode=0o600)
        path.write_text(f"{certificate}\n{key}\n")
        context.load_cert_chain(path)
