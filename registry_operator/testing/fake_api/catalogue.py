"""Which kinds a server serves, and what it knows of each.

In flow resources and CustomResourceDefinitions; out flow Kinds, by resource or by the parts of a
path.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from registry_operator.kube.resource import Resource
from registry_operator.testing.fake_api.kinds.builtin import builtin
from registry_operator.testing.fake_api.kinds.custom import defined, undefined
from registry_operator.testing.fake_api.kinds.kind import Kind

# A kind by its name alone, or as its users define it.
Declaration = Resource | Mapping[str, Any]


class Catalogue:
    """The kinds of one server."""

    def __init__(self) -> None:
        self._kinds: dict[Resource, Kind] = {}
        self._by_path: dict[tuple[str, str, str], Kind] = {}

    def __getitem__(self, resource: Resource) -> Kind:
        return self._kinds[resource]

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._kinds)

    def add(self, declaration: Declaration) -> list[Resource]:
        """Begin to serve what is declared; return its resources."""
        if isinstance(declaration, Resource):
            kinds = [builtin(declaration) or undefined(declaration)]
        else:
            kinds = defined(declaration)
        for kind in kinds:
            resource = kind.resource
            self._kinds[resource] = kind
            self._by_path[resource.group, resource.version, resource.plural] = kind
        return [kind.resource for kind in kinds]

    def remove(self, resource: Resource) -> None:
        """Stop serving a kind."""
        del self._kinds[resource]
        del self._by_path[resource.group, resource.version, resource.plural]

    def at(self, group: str, version: str, plural: str) -> Kind | None:
        """Return the kind that is served under these parts of a path."""
        return self._by_path.get((group, version, plural))
