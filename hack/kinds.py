"""What the API server publishes about its own kinds, for the API server in memory.

In flows the OpenAPI of a running server; out flow the definitions of the kinds that the operator or
its tests touch, without their prose, one a line. Run as `python -m hack.kinds CLUSTER` after a
change of the Kubernetes version or of `KINDS`; an integration test holds the file to the server.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from hack.cluster.cluster import Cluster

FILE: Final = Path("registry_operator/testing/fake_api/kinds/definitions.json")
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "api/v1": (
        *("ConfigMap", "Event", "Namespace", "Node", "PersistentVolumeClaim", "Pod"),
        *("Secret", "Service", "ServiceAccount"),
    ),
    "apis/apps/v1": ("Deployment", "ReplicaSet"),
    "apis/autoscaling/v2": ("HorizontalPodAutoscaler",),
    "apis/coordination.k8s.io/v1": ("Lease",),
    "apis/discovery.k8s.io/v1": ("EndpointSlice",),
    "apis/events.k8s.io/v1": ("Event",),
    "apis/policy/v1": ("PodDisruptionBudget",),
    "apis/storage.k8s.io/v1": ("StorageClass",),
}

Definitions = dict[str, dict[str, Any]]


def published(documents: Mapping[str, Mapping[str, Any]]) -> Definitions:
    """The definitions of `KINDS` and what they refer to.

    `documents` are OpenAPI v3 by the path of their group and version.
    """
    everything: Definitions = {}
    roots: set[str] = set()
    for path, kinds in KINDS.items():
        schemas = documents[path]["components"]["schemas"]
        everything |= schemas
        roots |= {name for name, schema in schemas.items() if _is_root(path, kinds, schema)}

    return {name: _bare(everything[name]) for name in sorted(_reachable(everything, roots))}


def text(definitions: Definitions) -> bytes:
    """The file, one definition a line."""
    lines = [b"%b: %b" % (orjson.dumps(n), orjson.dumps(d)) for n, d in definitions.items()]

    return b"{\n" + b",\n".join(lines) + b"\n}\n"


def _is_root(path: str, kinds: tuple[str, ...], schema: Mapping[str, Any]) -> bool:
    named = schema.get("x-kubernetes-group-version-kind", ())
    if len(named) != 1:
        return False
    group, version, kind = (named[0][word] for word in ("group", "version", "kind"))
    prefix = f"apis/{group}/{version}" if group else f"api/{version}"

    return prefix == path and kind in kinds


def _reachable(everything: Definitions, roots: Iterable[str]) -> set[str]:
    found: set[str] = set()
    due = list(roots)
    while due:
        name = due.pop()
        if name not in found:
            found.add(name)
            due += _references(everything[name])

    return found


def _references(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [name for each in schema for name in _references(each)]
    if not isinstance(schema, dict):
        return []
    here = [_name(schema["$ref"])] if isinstance(schema.get("$ref"), str) else []

    return here + [name for each in schema.values() for name in _references(each)]


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]


def _bare(schema: Any) -> Any:
    """Without prose, and without what only strategic merge patches need."""
    if isinstance(schema, list):
        return [_bare(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("$ref"), str):
        return {"$ref": _name(schema["$ref"])}

    return {
        name: _bare(each)
        for name, each in schema.items()
        if not (name == "description" and isinstance(each, str))
        and not name.startswith("x-kubernetes-patch-")
    }


def main() -> None:
    """Write the file from the server of a running cluster."""
    cluster = Cluster.attach(sys.argv[1])
    documents = {
        path: orjson.loads(cluster.kubectl("get", "--raw", f"/openapi/v3/{path}")) for path in KINDS
    }
    FILE.write_bytes(text(published(documents)))


if __name__ == "__main__":
    main()
