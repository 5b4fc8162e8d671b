"""Names of things: which kind (`Resource`) and which one of them (`ObjectKey`).

In flow constants declared by whoever uses a kind; out flow URL paths and the words kubectl uses.
A path is built in one place, so that a name from a user's spec can never walk to another URL.
"""

from dataclasses import dataclass
from urllib.parse import quote

import msgspec


def _segment(text: str, what: str) -> str:
    if not text or text in {".", ".."} or "/" in text or "%" in text:
        msg = f"{what} {text!r} cannot be part of a URL path"
        raise ValueError(msg)
    return quote(text, safe=":")


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind as the API server serves it; the core group is the empty string."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """What stands in an object's `apiVersion`: `v1`, `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(
        self,
        namespace: str | None = None,
        name: str | None = None,
        subresource: str | None = None,
    ) -> str:
        """URL path of the collection or, with a name, of one object.

        Raises ValueError for a name that would lead elsewhere (the rule of
        `IsValidPathSegmentName` in apimachinery), for a namespace on a cluster-scoped kind and
        for a namespaced object without one.
        """
        if namespace and not self.namespaced:
            raise ValueError(f"{self} is cluster-scoped: no namespace {namespace!r}")
        if name and self.namespaced and not namespace:
            raise ValueError(f"{self} is namespaced: {name!r} needs a namespace")
        if subresource and not name:
            raise ValueError(f"{self}: subresource {subresource!r} needs a name")
        parts = [f"/apis/{self.group}" if self.group else "/api", self.version]
        if namespace:
            parts += ["namespaces", _segment(namespace, "namespace")]
        parts.append(self.plural)
        if name is not None:
            parts.append(_segment(name, "name"))
        if subresource:
            parts.append(subresource)
        return "/".join(parts)

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


class ObjectKey(msgspec.Struct, frozen=True, order=True, gc=False):
    """Which object of a kind; `namespace` is empty for a cluster-scoped one.

    Found and sorted by the hundred thousand, so a Struct: it is compared and hashed in C.
    """

    namespace: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "ObjectKey":
        """Read `ns/name` or `name`; raises ValueError for anything else."""
        namespace, slash, name = text.rpartition("/")
        if not name or "/" in namespace or (slash and not namespace):
            raise ValueError(f"{text!r} is neither 'namespace/name' nor 'name'")
        return cls(namespace, name)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name
