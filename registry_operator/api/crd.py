"""CustomResourceDefinitions, made from the pydantic models.

A `Definition` flows in; a dict ready for the API server flows out, and YAML whose bytes depend on
the models alone. schema.py does the translation; here the pieces that are the same for every kind
are put around it. The generated files are committed in crds/, so that a change of the API is seen
in review.
"""

from typing import Any

import yaml

from registry_operator.api import registry, registry_template
from registry_operator.api.definition import Column, Definition
from registry_operator.api.names import GROUP, VERSION
from registry_operator.api.schema import structural_schema

DEFINITIONS: tuple[Definition, ...] = (registry.DEFINITION, registry_template.DEFINITION)
"""Every kind of ours."""

_METADATA: dict[str, Any] = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": {"type": "object"},
}


def crd(definition: Definition) -> dict[str, Any]:
    """The CustomResourceDefinition (v1) of a kind; raises SchemaError (schema.py)."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{definition.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": _names(definition),
            "scope": "Namespaced" if definition.namespaced else "Cluster",
            "versions": [_version(definition)],
        },
    }


def to_yaml(manifest: dict[str, Any]) -> str:
    """The manifest as YAML: keys sorted, nothing folded, the same text for the same content."""
    return yaml.safe_dump(manifest, sort_keys=True, allow_unicode=True, width=10_000)


def _names(definition: Definition) -> dict[str, Any]:
    names: dict[str, Any] = {
        "kind": definition.kind,
        "listKind": f"{definition.kind}List",
        "plural": definition.plural,
        "singular": definition.kind.lower(),
    }
    if definition.short_names:
        names["shortNames"] = list(definition.short_names)

    if definition.categories:
        names["categories"] = list(definition.categories)

    return names


def _version(definition: Definition) -> dict[str, Any]:
    schema = structural_schema(definition.model)
    schema["properties"] = {**schema["properties"], **_METADATA}
    subresources: dict[str, Any] = {"status": {}}
    if definition.scalable:
        subresources["scale"] = {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        }

    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": subresources,
        "additionalPrinterColumns": [_column(column) for column in definition.columns],
    }


def _column(column: Column) -> dict[str, Any]:
    shown = {"name": column.name, "type": column.type, "jsonPath": column.json_path}

    return {**shown, "priority": column.priority} if column.priority else shown
