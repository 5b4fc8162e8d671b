"""What holds for a Registry: its own spec over its template's, over the defaults (ADR 0010).

Two specs as they are on the wire flow in, holding only what their authors wrote; an `Effective`
flows out. Maps merge deeply; lists and alternatives replace whole; null removes. No controller
calls this yet.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from registry_operator.api.registry import RegistrySpec

Source = Literal["template", "registry", "default"]
Path = tuple[str, ...]

ALTERNATIVES: frozenset[Path] = frozenset({("storage",), ("config", "auth"), ("config", "storage")})
"""Maps of which one key is chosen: whoever overrides one replaces it whole."""

_NEEDS: dict[str, tuple[str, ...]] = {
    "nodePort": ("NodePort", "LoadBalancer"),
    "externalTrafficPolicy": ("NodePort", "LoadBalancer"),
    "loadBalancerClass": ("LoadBalancer",),
    "loadBalancerSourceRanges": ("LoadBalancer",),
}
"""Fields of service and the types they need, as in the CEL rules of service.py."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A field of the effective spec that cannot hold, and whose it is."""

    path: Path
    sources: tuple[Source, ...]
    message: str

    def __str__(self) -> str:
        whose = " and ".join(self.sources) or "nobody"

        return f"spec.{'.'.join(self.path)} (set by: {whose}): {self.message}"


@dataclass(frozen=True, slots=True)
class Effective:
    """The spec that holds. `sources` has each leaf: a scalar, a list or an empty map."""

    spec: dict[str, Any]
    sources: dict[Path, Source]
    problems: tuple[Problem, ...]


def effective(registry: Mapping[str, Any], template: Mapping[str, Any] | None = None) -> Effective:
    """The Registry's spec over the template's; never raises for what a user wrote."""
    below = _without_nulls(template or {})
    merged = _merge(below, registry, ())
    owned = {path for path, _ in leaves(_without_nulls(registry))}
    sources: dict[Path, Source] = {
        path: "registry" if path in owned else "template" for path, _ in leaves(merged)
    }
    model, errors = _read(merged)
    spec = _fill(merged, model.model_dump(mode="json", by_alias=True, exclude_none=True))
    for path, _ in leaves(spec):
        sources.setdefault(path, "default")

    sources = {path: sources[path] for path, _ in leaves(spec)}
    found = [*errors, *_service_conflicts(spec)]
    problems = tuple(Problem(path, _whose(path, sources), message) for path, message in found)

    return Effective(spec, sources, problems)


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every path that ends in a scalar, a list or an empty map, the root aside."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif path:
        yield path, value


def _merge(below: Mapping[str, Any], above: Mapping[str, Any], path: Path) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        here = (*path, key)
        under = merged.get(key)
        if value is None:
            merged.pop(key, None)
        elif not isinstance(value, Mapping):
            merged[key] = value
        elif isinstance(under, Mapping) and here not in ALTERNATIVES:
            merged[key] = _merge(under, value, here)
        else:
            merged[key] = _without_nulls(value)

    return merged


def _without_nulls(value: Mapping[str, Any]) -> dict[str, Any]:
    return _merge({}, value, ()) if value else {}


def _read(spec: dict[str, Any]) -> tuple[RegistrySpec, list[tuple[Path, str]]]:
    try:
        model = RegistrySpec.model_validate(spec, extra="forbid", by_alias=True, by_name=False)
    except ValidationError as error:
        found = [(tuple(str(part) for part in e["loc"]), e["msg"]) for e in error.errors()]

        return RegistrySpec(), found

    return model, []


def _fill(spec: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    filled = {**defaults, **spec}
    for key, value in spec.items():
        under = defaults.get(key)
        if isinstance(value, Mapping) and isinstance(under, Mapping):
            filled[key] = _fill(value, under)

    return filled


def _service_conflicts(spec: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    service = spec["service"]
    if not isinstance(service, Mapping):
        return

    for field, types in _NEEDS.items():
        if field in service and service.get("type") not in types:
            yield (
                ("service", field),
                f"needs service.type {' or '.join(types)}: change the type or remove {field}",
            )


def _whose(path: Path, sources: Mapping[Path, Source]) -> tuple[Source, ...]:
    for size in range(len(path), 0, -1):
        prefix = path[:size]
        found = {source for leaf, source in sources.items() if leaf[:size] == prefix}
        if found:
            return tuple(sorted(found))

    return ()
