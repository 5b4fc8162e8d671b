"""Kinds that users define.

In flows a CustomResourceDefinition, or no more than the name of a kind; out flows the Kind: with a
definition its schema is enforced, without one anything may stand in its objects.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from registry_operator.kube.resource import Resource
from registry_operator.testing.fake_api.kinds.builtin import META
from registry_operator.testing.fake_api.kinds.kind import Kind, ScalePaths
from registry_operator.testing.fake_api.schema.model import ANYTHING, Schema, structural

_TEXT = Schema(types=frozenset({"string"}))
_HEAD = {"apiVersion": _TEXT, "kind": _TEXT, "metadata": META}


def defined(definition: Mapping[str, Any]) -> list[Kind]:
    """Read a CustomResourceDefinition (v1): a Kind for each version that is served."""
    spec = definition["spec"]
    return [_version(spec, version) for version in spec["versions"] if version["served"]]


def undefined(resource: Resource) -> Kind:
    """Make a kind of which only the name is known; its status is a subresource."""
    anything = {"spec": ANYTHING, "status": ANYTHING}
    schema = Schema(types=frozenset({"object"}), fields=_HEAD | anything, is_open=True)
    return Kind(resource, schema, selectable=None)


def _version(spec: Mapping[str, Any], version: Mapping[str, Any]) -> Kind:
    names = spec["names"]
    resource = Resource(
        spec["group"],
        version["name"],
        names["kind"],
        names["plural"],
        namespaced=spec["scope"] == "Namespaced",
    )
    read = structural(version["schema"]["openAPIV3Schema"])
    subresources = version.get("subresources") or {}
    return Kind(
        resource,
        replace(read, fields={**read.fields, **_HEAD}),
        has_status="status" in subresources,
        scale=_scale(subresources["scale"]) if "scale" in subresources else None,
        needs_version=True,
    )


def _scale(paths: Mapping[str, str]) -> ScalePaths:
    words = ("specReplicasPath", "statusReplicasPath", "labelSelectorPath")
    replicas, current, selector = (tuple(paths.get(w, "").split(".")[1:]) for w in words)
    return ScalePaths(replicas, current, selector)
