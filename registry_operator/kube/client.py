"""Verbs of the API server on any kind: those of `Reader`, and create, apply, patch, delete.

In flow resources, keys and plain mappings; out flow `Object`s as the server made them, or an
`ApiError` for each answer that is no success.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

import orjson

from registry_operator.kube.errors import CodecError
from registry_operator.kube.exchange import (
    APPLY_PATCH,
    JSON,
    JSON_PATCH,
    MERGE_PATCH,
    Request,
    Transport,
)
from registry_operator.kube.object import Object
from registry_operator.kube.page import Listing, Page
from registry_operator.kube.reader import ClientStats, Reader, query_of
from registry_operator.kube.resource import ObjectKey, Resource

__all__ = ["Client", "ClientStats", "Listing", "Page"]

_PATCHES: Final = {"merge": MERGE_PATCH, "json": JSON_PATCH}

Body = Mapping[str, Any]


def _key_of(body: Body) -> ObjectKey:
    metadata = body.get("metadata") or {}
    return ObjectKey(metadata.get("namespace") or "", metadata.get("name") or "")


def _encode(resource: Resource, body: Body) -> bytes:
    typed = {"apiVersion": resource.api_version, "kind": resource.kind, **body}
    try:
        return orjson.dumps(typed)
    except TypeError as error:
        # Without the cause: its text may quote the value.
        raise CodecError(f"a {resource.kind} cannot be written as JSON") from error


class Client(Reader):
    """Speaks to one API server through `transport`, which it does not own.

    `fence` is asked right before every try of a write, after all waiting, and raises when this
    process may no longer write; nothing is sent then.
    """

    def __init__(self, transport: Transport, *, fence: Callable[[], None] | None = None) -> None:
        super().__init__(transport)
        self._fence = fence

    def fenced(self, fence: Callable[[], None]) -> "Client":
        """A client over the same transport whose writes ask `fence`."""
        return Client(self._transport, fence=fence)

    async def create(
        self, resource: Resource, body: Body, *, field_manager: str | None = None
    ) -> Object:
        """POST; the namespace is the body's. Raises AlreadyExists, Invalid, Forbidden."""
        return await self._write(
            self._request(
                "POST",
                resource.path(_key_of(body).namespace),
                query=query_of(fieldManager=field_manager),
                body=_encode(resource, body),
                content_type=JSON,
            )
        )

    async def update(
        self, resource: Resource, body: Body, *, subresource: str | None = None
    ) -> Object:
        """PUT the whole object at the resourceVersion it carries: for the Lease only.

        Raises Conflict.
        """
        key = _key_of(body)
        return await self._write(
            self._request(
                "PUT",
                resource.path(key.namespace, key.name, subresource),
                body=_encode(resource, body),
                content_type=JSON,
            )
        )

    async def apply(  # noqa: PLR0913 - the parameters of server-side apply
        self,
        resource: Resource,
        body: Body,
        *,
        field_manager: str,
        force: bool = True,
        subresource: str | None = None,
        dry_run: bool = False,
        without_managed_fields: bool = False,
    ) -> Object:
        """Server-side apply (KEP-555): `body` holds exactly the fields this manager owns.

        Raises Conflict, with its causes, when another manager owns a field and `force` is off.
        """
        key = _key_of(body)
        return await self._write(
            self._request(
                "PATCH",
                resource.path(key.namespace, key.name, subresource),
                query=query_of(
                    fieldManager=field_manager, force=force, dryRun="All" if dry_run else None
                ),
                body=_encode(resource, body),
                content_type=APPLY_PATCH,
            ),
            without_managed_fields=without_managed_fields,
        )

    async def patch(  # noqa: PLR0913 - the parameters of the patch verb
        self,
        resource: Resource,
        key: ObjectKey,
        patch: Body | Sequence[Body],
        *,
        kind: Literal["merge", "json"],
        subresource: str | None = None,
        field_manager: str | None = None,
    ) -> Object:
        """Merge patch (RFC 7386) of a mapping or JSON patch (RFC 6902) of a list.

        Raises Invalid for a failed `test`.
        """
        return await self._write(
            self._request(
                "PATCH",
                resource.path(key.namespace, key.name, subresource),
                query=query_of(fieldManager=field_manager),
                body=orjson.dumps(patch),
                content_type=_PATCHES[kind],
            )
        )

    async def delete(  # noqa: PLR0913 - the fields of DeleteOptions
        self,
        resource: Resource,
        key: ObjectKey,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
        propagation: Literal["Background", "Foreground", "Orphan"] = "Background",
        grace_seconds: int | None = None,
    ) -> None:
        """Ask for deletion of what has this uid and resourceVersion.

        Raises Conflict if it has not, NotFound.
        """
        preconditions = {
            name: value
            for name, value in (("uid", uid), ("resourceVersion", resource_version))
            if value is not None
        }
        options: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": propagation,
        }
        if preconditions:
            options["preconditions"] = preconditions
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        await self._call(
            self._request(
                "DELETE",
                resource.path(key.namespace, key.name),
                body=orjson.dumps(options),
                content_type=JSON,
            )
        )

    def _request(
        self,
        method: str,
        path: str,
        *,
        body: bytes,
        content_type: str,
        query: tuple[tuple[str, str], ...] = (),
    ) -> Request:
        """A request to write, which asks the fence: the one way to make it here."""
        return Request(
            method, path, query=query, body=body, content_type=content_type, fence=self._fence
        )

    async def _write(self, request: Request, *, without_managed_fields: bool = False) -> Object:
        response = await self._call(request)
        return Object.decode(response.body, without_managed_fields=without_managed_fields)
