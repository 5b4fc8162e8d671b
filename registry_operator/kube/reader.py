"""Reading verbs of the API server on any kind: get, list, watch, and what it serves.

In flow resources, keys and selectors; out flow `Object`s, pages and watch events, or an
`ApiError` for each answer that is no success. It keeps nothing: no cache, no retry (the transport
repeats what is safe to repeat), no knowledge of any kind.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import orjson

from registry_operator.kube import discovery
from registry_operator.kube.errors import ApiError
from registry_operator.kube.exchange import JSON, Request, Response, Transport
from registry_operator.kube.object import Object
from registry_operator.kube.page import Listing, Page, decode_page
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.kube.watch import EventDecoder, WatchEvent

_METADATA: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_METADATA_LIST: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
# How much longer than the server's own end of a watch we wait until we call the connection dead
# (kube-rs: 5 s).
_WATCH_GRACE: Final = 5.0


@dataclass(frozen=True, slots=True)
class ClientStats:
    """`skipped_events` were of a type we do not know."""

    requests: int
    watches_opened: int
    watches_open: int
    skipped_events: int


def query_of(**parameters: str | int | bool | None) -> tuple[tuple[str, str], ...]:
    """Leave out what is None or False; flags are `true`; names are given in camelCase."""
    return tuple(
        (name, "true" if value is True else str(value))
        for name, value in parameters.items()
        if value is not None and value is not False
    )


class Reader:
    """Speaks to one API server through `transport`, which it does not own."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._requests = 0
        self._opened = 0
        self._open = 0
        self._skipped = 0

    def stats(self) -> ClientStats:
        return ClientStats(
            requests=self._requests,
            watches_opened=self._opened,
            watches_open=self._open,
            skipped_events=self._skipped,
        )

    async def get(
        self,
        resource: Resource,
        key: ObjectKey,
        *,
        resource_version: str | None = None,
        metadata_only: bool = False,
    ) -> Object:
        """Read one object; with `resource_version="0"` the server may answer from its cache.

        Raises NotFound.
        """
        response = await self._call(
            Request(
                "GET",
                resource.path(key.namespace, key.name),
                query=query_of(resourceVersion=resource_version),
                accept=_METADATA if metadata_only else JSON,
            )
        )
        return Object.decode(response.body)

    async def pages(  # noqa: PLR0913 - the parameters of the list verb
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
        limit: int = 500,
        resource_version: str | None = None,
        metadata_only: bool = False,
        without_managed_fields: bool = False,
    ) -> AsyncGenerator[Page]:
        """Yield the list page by page; `limit=0` asks for one page of everything.

        Raises Gone when the token of the next page has expired: start again. Later pages carry no
        resourceVersion, as the token holds it (apimachinery refuses both).
        """
        token: str | None = None
        while token != "":
            response = await self._call(
                Request(
                    "GET",
                    resource.path(namespace),
                    query=query_of(
                        labelSelector=label_selector,
                        fieldSelector=field_selector,
                        limit=limit or None,
                        resourceVersion=None if token else resource_version,
                        **{"continue": token},
                    ),
                    accept=_METADATA_LIST if metadata_only else JSON,
                )
            )
            page = decode_page(
                response.body, resource, without_managed_fields=without_managed_fields
            )
            token = page.continue_token
            yield page

    async def list(  # noqa: PLR0913 - the parameters of the list verb
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
        limit: int = 500,
        resource_version: str | None = None,
        metadata_only: bool = False,
    ) -> Listing:
        """Read the whole list; `Listing.resource_version` is where a watch goes on."""
        items: list[Object] = []
        version = ""
        pages = self.pages(
            resource,
            namespace=namespace,
            label_selector=label_selector,
            field_selector=field_selector,
            limit=limit,
            resource_version=resource_version,
            metadata_only=metadata_only,
        )
        async for page in pages:
            items += page.items
            version = page.resource_version
        return Listing(items, version)

    def watch(  # noqa: PLR0913 - the parameters of the watch verb
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
        resource_version: str | None = None,
        timeout_seconds: int = 290,
        send_initial_events: bool = False,
        metadata_only: bool = False,
        without_managed_fields: bool = False,
        latest_only: bool = False,
        idle_seconds: float | None = None,
    ) -> AbstractAsyncContextManager[AsyncIterator[WatchEvent]]:
        """Open a watch with bookmarks, which the server ends after `timeout_seconds`.

        Silence for `idle_seconds` (default: a little more than `timeout_seconds`) raises
        RequestTimeout: the connection is dead and nobody told us. `send_initial_events` asks for
        a WatchList (KEP-3157). With `latest_only`, of changes of one object that come together
        the last is told.
        """
        request = Request(
            "GET",
            resource.path(namespace),
            query=query_of(
                watch=True,
                allowWatchBookmarks=True,
                labelSelector=label_selector,
                fieldSelector=field_selector,
                resourceVersion=resource_version,
                timeoutSeconds=timeout_seconds,
                sendInitialEvents=send_initial_events,
                resourceVersionMatch="NotOlderThan" if send_initial_events else None,
            ),
            accept=_METADATA if metadata_only else JSON,
            timeout=timeout_seconds + _WATCH_GRACE if idle_seconds is None else idle_seconds,
        )
        decoder = EventDecoder(
            without_managed_fields=without_managed_fields, latest_only=latest_only
        )
        return self._events(request, decoder)

    async def server_version(self) -> str:
        """Return the server's version as git has it, `v1.37.2`."""
        response = await self._call(Request("GET", "/version"))
        return str(orjson.loads(response.body).get("gitVersion", ""))

    async def api_groups(self) -> discovery.ApiGroups:
        """Ask what is served.

        Raises CodecError on a server older than aggregated discovery (1.30).
        """
        resources: frozenset[Resource] = frozenset()
        for path in ("/api", "/apis"):
            response = await self._call(Request("GET", path, accept=discovery.ACCEPT))
            resources |= discovery.decode_groups(response.body)
        return discovery.ApiGroups(resources)

    @asynccontextmanager
    async def _events(
        self, request: Request, decoder: EventDecoder
    ) -> AsyncIterator[AsyncIterator[WatchEvent]]:
        async with self._transport.stream(request) as chunks:
            self._opened += 1
            self._open += 1
            try:
                async with aclosing(_decode(chunks, decoder)) as events:
                    yield events
            finally:
                self._open -= 1
                self._skipped += decoder.skipped

    async def _call(self, request: Request) -> Response:
        self._requests += 1
        response = await self._transport.send(request)
        if not response.is_success:
            raise ApiError.from_response(
                response.status,
                response.body,
                method=request.method,
                path=request.path,
                headers=response.headers,
            )
        return response


async def _decode(
    chunks: AsyncIterator[bytes], decoder: EventDecoder
) -> AsyncGenerator[WatchEvent]:
    async for chunk in chunks:
        for event in decoder.feed(chunk):
            yield event
    decoder.end()
