"""Tables of docs/registry.md: every field, and every condition's reason.

The CRD and `controllers.registry.reasons` flow in; what stands between `<!-- generated: NAME
-->` and `<!-- end -->` is replaced, and the prose round it is left alone. core/v1 shapes are one
row each: Kubernetes documents what is in them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from hack.generate.file import GeneratedFile, GenerateError
from registry_operator.api import registry
from registry_operator.api.crd import crd

PAGE = Path("docs", "registry.md")
_ROOT = Path(__file__).parents[2]
# As schema.py writes the values of a field that may be null.
_ALTERNATIVES = re.compile(r"\^\(([A-Za-z_|]+)\)\$")
_CORE = frozenset(
    {
        "spec.affinity",
        "spec.imagePullSecrets",
        "spec.resources",
        "spec.tolerations",
        "spec.topologySpreadConstraints",
        "status.conditions",
    }
)


class Reason(Protocol):
    """A row of the controllers' table of reasons; `stalls` means that only a person can end it."""

    @property
    def name(self) -> str: ...
    @property
    def meaning(self) -> str: ...
    @property
    def cure(self) -> str: ...
    @property
    def stalls(self) -> bool: ...


def files() -> Iterator[GeneratedFile]:
    """The page of the Registry with its tables up to date."""
    from controllers.registry.reasons import CONDITIONS, TABLE

    text = (_ROOT / PAGE).read_text(encoding="utf-8")
    tables = {
        "fields": field_table(),
        "conditions": condition_table(CONDITIONS),
        "reasons": reason_table(TABLE.values()),
    }
    for name, table in tables.items():
        text = replace_table(text, name=name, table=table)

    yield GeneratedFile(PAGE, text)


def replace_table(page: str, *, name: str, table: str) -> str:
    """The page with `table` between the markers of `name`; GenerateError when it has none."""
    marked = re.compile(rf"(<!-- generated: {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not marked.search(page):
        raise GenerateError(
            f"the page lacks the lines `<!-- generated: {name} -->` and `<!-- end -->`: add them "
            "where the table belongs"
        )

    return marked.sub(lambda match: f"{match[1]}\n{table}\n\n{match[2]}", page, count=1)


def field_table() -> str:
    """A Markdown table of the Registry's fields: path, type, meaning with the default."""
    schema = crd(registry.DEFINITION)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    rows = [
        row
        for name in ("template", "spec", "status")
        for row in _rows(schema["properties"][name], name)
    ]

    return "\n".join(["| Field | Type | Meaning |", "|---|---|---|", *rows])


def condition_table(conditions: Mapping[str, str]) -> str:
    """A Markdown table of condition types and what each says."""
    rows = [f"| `{name}` | {_cell(meaning)} |" for name, meaning in conditions.items()]

    return "\n".join(["| Condition | Says |", "|---|---|", *rows])


def reason_table(reasons: Iterable[Reason]) -> str:
    """A Markdown table of condition reasons: what each means, what to do, who can end it."""
    rows = [
        f"| `{reason.name}` | {_cell(reason.meaning)} | {_cell(reason.cure)} "
        f"| {'yes' if reason.stalls else ''} |"
        for reason in reasons
    ]

    return "\n".join(["| Reason | Meaning | What to do | Stalls |", "|---|---|---|---|", *rows])


def _rows(schema: Mapping[str, Any], path: str) -> Iterator[str]:
    inner = schema.get("properties", {})
    if not inner or path in _CORE:
        yield f"| `{path}` | {_type(schema, path)} | {_cell(schema.get('description', ''))} |"
        return

    if path not in ("spec", "status"):
        kind = schema.get("type", "string or object")
        yield f"| `{path}` | {kind} | {_cell(schema.get('description', ''))} |"

    for name, field in inner.items():
        yield from _rows(field, f"{path}.{name}")


def _type(schema: Mapping[str, Any], path: str) -> str:
    if path in _CORE and "properties" in schema:
        return "as in core/v1"

    alternatives = _ALTERNATIVES.fullmatch(schema.get("pattern", ""))
    values = schema.get("enum") or (alternatives and alternatives[1].split("|"))
    if values:
        return " or ".join(f"`{value}`" if value else '`""`' for value in values)

    if schema.get("x-kubernetes-int-or-string"):
        return "quantity"

    if "minimum" in schema and "maximum" in schema:
        return f"integer, {schema['minimum']} to {schema['maximum']}"

    if "additionalProperties" in schema:
        return "map of strings"

    return "list" if schema["type"] == "array" else str(schema["type"])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
