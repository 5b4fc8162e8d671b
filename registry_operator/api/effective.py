"""What holds for a Registry: its own spec over its template's, over the defaults (ADR 0010).

Two specs as they are on the wire flow in, holding only what their authors wrote. Out flow an
`Effective`, which the operator acts on, and an `Explained`, which says where each field came from
(`python -m registry_operator render`). Maps merge deeply; lists and alternatives replace whole;
null removes. Pure; never raises for what a user wrote.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from registry_operator.api.registry import RegistrySpec
from registry_operator.api.registry_template import RegistryTemplateSpec
from registry_operator.api.service import NEEDS

Source = Literal["template", "registry", "default"]
Path = tuple[str, ...]
Spec = Mapping[str, Any]

ALTERNATIVES: frozenset[Path] = frozenset(
    {("storage",), ("disruptionBudget",), ("config", "auth"), ("config", "storage")}
)
"""Maps of which one key is chosen: whoever overrides one replaces it whole."""
_TEMPLATES_OWN = RegistryTemplateSpec.model_fields.keys() - RegistrySpec.model_fields.keys()


@dataclass(frozen=True, slots=True)
class Problem:
    """A field of the effective spec that cannot hold, and whose it is."""

    path: Path
    sources: tuple[Source, ...]
    message: str

    @property
    def field(self) -> str:
        """The field, from `spec` on."""
        return ".".join(("spec", *self.path))

    def __str__(self) -> str:
        whose = " and ".join(self.sources) or "nobody"

        return f"{self.field} (set by: {whose}): {self.message}"


@dataclass(frozen=True, slots=True)
class Effective:
    """The typed spec that holds, with defaults; None where there are problems."""

    spec: RegistrySpec | None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Explained:
    """The spec that holds, as it is on the wire and with defaults.

    `sources` has each leaf: a scalar, a list or an empty map.
    """

    spec: dict[str, Any]
    sources: dict[Path, Source]
    problems: tuple[Problem, ...]


def effective(registry: Spec, template: Spec | None = None) -> Effective:
    """The Registry's spec over the template's.

    Fields that this version doesn't know are passed over, so that an older operator survives a
    newer CRD.
    """
    written = merged(registry, template)
    model, found = _read(written, extra="ignore")
    if not found:
        return Effective(model)

    sources = _sources(registry, written)

    return Effective(None, tuple(Problem(path, _whose(path, sources), m) for path, m in found))


def explain(registry: Spec, template: Spec | None = None) -> Explained:
    """The same, field by field. A field that this version doesn't know is a problem."""
    both = merged(registry, template)
    model, found = _read(both, extra="forbid")
    spec = _fill(both, model.model_dump(mode="json", by_alias=True, exclude_none=True))
    written = _sources(registry, both)
    sources: dict[Path, Source] = {path: written.get(path, "default") for path, _ in leaves(spec)}
    problems = tuple(Problem(path, _whose(path, sources), message) for path, message in found)

    return Explained(spec, sources, problems)


def merged(registry: Spec, template: Spec | None = None) -> dict[str, Any]:
    """What the two authors wrote, the Registry's over the template's, without defaults."""
    below = {name: value for name, value in (template or {}).items() if name not in _TEMPLATES_OWN}
    return _merge(_without_nulls(below), registry, ())


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every path that ends in a scalar, a list or an empty map, the root aside."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif path:
        yield path, value


def _merge(below: Spec, above: Spec, path: Path) -> dict[str, Any]:
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


def _without_nulls(value: Spec) -> dict[str, Any]:
    return _merge({}, value, ()) if value else {}


def _sources(registry: Spec, written: Spec) -> dict[Path, Source]:
    """Who wrote each leaf of a merged spec."""
    owned = {path for path, _ in leaves(_without_nulls(registry))}

    return {path: "registry" if path in owned else "template" for path, _ in leaves(written)}


def _read(
    written: dict[str, Any], *, extra: Literal["ignore", "forbid"]
) -> tuple[RegistrySpec, list[tuple[Path, str]]]:
    try:
        model = RegistrySpec.model_validate(written, extra=extra, by_alias=True, by_name=False)
    except ValidationError as error:
        found = [
            (_path(e["loc"], written, is_missing=e["type"] == "missing"), e["msg"])
            for e in error.errors(include_input=False, include_url=False)
        ]

        return RegistrySpec(), found

    service = {"type": model.service.type, **written.get("service", {})}
    broken = [need for need in NEEDS if need.is_broken_by(service)]

    found = [(("service", need.field), need.cure) for need in broken]
    if model.autoscaling is not None and not model.autoscaling.is_in_order:
        found.append((("autoscaling", "minReplicas"), "must not be above autoscaling.maxReplicas"))

    return model, found


def _path(location: tuple[int | str, ...], written: Any, *, is_missing: bool) -> Path:
    """Where a problem is, without pydantic's names for members of a union: they are no fields."""
    path: list[str] = []
    for place, part in enumerate(location, start=1):
        is_item = isinstance(written, list) and isinstance(part, int)
        if is_item or (isinstance(written, Mapping) and part in written):
            written = written[part]
        elif not (is_missing and place == len(location)):
            continue

        path.append(str(part))

    return tuple(path)


def _fill(spec: Spec, defaults: Spec) -> dict[str, Any]:
    filled = {**defaults, **spec}
    for key, value in spec.items():
        under = defaults.get(key)
        if isinstance(value, Mapping) and isinstance(under, Mapping):
            filled[key] = _fill(value, under)

    return filled


def _whose(path: Path, sources: Mapping[Path, Source]) -> tuple[Source, ...]:
    for size in range(len(path), 0, -1):
        prefix = path[:size]
        found = {source for leaf, source in sources.items() if leaf[:size] == prefix}
        if found:
            return tuple(sorted(found))

    return ()
