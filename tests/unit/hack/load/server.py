"""A registry in memory that misbehaves when it is told to: small, and whole enough for the load.

Connections are in the test's hands too: `cut` ends one without an answer.
"""

import asyncio
import hashlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from hack.load.address import Address

Misbehaviour = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


async def _behave(_request: web.Request) -> None:
    """As it should be."""


@dataclass
class RegistryServer:
    """Answers by the OCI rules, unless `misbehave` answers first."""

    misbehave: Misbehaviour = _behave
    blobs: dict[tuple[str, str], bytes] = field(default_factory=dict)
    manifests: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    begun: int = 0
    tags: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    seen: Counter[str] = field(default_factory=Counter)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.seen[request.method] += 1
        body = await request.read()
        other = await self.misbehave(request)
        if other is not None:
            return other
        name, _, rest = request.path.removeprefix("/v2/").partition("/blobs/")
        if rest.startswith("uploads/"):
            return self._upload(request, name, rest.removeprefix("uploads/"), body)
        if rest:
            return self._blob(request, name, rest)
        name, _, reference = request.path.removeprefix("/v2/").partition("/manifests/")
        if reference:
            return self._manifest(request, name, reference, body)
        name = request.path.removeprefix("/v2/").removesuffix("/tags/list")
        return web.json_response({"name": name, "tags": sorted(self.tags[name])})

    def _upload(self, request: web.Request, name: str, at: str, body: bytes) -> web.Response:
        if request.method == "POST":
            mount = request.query.get("mount", "")
            blob = self.blobs.get((request.query.get("from", ""), mount))
            if blob is not None:
                self.blobs[name, mount] = blob
                return web.Response(status=201)
            self.begun += 1
            at = str(self.begun)
            self.uploads[at] = b""
            return web.Response(status=202, headers=_location(name, at))
        if request.method == "PATCH":
            first = int(request.headers["Content-Range"].partition("-")[0])
            if first != len(self.uploads[at]):
                return web.Response(status=416)
            self.uploads[at] += body
            return web.Response(status=202, headers=_location(name, at))
        whole = self.uploads.pop(at) + body
        if _digest(whole) != request.query["digest"]:
            return web.Response(status=400)
        self.blobs[name, _digest(whole)] = whole
        return web.Response(status=201)

    def _blob(self, request: web.Request, name: str, digest: str) -> web.Response:
        blob = self.blobs.get((name, digest))
        if blob is None:
            return web.Response(status=404)
        part = request.http_range
        if part.start is not None:
            return web.Response(status=206, body=blob[part])
        return web.Response(body=blob)

    def _manifest(self, request: web.Request, name: str, at: str, body: bytes) -> web.Response:
        if request.method == "PUT":
            kind = request.headers["Content-Type"]
            self.manifests[name, at] = self.manifests[name, _digest(body)] = (kind, body)
            if not at.startswith("sha256:"):
                self.tags[name].add(at)
            return web.Response(status=201)
        kind, body = self.manifests[name, at]
        headers = {"Content-Type": kind, "Docker-Content-Digest": _digest(body)}
        return web.Response(body=body, headers=headers)


def cut(request: web.Request) -> web.Response:
    """Ends the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def _location(name: str, at: str) -> dict[str, str]:
    return {"Location": f"/v2/{name}/blobs/uploads/{at}?state=x%2By"}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@asynccontextmanager
async def serving(server: RegistryServer) -> AsyncIterator[Address]:
    """The server, on a port of loopback."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield Address(host, port)
    finally:
        await runner.cleanup()
        await asyncio.sleep(0)
