"""A simulated API server as a process: serves a library over TLS, and writes down who wrote what.

`python -m hack.bench.apiserver --registries N --folder F --port P` makes a world at rest, then
serves it: F/kubeconfig appears when it does. Besides the API it has, for the benchmark itself,

    GET  /bench/writes            every write so far: audit.Request's fields
    POST /bench/expire            ends every watch by 410
    POST /bench/hot?path=&rate=&seconds=    changes one object so many times a
                                            second, and answers when it has
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import re
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import orjson
import trustme
from aiohttp import web

from hack.bench.library import Body, Library, Shelf
from hack.bench.recording import KINDS, record
from hack.bench.settled import keys, settled
from hack.bench.written import audited
from hack.cluster.audit import Request
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.testing.fake_transport import a_status

KUBECONFIG = "kubeconfig"
_PATH = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/(?P<version>[^/]+)"
    r"(?:/namespaces/(?P<namespace>[^/]+))?/(?P<plural>[^/]+)"
    r"(?:/(?P<name>[^/]+))?(?:/(?P<sub>status))?"
)
_BOOKMARK_SECONDS = 50.0
_TICK_SECONDS = 0.002
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, slots=True)
class Place:
    """What a path speaks of; `shelf` is None for kinds that are not kept (Events)."""

    shelf: Shelf | None
    resource: str
    key: ObjectKey | None
    namespace: str
    sub: str


class ApiServer:
    """Answers for one library; `writes` is what it was asked to change, in order of the answers."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._kinds = {(r.group, r.version, r.plural): r for r in library.shelves}
        self._pages: dict[str, list[bytes]] = {}
        self._tokens = itertools.count(1)
        self.writes: list[Request] = []
        self._endings: set[asyncio.Queue[bytes | None]] = set()

    def application(self) -> web.Application:
        """The server."""
        app = web.Application(client_max_size=1 << 24)
        app.router.add_get("/bench/writes", self._told)
        app.router.add_post("/bench/expire", self._expire)
        app.router.add_post("/bench/hot", self._hot)
        app.router.add_route("*", "/{path:.*}", self._serve)
        return app

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        place = self._place(request.path)
        if place is None:
            return _refusal(404, "NotFound")
        if request.method == "GET" and request.query.get("watch") == "true":
            return await self._watch(request, place)
        if request.method == "GET":
            return self._read(request, place)
        received = time.time()
        answer = await self._write(request, place)
        self._note(request, place, answer.status, received)
        return answer

    def _place(self, path: str) -> Place | None:
        found = _PATH.fullmatch(path)
        if found is None:
            return None
        group, namespace = found["group"] or "", found["namespace"] or ""
        resource = self._kinds.get((group, found["version"], found["plural"]))
        if resource is None and found["plural"] not in {"events", "namespaces"}:
            return None
        key = ObjectKey(namespace, found["name"]) if found["name"] else None
        name = audited(resource or Resource(group, found["version"], "", found["plural"]))
        shelf = self._library.shelves[resource] if resource else None
        return Place(shelf, name, key, namespace, found["sub"] or "")

    def _read(self, request: web.Request, place: Place) -> web.Response:
        if place.shelf is None or (place.key is not None and place.key not in place.shelf):
            return _refusal(404, "NotFound")
        if place.key is not None:
            return _answer(place.shelf.whole(place.key))
        if "fieldSelector" in request.query:
            return _refusal(400, "BadRequest")
        return self._page(request, place.shelf)

    def _page(self, request: web.Request, shelf: Shelf) -> web.Response:
        token = request.query.get("continue", "")
        metadata_only = "PartialObjectMetadata" in request.headers.get("Accept", "")
        items = self._pages.pop(token) if token else shelf.items(metadata_only=metadata_only)
        limit = int(request.query.get("limit", "0")) or len(items)
        metadata = {"resourceVersion": str(self._library.revision)}
        if items[limit:]:
            metadata["continue"] = f"page-{next(self._tokens)}"
            self._pages[metadata["continue"]] = items[limit:]
        head = {
            "kind": f"{shelf.resource.kind}List",
            "apiVersion": shelf.resource.api_version,
            "metadata": metadata,
        }
        if metadata_only:
            head |= {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
        return _answer(orjson.dumps(head)[:-1] + b',"items":[' + b",".join(items[:limit]) + b"]}")

    async def _watch(self, request: web.Request, place: Place) -> web.StreamResponse:
        if place.shelf is None:
            return _refusal(404, "NotFound")
        lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        since = int(request.query.get("resourceVersion", "0"))
        metadata_only = "PartialObjectMetadata" in request.headers.get("Accept", "")
        stream = web.StreamResponse(headers={"Content-Type": "application/json"})
        await stream.prepare(request)
        listener = lines.put_nowait
        place.shelf.subscribe(listener, since=since, metadata_only=metadata_only)
        self._endings.add(lines)
        try:
            while (chunk := await self._next(lines, place.shelf)) is not None:
                await stream.write(chunk)
            expired = {"type": "ERROR", "object": a_status(410, "Expired", "too old")}
            await stream.write(orjson.dumps(expired) + b"\n")
        finally:
            place.shelf.unsubscribe(listener)
            self._endings.discard(lines)
        return stream

    async def _next(self, lines: asyncio.Queue[bytes | None], shelf: Shelf) -> bytes | None:
        """Everything that waits, as one chunk; a bookmark after silence, None at the end."""
        try:
            async with asyncio.timeout(_BOOKMARK_SECONDS):
                first = await lines.get()
        except TimeoutError:
            metadata = {"resourceVersion": str(self._library.revision)}
            body = {"kind": shelf.resource.kind, "apiVersion": shelf.resource.api_version}
            event = {"type": "BOOKMARK", "object": body | {"metadata": metadata}}
            return orjson.dumps(event) + b"\n"
        waiting = [first]
        while None not in waiting and not lines.empty():
            waiting.append(lines.get_nowait())
        return None if None in waiting else b"".join(filter(None, waiting))

    async def _write(self, request: web.Request, place: Place) -> web.Response:
        raw = await request.read()
        if place.shelf is None:
            return _answer(raw or b"{}")
        if request.method == "DELETE" and place.key is not None:
            return self._delete(place.shelf, place.key)
        if request.method == "PATCH" and place.key is not None:
            return self._patch(place.shelf, place.key, orjson.loads(raw), sub=place.sub)
        return _refusal(405, "MethodNotAllowed")

    def _delete(self, shelf: Shelf, key: ObjectKey) -> web.Response:
        if key not in shelf:
            return _refusal(404, "NotFound")
        self._library.remove(shelf.resource, key)
        return _answer(orjson.dumps({"kind": "Status", "status": "Success"}))

    def _patch(self, shelf: Shelf, key: ObjectKey, patch: Body, *, sub: str) -> web.Response:
        if sub and key not in shelf:
            return _refusal(404, "NotFound")
        if not shelf.is_at(key, patch.get("metadata", {}).get("resourceVersion")):
            return _refusal(409, "Conflict")
        return _answer(self._library.apply(shelf.resource, key, patch))

    def _note(self, request: web.Request, place: Place, code: int, received: float) -> None:
        resource = f"{place.resource}/{place.sub}" if place.sub else place.resource
        self.writes.append(
            Request(
                verb=_VERBS[request.method],
                resource=resource,
                namespace=place.namespace,
                name=place.key.name if place.key else "",
                user=request.headers.get("User-Agent", "").partition("/")[0],
                code=code,
                user_agent="",
                received=received,
                answered=time.time(),
            )
        )

    async def _told(self, request: web.Request) -> web.Response:
        since = int(request.query.get("since", "0"))
        return _answer(orjson.dumps(self.writes[since:]))

    async def _expire(self, _request: web.Request) -> web.Response:
        for lines in self._endings:
            lines.put_nowait(None)
        return _answer(b"{}")

    async def _hot(self, request: web.Request) -> web.Response:
        place = self._place(request.query["path"])
        if place is None or place.shelf is None or place.key is None:
            return _refusal(404, "NotFound")
        rate, seconds = float(request.query["rate"]), float(request.query["seconds"])
        told = await self._repeat(place.shelf, place.key, rate=rate, seconds=seconds)
        return _answer(orjson.dumps({"told": told}))

    async def _repeat(self, shelf: Shelf, key: ObjectKey, *, rate: float, seconds: float) -> int:
        tell = shelf.repeat(key)
        loop = asyncio.get_running_loop()
        began, told = loop.time(), 0
        while (passed := loop.time() - began) < seconds:
            for _ in range(int(passed * rate) - told):
                tell(self._library.next())
            told = int(passed * rate)
            await asyncio.sleep(_TICK_SECONDS)
        return told


def _answer(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")


def _refusal(status: int, reason: str) -> web.Response:
    return _answer(orjson.dumps(a_status(status, reason, reason)), status)


def fill(library: Library, registries: Iterable[ObjectKey]) -> None:
    """Puts Registries at rest into a library."""
    world = settled(record(ready=True))
    for number, key in enumerate(registries):
        for resource, body in world.of(key, number):
            library.put(resource, body)
        library.forget()


async def _run(library: Library, folder: Path, port: int) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    runner = web.AppRunner(ApiServer(library).application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    _write_kubeconfig(folder, port, authority)
    await asyncio.Event().wait()


def _write_kubeconfig(folder: Path, port: int, authority: trustme.CA) -> None:
    pem = folder / "ca.pem"
    authority.cert_pem.write_to_path(pem)
    cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority": str(pem)}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "simulated", "cluster": cluster}],
        "users": [{"name": "anybody", "user": {"token": "anybody"}}],
        "contexts": [{"name": "simulated", "context": {"cluster": "simulated", "user": "anybody"}}],
        "current-context": "simulated",
    }
    partial = folder / f"{KUBECONFIG}.partial"
    partial.write_text(json.dumps(content))
    partial.replace(folder / KUBECONFIG)


def main() -> None:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--registries", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parsed = parser.parse_args()
    library = Library(KINDS)
    fill(library, keys(parsed.registries))
    asyncio.run(_run(library, parsed.folder, parsed.port))


if __name__ == "__main__":
    main()
