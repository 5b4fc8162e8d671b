"""Server-side apply, decided purely: who owns what, what an intent changes, what it may not.

In flow the live body, the intent of one manager and who owns which paths; out flow the new body
and the new owners, or a Conflict that names the fields. What a manager no longer wants goes,
unless somebody else owns it too.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from registry_operator.kube.errors import Conflict
from registry_operator.testing.fake_api.path import (
    ATOMIC,
    Body,
    Path,
    item_step,
    keys_of,
    leaves,
    value_at,
    without,
)

# What no manager owns: identity, and what the server itself writes.
_IDENTITY: Final = frozenset({"apiVersion", "kind"})
_SERVER_METADATA: Final = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "name",
        "namespace",
        "resourceVersion",
        "uid",
    }
)


@dataclass(frozen=True, slots=True, order=True)
class Manager:
    """Who writes: `operation` is Apply or Update, `subresource` is empty or `status`."""

    name: str
    operation: str
    subresource: str = ""


Owners = Mapping[Manager, frozenset[Path]]


def owned_paths(body: Body) -> frozenset[Path]:
    """Return the paths a manager owns after applying this body."""
    return frozenset(path for path in leaves(body) if not _is_servers(path))


def applied(
    live: Body, intent: Body, owners: Owners, *, manager: Manager, force: bool
) -> tuple[Body, Owners]:
    """Apply an intent. Raises Conflict unless `force`."""
    wanted = owned_paths(intent)
    disputed = {
        other: frozenset(
            path
            for path in paths & wanted
            if path[-1][0] == "f" and value_at(live, path) != value_at(intent, path)
        )
        for other, paths in owners.items()
        if other != manager
    }
    if not force and any(disputed.values()):
        raise _conflict(disputed)
    others = {
        other: owners[other] - paths for other, paths in disputed.items() if owners[other] - paths
    }
    kept: frozenset[Path] = wanted.union(*others.values())
    dropped = {path for path in owners.get(manager, frozenset()) - kept if not _holds(path, kept)}
    body = merged(without(live, dropped), intent)
    return body, {**others, manager: wanted}


def updated(old: Body, new: Body, owners: Owners, *, manager: Manager) -> Owners:
    """Return the owners after a write that is no apply: what changed now belongs to the writer."""
    present = owned_paths(new)
    changed = frozenset(p for p in present if value_at(old, p) != value_at(new, p))
    result = {
        other: (paths & present) - changed for other, paths in owners.items() if other != manager
    }
    result[manager] = (owners.get(manager, frozenset()) & present) | changed
    return {owner: paths for owner, paths in result.items() if paths}


def merged(live: Any, intent: Any, *, field: str = "") -> Any:
    """Lay an intent over what is live; lists that are maps keep foreign items, behind ours."""
    if isinstance(live, dict) and isinstance(intent, dict) and field not in ATOMIC:
        result = dict(live)
        for name, value in intent.items():
            result[name] = merged(live.get(name), value, field=name)
        return result
    if isinstance(live, list) and isinstance(intent, list):
        if field == "finalizers":
            return [*live, *(member for member in intent if member not in live)]
        keys = keys_of(field, [*live, *intent])
        if keys:
            by_key = {item_step(item, keys): item for item in live}
            ours = [merged(by_key.pop(item_step(item, keys), {}), item) for item in intent]
            return [*ours, *by_key.values()]
    return copy.deepcopy(intent)


def managed_fields(owners: Owners, *, api_version: str) -> list[dict[str, Any]]:
    """Write the owners as `metadata.managedFields`."""
    return [
        {
            "manager": manager.name,
            "operation": manager.operation,
            "apiVersion": api_version,
            "fieldsType": "FieldsV1",
            "fieldsV1": _tree(owners[manager]),
            **({"subresource": manager.subresource} if manager.subresource else {}),
        }
        for manager in sorted(owners)
    ]


def _tree(paths: frozenset[Path]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        at = tree
        for kind, name in path:
            at = at.setdefault(f"{kind}:{name}", {})
        if path[-1][0] == "k":
            at["."] = {}
    return tree


def _is_servers(path: Path) -> bool:
    first = path[0][1]
    if first == "metadata":
        return len(path) > 1 and path[1][1] in _SERVER_METADATA
    return first in _IDENTITY


def _holds(path: Path, kept: frozenset[Path]) -> bool:
    """Whether something that stays stands below this path: the item of a list others use too."""
    return any(other[: len(path)] == path for other in kept)


def _conflict(disputed: Mapping[Manager, frozenset[Path]]) -> Conflict:
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f'conflict with "{manager.name}"',
            "field": "".join(f".{name}" if kind == "f" else f"[{name}]" for kind, name in path),
        }
        for manager, paths in disputed.items()
        for path in sorted(paths)
    ]
    return Conflict(
        409,
        reason="Conflict",
        message=f"Apply failed with {len(causes)} conflicts",
        details={"causes": causes},
    )
