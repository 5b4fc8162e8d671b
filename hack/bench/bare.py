"""The floor: a client that sends given writes to the API server and does nothing else.

In flow recorded requests; out flow the same requests over one aiohttp session, so many Registries
at a time, the writes of each one after the other. No cache, no queue, no decision: what an operator
adds to this is what it costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import aiohttp
import orjson
from yarl import URL

from hack.cluster.error import ClusterError
from registry_operator.kube import auth
from registry_operator.kube.exchange import JSON, MERGE_PATCH, Request

AT_ONCE = 16
T = TypeVar("T")
R = TypeVar("R")


class BareClient:
    """Requests to one API server, as the user of a kubeconfig; see `a_client`."""

    def __init__(self, session: aiohttp.ClientSession, server: str) -> None:
        self._session = session
        self._server = server

    async def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST. Raises ClusterError unless the answer is a success."""
        return await self.send(Request("POST", path, body=orjson.dumps(body), content_type=JSON))

    async def get(self, path: str) -> dict[str, Any]:
        """GET; `path` may have a query. Raises ClusterError unless the answer is a success."""
        path, _, query = path.partition("?")
        return await self.send(Request("GET", path, query=tuple(parse_qsl(query))))

    async def merge(self, path: str, patch: Mapping[str, Any]) -> dict[str, Any]:
        """A merge patch. Raises ClusterError unless the answer is a success."""
        body = orjson.dumps(patch)
        return await self.send(Request("PATCH", path, body=body, content_type=MERGE_PATCH))

    async def delete(self, path: str) -> None:
        """DELETE. Raises ClusterError unless the answer is a success."""
        await self.send(Request("DELETE", path))

    async def delete_all(self, path: str) -> None:
        """Deletes a whole collection. Raises ClusterError unless the answer is a success."""
        await self.send(Request("DELETE", path))

    async def send(self, request: Request) -> dict[str, Any]:
        """Any request; returns the decoded answer. Raises ClusterError unless it is a success."""
        url = URL(f"{self._server}{request.path}", encoded=True).with_query(list(request.query))
        headers = {"Content-Type": request.content_type} if request.content_type else {}
        async with self._session.request(
            request.method, url, data=request.body, headers=headers
        ) as answer:
            text = await answer.read()
            if not 200 <= answer.status < 300:
                what = f"{request.method} {request.path}"
                raise ClusterError(what, f"{answer.status} {text[:500].decode()}")

        body: dict[str, Any] = orjson.loads(text)
        return body


@asynccontextmanager
async def a_client(kubeconfig: Path) -> AsyncIterator[BareClient]:
    """A client by client certificate."""
    credentials = await auth.load(kubeconfig=str(kubeconfig), in_cluster=False)
    connector = aiohttp.TCPConnector(ssl=credentials.ssl or False, limit=0)
    try:
        async with aiohttp.ClientSession(connector=connector) as session:
            yield BareClient(session, credentials.server)
    finally:
        await credentials.close()


async def side_by_side(
    work: Callable[[T], Awaitable[R]], items: Iterable[T], *, at_once: int = AT_ONCE
) -> list[R]:
    """The results of `work` on each item, `at_once` of them at a time, in the items' order."""
    slots = asyncio.Semaphore(at_once)

    async def one(item: T) -> R:
        async with slots:
            return await work(item)

    return list(await asyncio.gather(*map(one, items)))
