"""A server under test, and what a test may ask of either.

`client` speaks to it, in a namespace of the test's own. The fake one and the real one differ in two
things only: how their history is made to be forgotten, and that the real one's controllers take
their time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Protocol

import orjson

from registry_operator.kube.client import Client
from registry_operator.kube.errors import NotFound
from registry_operator.kube.exchange import Request, Response, Transport
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.kube.watch import Added, Deleted, Modified, WatchEvent

Body = dict[str, Any]

_PATIENCE = 60.0


class Levers(Protocol):
    """What is asked of a server from behind."""

    async def forget(self) -> None:
        """Make it forget its history up to now; open watches end."""
        ...

    async def deny(self, resource: Resource, namespace: str, *, message: str) -> None:
        """Let a policy refuse all writes of a kind in a namespace."""
        ...

    async def limit(self, resource: Resource, namespace: str, *, most: int) -> None:
        """Let a quota allow no more objects of a kind in a namespace, beyond those there are."""
        ...


class Server:
    """`levers` are what the two servers have different ones of."""

    def __init__(self, transport: Transport, namespace: str, levers: "Levers") -> None:
        self.transport = transport
        self.client = Client(transport)
        self.namespace = namespace
        self.levers = levers

    def key(self, name: str = "one") -> ObjectKey:
        return ObjectKey(self.namespace, name)

    def metadata(self, name: str = "one", **extra: Any) -> Body:
        return {"name": name, "namespace": self.namespace, **extra}

    async def ask(self, method: str, path: str, **query: str) -> tuple[int, Body]:
        """Status and body of an answer to what the client has no verb for."""
        response = await self.send(method, path, query=query)
        body: Body = orjson.loads(response.body)
        return response.status, body

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str | None = None,
    ) -> Response:
        return await self.transport.send(
            Request(
                method,
                path,
                query=tuple((query or {}).items()),
                body=None if body is None else orjson.dumps(body),
                content_type=content_type,
            )
        )

    async def body(self, resource: Resource, name: str = "one") -> Body:
        return (await self.client.get(resource, self.key(name))).body()

    async def exists(self, resource: Resource, key: ObjectKey) -> bool:
        try:
            await self.client.get(resource, key)
        except NotFound:
            return False
        return True

    async def names(self, resource: Resource, **selection: Any) -> list[str]:
        listing = await self.client.list(resource, namespace=self.namespace, **selection)
        return [item.name for item in listing.items if not item.name.startswith("kube-root-ca")]

    async def gone(self, resource: Resource, *names: str) -> None:
        """Wait until these are gone."""
        for name in names:
            await eventually(partial(self._is_gone, resource, name))

    async def _is_gone(self, resource: Resource, name: str) -> bool:
        return not await self.exists(resource, self.key(name))


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds, by asking again and again: controllers take their time."""
    async with asyncio.timeout(_PATIENCE):
        while not await holds():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.1)


def managers(found: Object) -> dict[str, Any]:
    """Who owns what of an object, by the name of the manager."""
    entries = found.body()["metadata"].get("managedFields", [])
    return {entry["manager"]: entry["fieldsV1"] for entry in entries}


def told(events: list[WatchEvent]) -> list[str]:
    """What a watch said of objects."""
    return [
        f"{type(event).__name__} {event.object.name}"
        for event in events
        if isinstance(event, Added | Modified | Deleted)
        and not event.object.name.startswith("kube-root-ca")
    ]
