"""How a kind of ours presents itself: names, scope, columns, subresources.

Each kind's module makes one `Definition` beside its model; crd.py turns it into a
CustomResourceDefinition.
"""

from dataclasses import dataclass
from typing import Literal

from registry_operator.api.types import Model


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `kubectl get`: header, JSONPath, type; priority 1 shows only with `-o wide`."""

    name: str
    json_path: str
    type: Literal["string", "integer", "date"] = "string"
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A kind: the model of its objects and what kubectl shows.

    `scalable` kinds have `spec.replicas`, `status.replicas` and `status.selector`. `plural` is
    lower-case.
    """

    model: type[Model]
    kind: str
    plural: str
    columns: tuple[Column, ...]
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    namespaced: bool = True
    scalable: bool = False


def ready(field: str) -> str:
    """The JSONPath of a field of the condition Ready, for a column."""
    return f'.status.conditions[?(@.type=="Ready")].{field}'
