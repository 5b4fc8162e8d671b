"""What a Registry comes to with its template, for people: the command `render`.

In: manifests as text, and a way to have a template that is not among them. Out: YAML of the
effective spec, each field with where it came from, and the problems. No controller is asked: the
rules are those of registry_operator.api.effective.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from registry_operator.api.effective import Explained, Path, Source, explain
from registry_operator.api.names import API_VERSION

Body = Mapping[str, Any]


class RenderError(ValueError):
    """The manifests can't be rendered; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """One Registry: `namespace/name`, its template, and what the two come to."""

    name: str
    template: str | None
    explained: Explained

    def as_yaml(self) -> str:
        """The effective spec; behind each field stands where it came from."""
        head = f"# {self.name}" + (f", template {self.template}" if self.template else "")
        sources = {path: self._origin(source) for path, source in self.explained.sources.items()}

        return "\n".join([head, "spec:", *_lines(self.explained.spec, (), sources)]) + "\n"

    def as_json(self) -> dict[str, Any]:
        """The same as data."""
        return {
            "registry": self.name,
            "template": self.template,
            "spec": self.explained.spec,
            "sources": {".".join(path): source for path, source in self.explained.sources.items()},
            "problems": [str(problem) for problem in self.explained.problems],
        }

    def _origin(self, source: Source) -> str:
        return f"template {self.template}" if source == "template" else source


def manifests(texts: Iterable[str]) -> list[dict[str, Any]]:
    """Our objects in some files of YAML or JSON, lists taken apart. Raises RenderError."""
    found: list[dict[str, Any]] = []
    for text in texts:
        try:
            documents = [one for one in yaml.safe_load_all(text) if one is not None]
        except yaml.YAMLError as error:
            raise RenderError(f"this is no YAML: {error}") from error
        for document in documents:
            if not isinstance(document, dict):
                raise RenderError(f"a manifest is a mapping, not {type(document).__name__}")
            found += document.get("items") or [document]

    return [one for one in found if one.get("apiVersion") == API_VERSION]


def rendered(bodies: Iterable[Body], fetch: Callable[[str], Body]) -> list[Rendered]:
    """Every Registry among the manifests, over its template.

    `fetch` is asked for a template that is not among them. Raises RenderError when there is no
    Registry, and whatever `fetch` raises.
    """
    bodies = list(bodies)
    templates = {_name(one): one for one in bodies if one.get("kind") == "RegistryTemplate"}
    registries = [one for one in bodies if one.get("kind") == "Registry"]
    if not registries:
        raise RenderError(f"there is no Registry of {API_VERSION} in what was given")

    return [_one(registry, templates, fetch) for registry in registries]


def _one(registry: Body, templates: Mapping[str, Body], fetch: Callable[[str], Body]) -> Rendered:
    name = registry.get("template")
    below = None
    if name is not None:
        found = templates.get(name) or fetch(name)
        below = found.get("spec") or {}

    namespace = (registry.get("metadata") or {}).get("namespace")
    where = f"{namespace}/{_name(registry)}" if namespace else _name(registry)

    return Rendered(where, name, explain(registry.get("spec") or {}, below))


def _name(body: Body) -> str:
    return str((body.get("metadata") or {}).get("name", ""))


def _lines(spec: Body, path: Path, origins: Mapping[Path, str]) -> Iterator[str]:
    for key, value in spec.items():
        here = (*path, key)
        indent = "  " * len(here)
        if here not in origins:
            yield f"{indent}{_scalar(key)}:"
            yield from _lines(value, here, origins)
        elif isinstance(value, list) and value:
            yield f"{indent}{_scalar(key)}:  # {origins[here]}"
            yield from (f"{indent}{line}" for line in _block(value))
        else:
            yield f"{indent}{_scalar(key)}: {_scalar(value)}  # {origins[here]}"


def _block(value: Any) -> list[str]:
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=10_000)
    return text.splitlines()


def _scalar(value: Any) -> str:
    if isinstance(value, str) and "\n" in value:
        return json.dumps(value)
    text: str = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    return text.removesuffix("...\n").strip()
