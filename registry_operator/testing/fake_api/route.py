"""From a URL to what it means.

In flow a path and the kinds that are served; out flows a `Route`, or the 404 of a server that does
not know the kind.
"""

from dataclasses import dataclass
from urllib.parse import unquote

from registry_operator.kube.errors import NotFound
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.testing.fake_api.catalogue import Catalogue
from registry_operator.testing.fake_api.kinds.kind import Kind


@dataclass(frozen=True, slots=True)
class Route:
    """A collection (empty `name`) or an object; an empty `namespace` means all or none."""

    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def key(self) -> ObjectKey:
        return ObjectKey(self.namespace, self.name)


def route(path: str, served: Catalogue) -> tuple[Route, Kind]:
    """Read a path. Raises NotFound."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    group, version, rest = ("", parts[1], parts[2:]) if parts[0] == "api" else _grouped(parts)
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces" and served.at(group, version, rest[2]):
        namespace, rest = rest[1], rest[2:]
    kind = served.at(group, version, rest[0]) if rest else None
    name, subresource = (*rest[1:], "", "")[:2]
    if (
        kind is None
        or len(rest) > 3
        or (namespace and not kind.resource.namespaced)
        or not kind.serves(subresource)
    ):
        message = "the server could not find the requested resource"
        raise NotFound(404, reason="NotFound", message=message)
    return Route(kind.resource, namespace, name, subresource), kind


def _grouped(parts: list[str]) -> tuple[str, str, list[str]]:
    return (parts[1], parts[2], parts[3:]) if len(parts) > 2 else ("", "", [])
