"""Lists, as they come: page by page.

In flow the bytes of a list response; out flow objects with the resourceVersion of the whole list
and the token of the next page. Items are cut out of the page and copied one by one, so that
keeping one does not keep its page; and each when it is asked for, so that whoever takes them can
give others a turn.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from registry_operator.kube.errors import CodecError
from registry_operator.kube.object import Object
from registry_operator.kube.resource import Resource


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list.

    `items` are decoded anew by each iteration, which raises CodecError. `remaining` is the server's
    estimate of what follows, None if it made none.
    """

    items: Iterable[Object]
    resource_version: str
    continue_token: str = ""
    remaining: int | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A whole list at one resourceVersion, from which a watch may begin."""

    items: list[Object]
    resource_version: str


class _ListMeta(msgspec.Struct, gc=False, rename="camel"):
    resource_version: str = ""
    # `continue` is a Python keyword.
    continue_: str = msgspec.field(default="", name="continue")
    remaining_item_count: int | None = None


class _List(msgspec.Struct, gc=False):
    metadata: _ListMeta
    # Go writes an empty slice that was never made as null.
    items: list[msgspec.Raw] | None = None


_decode_list = msgspec.json.Decoder(_List).decode


def decode_page(body: bytes, resource: Resource, *, without_managed_fields: bool = False) -> Page:
    """Decode one page of `resource`. Raises CodecError."""
    try:
        page = _decode_list(body)
    except msgspec.MsgspecError as error:
        raise CodecError(f"not a list of {resource}: {error}") from error
    items = _Items(page.items or (), resource, without_managed_fields)
    head = page.metadata
    return Page(items, head.resource_version, head.continue_, head.remaining_item_count)


@dataclass(frozen=True, slots=True)
class _Items:
    raws: Sequence[msgspec.Raw]
    resource: Resource
    without_managed_fields: bool

    def __iter__(self) -> Iterator[Object]:
        for raw in self.raws:
            yield Object.decode(
                raw,
                resource=self.resource,
                without_managed_fields=self.without_managed_fields,
            )
