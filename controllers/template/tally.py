"""Who uses which template, and with which generation: counted as it changes, never by a scan.

In: changes of Registries. Out: for a template, how many name it, how many have its generation, how
many change, wait or failed, and some that failed or refuse it. What a Registry has is read off its
status, as its own reconciler told it.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from heapq import nsmallest
from typing import Any

from controllers.registry.template import name_of
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.change import Change, Removed
from registry_operator.runtime.conditions import find

_MOST_NAMED = 3


class State(Enum):
    """What keeps a Registry from having what its template says."""

    HELD = "held"
    UPDATING = "updating"
    WAITING = "waiting"
    FAILED = "failed"
    REFUSED = "refused"


_STATES = {
    "Paused": State.HELD,
    "UpgradePaused": State.HELD,
    "UpgradeAborted": State.HELD,
    "CanaryRunning": State.UPDATING,
    "RollingOut": State.UPDATING,
    "RolloutWaiting": State.WAITING,
    "RollingBack": State.FAILED,
    "UpgradeFailed": State.FAILED,
}
_NAMED = (State.FAILED, State.REFUSED)


@dataclass(frozen=True, slots=True)
class Users:
    """The Registries that name a template.

    `failing` are some of those whose change failed, `refusing` some of those that can't use it.
    """

    registries: int
    up_to_date: int
    updating: int = 0
    waiting: int = 0
    failures: int = 0
    failing: tuple[ObjectKey, ...] = ()
    refusals: int = 0
    refusing: tuple[ObjectKey, ...] = ()


@dataclass(frozen=True, slots=True)
class _Use:
    template: str
    generation: int | None
    state: State | None


@dataclass
class _Counts:
    generations: Counter[int | None] = field(default_factory=Counter)
    states: Counter[State | None] = field(default_factory=Counter)
    named: dict[State, set[ObjectKey]] = field(
        default_factory=lambda: {state: set() for state in _NAMED}
    )


def changes_numbers(change: Change) -> bool:
    """Whether a change of a Registry makes the numbers of a template others."""
    before = _use_of(change.old) if change.old is not None else None
    after = None if isinstance(change, Removed) else _use_of(change.new)
    return before != after


class Tally:
    """Not thread-safe; one event loop."""

    def __init__(self) -> None:
        self._uses: dict[ObjectKey, _Use] = {}
        self._counts: dict[str, _Counts] = defaultdict(_Counts)

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
        found = self._counts.get(template, _Counts())
        failing, refusing = (found.named[state] for state in _NAMED)
        return Users(
            found.generations.total(),
            found.generations[generation],
            updating=found.states[State.UPDATING],
            waiting=found.states[State.WAITING],
            failures=len(failing),
            failing=tuple(nsmallest(_MOST_NAMED, failing)),
            refusals=len(refusing),
            refusing=tuple(nsmallest(_MOST_NAMED, refusing)),
        )

    def _take(self, key: ObjectKey, use: _Use) -> None:
        self._uses[key] = use
        counts = self._counts[use.template]
        counts.generations[use.generation] += 1
        counts.states[use.state] += 1
        if use.state in counts.named:
            counts.named[use.state].add(key)

    def _drop(self, key: ObjectKey, use: _Use) -> None:
        del self._uses[key]
        counts = self._counts[use.template]
        counts.generations[use.generation] -= 1
        counts.states[use.state] -= 1
        if use.state in counts.named:
            counts.named[use.state].discard(key)
        if not counts.generations.total():
            del self._counts[use.template]


def _use_of(registry: Object) -> _Use | None:
    name = name_of(registry)
    if name is None:
        return None
    status: Mapping[str, Any] = registry.body().get("status") or {}
    applied = find(status.get("conditions") or (), "TemplateApplied") or {}
    told: Mapping[str, Any] = status.get("template") or {}
    has_it = applied.get("status") == "True" and told.get("name") == name
    return _Use(name, told.get("generation") if has_it else None, _state(applied))


def _state(applied: Mapping[str, Any]) -> State | None:
    if applied.get("status") != "False":
        return None
    return _STATES.get(applied.get("reason", ""), State.REFUSED)
