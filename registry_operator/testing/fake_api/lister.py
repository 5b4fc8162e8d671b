"""Lists in pages, each page of the same moment.

In flow the storage and the parameters of a list; out flow the bytes of pages. A continue token
names a moment and a place, as with etcd: nothing is kept for it, it can be used twice, and
compaction makes it expire.
"""

import base64
from dataclasses import dataclass
from typing import Any, Final

import orjson

from registry_operator.kube.errors import BadRequest, Gone
from registry_operator.kube.resource import Resource
from registry_operator.testing.fake_api.kinds.builtin import builtin
from registry_operator.testing.fake_api.storage import Body, Storage, head_of, key_of, path_of
from registry_operator.testing.fake_api.watch import View, shown

_FORMAT: Final = "meta.k8s.io/v1"
# A token that names this moment goes on with whatever there is now.
_NOW: Final = -1
_EXPIRED: Final = (
    "The provided continue parameter is too old to display a consistent list result. You can start"
    " a new list without the continue parameter, or use the continue token in this response to"
    " retrieve the remainder of the results. Continuing with the provided token results in an"
    " inconsistent list - objects that were created, modified, or deleted between the time the"
    " first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What a client asked for; `limit` 0 means everything, `revision` None or 0 means now."""

    resource: Resource
    view: View
    limit: int
    token: str
    revision: int | None = None


class ExpiredTokenError(Gone):
    """The moment of a token is forgotten; `token` goes on at the same place, but now."""

    def __init__(self, token: str) -> None:
        super().__init__(410, reason="Expired", message=_EXPIRED)
        self.token = token


class Lister:
    """Serves lists of a storage."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def page(self, options: ListOptions) -> bytes:
        """Return one page. Raises Gone for a moment that is forgotten, BadRequest for no token."""
        revision, after = options.revision, ""
        if options.token:
            revision, after = _read(options.token)
        if revision in {None, 0, _NOW}:
            revision = self._storage.revision
        assert revision is not None
        found = self._at(options, revision, after)
        items, left = _first(found, options)
        metadata: dict[str, Any] = {"resourceVersion": str(revision)}
        if left:
            metadata["continue"] = _token(revision, path_of(key_of(items[-1])))
            # How many of them match nobody has counted.
            if not options.view.selector:
                metadata["remainingItemCount"] = left
        listed = b",".join(self._item(options, body) for body in items)
        return b'%b,"items":[%b]}' % (
            orjson.dumps(_type(options) | {"metadata": metadata})[:-1],
            listed,
        )

    def _at(self, options: ListOptions, revision: int, after: str) -> list[Body]:
        try:
            return self._storage.at(options.resource, options.view.namespace, revision, after)
        except Gone as error:
            if not options.token:
                raise
            raise ExpiredTokenError(_token(_NOW, after)) from error

    def _item(self, options: ListOptions, body: Body) -> bytes:
        if options.view.metadata_only:
            return orjson.dumps(shown(body, metadata_only=True))
        raw = self._storage.encoded(body)
        # Typed lists leave the type of their items out; those of custom resources do not.
        return b"{" + raw[len(head_of(options.resource)) :] if builtin(options.resource) else raw


def _first(found: list[Body], options: ListOptions) -> tuple[list[Body], int]:
    """Return what matches, up to the limit, and how many objects of any kind come after that."""
    if not options.limit:
        return [body for body in found if options.view.selector.matches(body)], 0
    items: list[Body] = []
    for index, body in enumerate(found):
        if options.view.selector.matches(body):
            items.append(body)
            if len(items) == options.limit:
                return items, len(found) - index - 1
    return items, 0


def _type(options: ListOptions) -> dict[str, Any]:
    if options.view.metadata_only:
        return {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
    return {"kind": f"{options.resource.kind}List", "apiVersion": options.resource.api_version}


def _token(revision: int, after: str) -> str:
    place = {"v": _FORMAT, "rv": revision, "start": f"{after}\0"}
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def _read(token: str) -> tuple[int, str]:
    try:
        place = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return int(place["rv"]), str(place["start"]).rstrip("\0")
    except (ValueError, KeyError, TypeError) as error:
        message = f"continue key is not valid: {error}"
        raise BadRequest(400, reason="BadRequest", message=message) from error
