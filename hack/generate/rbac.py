"""config/rbac/role.yaml: what the operator may do, from what its controllers declare.

`controllers.rules()` flows in, (API groups, resources, verbs) each; out flows one ClusterRole,
least privilege by construction: what no controller declares is not granted. Rules of the same
groups and verbs are joined and sorted, so that the order of the declarations does not show.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hack.generate.file import GeneratedFile
from registry_operator.api.crd import to_yaml
from registry_operator.api.names import LABEL_NAME, OPERATOR

Rule = tuple[Sequence[str], Sequence[str], Sequence[str]]
"""API groups, resources (`deployments`, `registries/status`) and verbs."""

_HEADER = "# Generated from what the controllers declare by `make generate`; do not edit.\n---\n"
_VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")


def files() -> Iterator[GeneratedFile]:
    """The ClusterRole of the operator."""
    import controllers

    yield GeneratedFile(
        Path("config", "rbac", "role.yaml"), _HEADER + to_yaml(cluster_role(controllers.rules()))
    )


def cluster_role(declared: Iterable[Rule]) -> dict[str, Any]:
    """A ClusterRole that grants exactly what is declared."""
    verbs_of: dict[tuple[str, str], set[str]] = defaultdict(set)
    for groups, resources, verbs in declared:
        for group in groups:
            for resource in resources:
                verbs_of[group, resource].update(verbs)

    joined: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (group, resource), needed in sorted(verbs_of.items()):
        joined[group, tuple(sorted(needed, key=_verb_order))].append(resource)

    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": OPERATOR, "labels": {LABEL_NAME: OPERATOR}},
        "rules": [
            {"apiGroups": [group], "resources": resources, "verbs": list(verbs)}
            for (group, verbs), resources in joined.items()
        ],
    }


def _verb_order(verb: str) -> tuple[int, str]:
    return (_VERBS.index(verb) if verb in _VERBS else len(_VERBS), verb)
