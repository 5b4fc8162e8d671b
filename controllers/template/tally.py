"""Who uses which template, and with which generation: counted as it changes, never by a scan.

In: changes of Registries. Out: for a template, how many name it, how many have its generation, and
some that refuse it. What a Registry has is read off its status, as its own reconciler told it.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any

from controllers.registry.template import name_of
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.change import Change, Removed
from registry_operator.runtime.conditions import find

_MOST_NAMED = 3
_HELD = "Paused"


@dataclass(frozen=True, slots=True)
class Users:
    """The Registries that name a template. `refusing` are some of those that can't use it."""

    registries: int
    up_to_date: int
    refusals: int
    refusing: tuple[ObjectKey, ...]


@dataclass(frozen=True, slots=True)
class _Use:
    template: str
    generation: int | None
    refuses: bool


def changes_numbers(change: Change) -> bool:
    """Whether a change of a Registry makes the numbers of a template others."""
    before = _use_of(change.old) if change.old is not None else None
    after = None if isinstance(change, Removed) else _use_of(change.new)
    return before != after


class Tally:
    """Not thread-safe; one event loop."""

    def __init__(self) -> None:
        self._uses: dict[ObjectKey, _Use] = {}
        self._generations: dict[str, Counter[int | None]] = defaultdict(Counter)
        self._refusing: dict[str, set[ObjectKey]] = defaultdict(set)

    def see(self, change: Change) -> None:
        """Take a change in."""
        key = change.old.key if isinstance(change, Removed) else change.new.key
        before = self._uses.get(key)
        after = None if isinstance(change, Removed) else _use_of(change.new)
        if before == after:
            return
        if before is not None:
            self._drop(key, before)
        if after is not None:
            self._take(key, after)

    def of(self, template: str, generation: int) -> Users:
        """The numbers of one template whose spec is of this generation."""
        generations = self._generations.get(template, Counter())
        refusing = self._refusing.get(template, set())
        return Users(
            generations.total(),
            generations[generation],
            len(refusing),
            tuple(nsmallest(_MOST_NAMED, refusing)),
        )

    def _take(self, key: ObjectKey, use: _Use) -> None:
        self._uses[key] = use
        self._generations[use.template][use.generation] += 1
        if use.refuses:
            self._refusing[use.template].add(key)

    def _drop(self, key: ObjectKey, use: _Use) -> None:
        del self._uses[key]
        generations = self._generations[use.template]
        generations[use.generation] -= 1
        self._refusing[use.template].discard(key)
        if not generations.total():
            del self._generations[use.template], self._refusing[use.template]


def _use_of(registry: Object) -> _Use | None:
    name = name_of(registry)
    if name is None:
        return None
    status: Mapping[str, Any] = registry.body().get("status") or {}
    applied = find(status.get("conditions") or (), "TemplateApplied") or {}
    told: Mapping[str, Any] = status.get("template") or {}
    has_it = applied.get("status") == "True" and told.get("name") == name
    refuses = applied.get("status") == "False" and applied.get("reason") != _HELD
    return _Use(name, told.get("generation") if has_it else None, refuses)
