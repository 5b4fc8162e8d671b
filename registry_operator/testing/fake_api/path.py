"""Field paths: how server-side apply names the parts of an object (KEP-555).

In flow bodies; out flow the paths of their leaves, the value at a path, or a body without some
paths. A list is a map by its usual keys (containers by name, conditions by type, …), a set, or
else one leaf; which one it is decides the name of the field, since this server has no schemas.
"""

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

Body = dict[str, Any]
# ("f", field name) | ("k", JSON of the keys of a list-map's item) | ("v", JSON of a set's member)
Step = tuple[str, str]
Path = tuple[Step, ...]

_NAMED: Final = ("name",)
_MAP_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "conditions": ("type",),
    "containers": _NAMED,
    "env": _NAMED,
    "ephemeralContainers": _NAMED,
    "imagePullSecrets": _NAMED,
    "initContainers": _NAMED,
    "ownerReferences": ("uid",),
    "secrets": _NAMED,
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
    "volumes": _NAMED,
}
_SETS: Final = frozenset({"finalizers"})
# Maps that belong to one manager as a whole (x-kubernetes-map-type: atomic).
ATOMIC: Final = frozenset({"labelSelector", "nodeSelector", "selector"})
# Key fields that the server would have filled in.
_DEFAULTS: Final = {"protocol": "TCP"}


def keys_of(field: str, items: list[Any]) -> tuple[str, ...]:
    """Return the keys by which a list of this name is a map, nothing if it is none."""
    if not items or not all(isinstance(item, dict) for item in items):
        return ()
    if field == "ports":
        number = "containerPort" if "containerPort" in items[0] else "port"
        keys: tuple[str, ...] = (number, "protocol")
    else:
        keys = _MAP_KEYS.get(field, ())
    return keys if all(key in item or key in _DEFAULTS for item in items for key in keys) else ()


def item_step(item: Mapping[str, Any], keys: tuple[str, ...]) -> Step:
    """Name one item of a list-map."""
    named = {key: item.get(key, _DEFAULTS.get(key)) for key in keys}
    return ("k", orjson.dumps(named).decode())


def member_step(member: Any) -> Step:
    """Name one member of a set."""
    return ("v", orjson.dumps(member).decode())


def leaves(value: Any, *, at: Path = ()) -> Iterator[Path]:
    """Yield the path of each leaf, and of each item of a list-map."""
    field = at[-1][1] if at else ""
    if isinstance(value, dict) and value and field not in ATOMIC:
        for name, member in value.items():
            yield from leaves(member, at=(*at, ("f", name)))
    elif isinstance(value, list) and field in _SETS:
        for member in value:
            yield (*at, member_step(member))
    elif isinstance(value, list) and (keys := keys_of(field, value)):
        for item in value:
            step = item_step(item, keys)
            yield (*at, step)
            yield from leaves(item, at=(*at, step))
    elif at:
        yield at


def value_at(body: Any, path: Path) -> Any:
    """Return what stands at a path, None if nothing does."""
    at, field = body, ""
    for kind, name in path:
        if kind == "f":
            at = at.get(name) if isinstance(at, dict) else None
            field = name
        elif not isinstance(at, list):
            return None
        else:
            at = next((item for item in at if _names(kind, name, item, keys_of(field, at))), None)
        if at is None:
            return None
    return at


def without(body: Body, paths: Iterator[Path] | set[Path]) -> Body:
    """Return a copy with these paths cut out, and the containers that this leaves empty."""
    result = copy.deepcopy(body)
    for path in sorted(paths, key=len, reverse=True):
        _cut(result, path, field="")
    return result


def _names(kind: str, name: str, item: Any, keys: tuple[str, ...]) -> bool:
    if kind == "v":
        return member_step(item)[1] == name
    return bool(keys) and isinstance(item, dict) and item_step(item, keys)[1] == name


def _cut(at: Any, path: Path, *, field: str) -> None:
    (kind, name), rest = path[0], path[1:]
    if kind == "f":
        if not isinstance(at, dict) or name not in at:
            return
        if rest:
            _cut(at[name], rest, field=name)
        if not rest or at[name] in ({}, []):
            del at[name]
        return
    if not isinstance(at, list):
        return
    keys = keys_of(field, at)
    for index, item in enumerate(at):
        if _names(kind, name, item, keys):
            if rest:
                _cut(item, rest, field="")
            else:
                del at[index]
            return
