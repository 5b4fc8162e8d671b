"""Which kinds the API server serves.

In flow the two aggregated discovery documents (KEP-3352, `apidiscovery.k8s.io/v2`, on every
server since 1.30); out flows a set to ask. Why so: two requests tell everything, where the older
form needs one for each group and version.
"""

from dataclasses import dataclass
from typing import Any, Final

import orjson

from registry_operator.kube.errors import CodecError
from registry_operator.kube.resource import Resource

ACCEPT: Final = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


@dataclass(frozen=True, slots=True)
class ApiGroups:
    """Everything that is served, subresources aside."""

    resources: frozenset[Resource]

    def serves(self, resource: Resource) -> bool:
        """Whether this very group, version and plural is served."""
        return resource in self.resources

    def find(self, group: str, kind: str) -> Resource | None:
        """Return the kind in the version the server prefers, None if it is not served."""
        found = sorted(
            (r for r in self.resources if (r.group, r.kind) == (group, kind)),
            key=lambda r: _priority(r.version),
        )
        return found[-1] if found else None


def _priority(version: str) -> tuple[int, int, int, str]:
    """Order as apimachinery (pkg/version) does: v2 > v1 > v1beta2 > v1alpha1 > foo10."""
    for stability, word in ((0, "alpha"), (1, "beta")):
        major, found, minor = version.removeprefix("v").partition(word)
        if found and major.isdigit() and minor.isdigit():
            return (1 + stability, int(major), int(minor), version)
    major = version.removeprefix("v")
    return (3, int(major), 0, version) if major.isdigit() else (0, 0, 0, version)


def decode_groups(body: bytes) -> frozenset[Resource]:
    """Decode one APIGroupDiscoveryList. Raises CodecError for anything else."""
    try:
        groups = orjson.loads(body)
        if groups.get("kind") != "APIGroupDiscoveryList":
            raise CodecError(f"not aggregated discovery but {groups.get('kind')!r}")
        return frozenset(
            _resource(group["metadata"].get("name", ""), version["version"], entry)
            for group in groups.get("items") or ()
            for version in group.get("versions") or ()
            for entry in version.get("resources") or ()
        )
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise CodecError(f"discovery cannot be understood: {error!r}") from error


def _resource(group: str, version: str, entry: dict[str, Any]) -> Resource:
    return Resource(
        group=group,
        version=version,
        # A resource that exists for its subresources only has no kind of its own.
        kind=(entry.get("responseKind") or {}).get("kind", ""),
        plural=entry["resource"],
        namespaced=entry.get("scope") == "Namespaced",
    )
