"""What a Registry's template makes of it: the spec that holds, or why there is none now.

In: the Registry as the server holds it, and the RegistryTemplate that it names. Out: a
`Specification`. Pure. The rules of the merge are in registry_operator.api.effective.

Where a template is missing or cannot be used nothing is written for the Registry, so that what runs
goes on as it is. Which generation was the last good one is not remembered: a restart would have
forgotten it, and the same world must lead to the same decision (ADR 0011).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from registry_operator.api.effective import Problem, effective
from registry_operator.api.registry import RegistrySpec
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.outcome import Blocked, Stalled
from registry_operator.runtime.store import Store

INDEX = "template"
_NAMED = b'"template":'
_GOES_ON = "what runs goes on unchanged until then"


@dataclass(frozen=True, slots=True)
class Template:
    """The RegistryTemplate that a Registry names; equal while its spec is the same.

    `found` is None where there is none; `unreadable` says why it can't be known, "" when it can.
    """

    name: str
    found: Object | None = field(default=None, compare=False)
    unreadable: str = ""
    version: tuple[str, int] = field(init=False)
    """Uid and generation, which tell two specs apart also across a deletion."""

    @property
    def spec(self) -> Mapping[str, Any] | None:
        """What it says; None where there is none."""
        return self.found.body().get("spec") if self.found is not None else None

    def __post_init__(self) -> None:
        version = (self.found.uid, self.found.generation) if self.found else ("", 0)
        object.__setattr__(self, "version", version)


@dataclass(frozen=True, slots=True)
class Specification:
    """The spec that holds; where there is none now, or not all of it, `refusal` says why."""

    spec: RegistrySpec | None
    refusal: Blocked | Stalled | None = None


def name_of(owner: Object) -> str | None:
    """The template that a Registry names, if any."""
    if _NAMED not in owner.raw:
        return None

    name = owner.body().get("template")
    return name if isinstance(name, str) and name else None


def own_spec(owner: Object) -> Mapping[str, Any]:
    """What a Registry says itself; the CRD sees to it that this is a mapping or nothing."""
    spec = owner.body().get("spec")
    return spec if isinstance(spec, Mapping) else {}


def by_template(owner: Object) -> Iterable[str]:
    """Index of Registries by the template that they name."""
    name = name_of(owner)
    return () if name is None else (name,)


def template_of(owner: Object, templates: Store) -> Template | None:
    """The template that a Registry names, as far as our cache knows."""
    name = name_of(owner)
    return None if name is None else look_up(name, templates)


def look_up(name: str, templates: Store) -> Template:
    """The template of that name, as far as our cache knows."""
    found = templates.get(ObjectKey("", name))
    if found is not None or templates.synced:
        return Template(name, found)

    error = templates.error
    return Template(name, unreadable=error.message if error else "they are being read")


def specify(owner: Object, template: Template | None) -> Specification:
    """The spec that holds for a Registry.

    One that is being deleted goes by what it says itself where its template can't be used: its own
    fields would win anyway, and what it does not say is to keep.
    """
    own = own_spec(owner)
    found = _merge(own, template)
    if found.spec is None and template is not None and owner.is_deleting:
        return Specification(effective(own).spec, found.refusal)

    return found


def _merge(own: Mapping[str, Any], template: Template | None) -> Specification:
    if template is not None and template.found is None:
        return Specification(None, _missing(template))

    merged = effective(own, template.spec if template is not None else None)
    if merged.spec is None:
        return Specification(None, _invalid(merged.problems, template))

    return Specification(merged.spec)


def _missing(template: Template) -> Blocked:
    if template.unreadable:
        return Blocked(
            "TemplateUnreadable",
            f"RegistryTemplates can't be read ({template.unreadable}): install their CRD and grant "
            f"the operator list and watch; {_GOES_ON}",
        )

    return Blocked(
        "TemplateNotFound",
        f"RegistryTemplate {template.name} does not exist: create it, or correct template; "
        f"{_GOES_ON}",
    )


def _invalid(problems: Sequence[Problem], template: Template | None) -> Stalled:
    if template is None:
        told = "; ".join(f"{problem.field}: {problem.message}" for problem in problems)
        return Stalled("SpecInvalid", f"{told}; correct these fields")

    told = "; ".join(str(problem) for problem in problems)
    shared = any("template" in problem.sources for problem in problems)
    return Stalled(
        "TemplateInvalid" if shared else "SpecInvalid",
        f"with RegistryTemplate {template.name}: {told}; correct these fields, {_GOES_ON}",
    )
