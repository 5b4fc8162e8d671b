"""What differs between an intent and the object that the server holds.

In: an intent (only the fields that we own) and the observed body. Out: the paths that drifted, or
the part of the observed body that the intent speaks of. Fields that the intent does not name
belong to somebody else and are never looked at. Lists that the API treats as maps are matched by
their keys (x-kubernetes-list-map-keys of the OpenAPI schema), all others are one value, and so are
maps that have one manager (x-kubernetes-map-type: atomic): a key added to a selector selects other
pods.

Two comparisons, because the server rewrites what it is sent (quantities, defaults, empty values):
`projection` compares the server's own words of two moments, and is exact; `differences` compares
our words with the server's and forgives rewriting. The first needs a memory, the second serves
after a restart.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from registry_operator.runtime.quantity import same_quantity

_LIST_KEYS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "volumes": ("name",),
    "env": ("name",),
    "imagePullSecrets": ("name",),
    "volumeMounts": ("mountPath",),
    "ports": ("containerPort", "port", "protocol"),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "conditions": ("type",),
    "ownerReferences": ("uid",),
}
_ATOMIC_MAPS = frozenset({"labelSelector", "nodeSelector", "selector"})
_EMPTY: tuple[object, ...] = ({}, [], "", 0, None)


def projection(intent: Any, observed: Any, *, field: str = "") -> Any:
    """The observed values at the places that the intent names; None where there is nothing."""
    if isinstance(intent, dict) and field not in _ATOMIC_MAPS:
        if not isinstance(observed, dict):
            return None
        return {
            name: projection(value, observed.get(name), field=name)
            for name, value in intent.items()
        }
    if _is_map_list(intent, field):
        return [projection(mine, theirs) for mine, theirs in _paired(intent, observed, field)]
    if field == "finalizers" and isinstance(observed, list):
        return [name for name in intent if name in observed]
    return observed


def differences(intent: Any, observed: Any) -> list[str]:
    """The paths at which the server holds something else than the intent means.

    Quantities are compared by value, and an empty value equals an absent one, as the server drops
    the fields that say nothing (`omitempty`).
    """
    return [path.lstrip(".") for path in _drifted(intent, observed, "")]


def _drifted(intent: Any, observed: Any, field: str) -> list[str]:
    """The paths from here; put together on the way back only, as there are hardly ever any."""
    if isinstance(intent, dict):
        return _drifted_map(intent, observed, field)
    if _is_map_list(intent, field):
        return [
            f"[{_label(mine, field)}]{path}"
            for mine, theirs in _paired(intent, observed, field)
            for path in _drifted(mine, theirs, "")
        ]
    return [] if _means_the_same(intent, observed, field) else [""]


def _drifted_map(intent: Mapping[str, Any], observed: Any, field: str) -> list[str]:
    if not intent and observed is not None:
        return []
    held = observed if isinstance(observed, dict) else {}
    drifted = []
    if field in _ATOMIC_MAPS:
        drifted = [f".{name}" for name in sorted(held.keys() - intent.keys())]
    for name, value in intent.items():
        theirs = held.get(name)
        if value != theirs:  # most values come back in our very words
            drifted += [f".{name}{path}" for path in _drifted(value, theirs, name)]
    return drifted


def _means_the_same(intent: Any, observed: Any, field: str) -> bool:
    if intent == observed or same_quantity(intent, observed):
        return True
    if observed is None:
        return intent is False or any(intent == empty for empty in _EMPTY)
    if field == "finalizers" and isinstance(observed, list):
        return set(intent) <= set(observed)
    if isinstance(intent, list) and isinstance(observed, list) and len(intent) == len(observed):
        pairs = zip(intent, observed, strict=True)
        return not any(_drifted(mine, theirs, "") for mine, theirs in pairs)
    return False


def _is_map_list(intent: Any, field: str) -> bool:
    return (
        field in _LIST_KEYS
        and isinstance(intent, (list, tuple))
        and all(isinstance(item, dict) for item in intent)
    )


def _paired(intent: Any, observed: Any, field: str) -> Iterator[tuple[Any, Any]]:
    items = observed if isinstance(observed, list) else ()
    held = {_identity(item, field): item for item in items if isinstance(item, dict)}
    for mine in intent:
        yield mine, held.get(_identity(mine, field))


def _identity(item: Mapping[str, Any], field: str) -> tuple[Any, ...]:
    return tuple(item.get(key, "TCP" if key == "protocol" else None) for key in _LIST_KEYS[field])


def _label(item: Mapping[str, Any], field: str) -> str:
    return ",".join(str(item[key]) for key in _LIST_KEYS[field] if key in item)
