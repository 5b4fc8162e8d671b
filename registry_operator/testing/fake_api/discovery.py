"""Aggregated discovery (KEP-3352) of what the fake serves.

In flow resources; out flows an APIGroupDiscoveryList of the core group or of all others.
"""

from collections.abc import Iterable
from typing import Any

from registry_operator.kube.resource import Resource


def aggregated(resources: Iterable[Resource], *, core: bool) -> dict[str, Any]:
    """Return the body of `/api` or `/apis`."""
    groups: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for resource in sorted(resources, key=str):
        if (resource.group == "") == core:
            versions = groups.setdefault(resource.group, {})
            versions.setdefault(resource.version, []).append(_entry(resource))
    items = [
        {
            "metadata": {"name": group},
            "versions": [{"version": name, "resources": r} for name, r in versions.items()],
        }
        for group, versions in groups.items()
    ]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "items": items,
    }


def _entry(resource: Resource) -> dict[str, Any]:
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    return {
        "resource": resource.plural,
        "responseKind": kind,
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"],
    }
