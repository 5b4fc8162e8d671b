"""Lists in pages, each page of the same moment.

In flow the storage and the parameters of a list; out flow bodies of pages. A continue token names
a snapshot taken with the first page; compaction makes it expire, as with etcd.
"""

import itertools
from dataclasses import dataclass
from typing import Any, Final

from registry_operator.kube.errors import BadRequest, Gone
from registry_operator.kube.resource import Resource
from registry_operator.testing.fake_api.selector import Selector
from registry_operator.testing.fake_api.storage import Body, Storage
from registry_operator.testing.fake_api.watch import shown

_PAGE: Final = "page-"


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What a client asked for; `limit` 0 means everything."""

    resource: Resource
    namespace: str
    selector: Selector
    limit: int
    token: str
    metadata_only: bool


@dataclass(frozen=True, slots=True)
class _Rest:
    revision: int
    items: list[Body]


class Lister:
    """Serves lists of a storage."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._rests: dict[str, _Rest] = {}
        self._tokens = itertools.count(1)

    def page(self, options: ListOptions) -> dict[str, Any]:
        """Return one page. Raises Gone for a token that has expired."""
        if options.token and not options.token.startswith(_PAGE):
            raise BadRequest(400, reason="BadRequest", message="continue key is not valid")
        rest = self._rests.pop(options.token, None) if options.token else self._snapshot(options)
        if rest is None or self._storage.is_compacted(rest.revision):
            message = "The provided continue parameter is too old"
            raise Gone(410, reason="Expired", message=message)
        count = options.limit or len(rest.items)
        items, later = rest.items[:count], rest.items[count:]
        metadata: dict[str, Any] = {"resourceVersion": str(rest.revision)}
        if later:
            metadata["continue"] = token = f"{_PAGE}{next(self._tokens)}"
            metadata["remainingItemCount"] = len(later)
            self._rests[token] = _Rest(rest.revision, later)
        return {
            "kind": f"{options.resource.kind}List",
            "apiVersion": options.resource.api_version,
            "metadata": metadata,
            "items": [self._item(options, body) for body in items],
        }

    def _snapshot(self, options: ListOptions) -> _Rest:
        bodies = self._storage.objects(options.resource, options.namespace)
        matching = [body for body in bodies if options.selector.matches(body)]
        return _Rest(self._storage.revision, matching)

    @staticmethod
    def _item(options: ListOptions, body: Body) -> Body:
        if options.metadata_only:
            return shown(body, metadata_only=True)
        # Typed lists leave the type of their items out; those of custom resources do not.
        group = options.resource.group
        if "." in group and not group.endswith(".k8s.io"):
            return body
        return {name: value for name, value in body.items() if name not in {"kind", "apiVersion"}}
