"""How many Registries change their pods at a time because of one template.

In: changes of Registries, RegistryTemplates and Deployments, and decisions as they are made. Out:
whether a Registry may begin, and calls of those who wait, by name. Who has begun is read off the
Deployments (origin.py), which is complete before anybody decides anything, so no lock is written
anywhere and a restart changes nothing; a write that is under way counts before our cache has heard
of it. Whose change failed counts until it is taken back, mended or overridden: so a template that
is wrong stops where it is. Each question costs the same for ten Registries and for ten thousand.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

from pydantic import ValidationError

from controllers.registry import child, origin
from controllers.registry.inputs import RegistryInputs
from controllers.registry.template import name_of
from controllers.registry.upgrade_plan import ADMITTED, Admission, Phase, Plan
from registry_operator.api.registry_template import Count, Rollout, most_of
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.change import Change, Removed
from registry_operator.runtime.intent import Body
from registry_operator.runtime.store import Store


class _Line:
    """Who waits, the first by name in front."""

    def __init__(self) -> None:
        self._heap: list[ObjectKey] = []
        self._waiting: set[ObjectKey] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, key: ObjectKey) -> bool:
        return key in self._waiting

    def add(self, key: ObjectKey) -> None:
        if key not in self._waiting:
            self._waiting.add(key)
            heappush(self._heap, key)

    def drop(self, key: ObjectKey) -> None:
        self._waiting.discard(key)
        if not self._waiting:
            self._heap.clear()

    def pop(self) -> ObjectKey | None:
        while self._heap:
            key = heappop(self._heap)
            if key in self._waiting:
                self._waiting.discard(key)
                return key
        return None


@dataclass
class _Fleet:
    """The Registries of one template; `called` were told that there is room, and have not come."""

    bound: Count = Rollout().max_unavailable
    followers: int = 0
    changing: Counter[ObjectKey] = field(default_factory=Counter)
    beginning: set[ObjectKey] = field(default_factory=set)
    called: set[ObjectKey] = field(default_factory=set)
    line: _Line = field(default_factory=_Line)

    def room(self, *, besides: ObjectKey | None = None) -> int:
        """How many more may begin, what is promised to others considered."""
        begun = len(self.changing) + len(self.beginning - self.changing.keys())
        promised = len(self.called) - (besides in self.called)
        return most_of(self.bound, self.followers) - begun - promised


@dataclass(frozen=True, slots=True)
class BudgetStats:
    """How many Registries change because of their templates, and how many wait."""

    changing: int
    waiting: int


class Budgets:
    """Kept up to date by the stores; not thread-safe, one event loop."""

    def __init__(self, registries: Store, templates: Store, deployments: Store) -> None:
        self._fleets: dict[str, _Fleet] = defaultdict(_Fleet)
        self._follows: dict[ObjectKey, str] = {}
        self._begun: dict[ObjectKey, tuple[ObjectKey, str]] = {}
        self._call: Callable[[ObjectKey], None] = lambda _key: None
        registries.subscribe(self._on_registry)
        templates.subscribe(self._on_template)
        deployments.subscribe(self._on_deployment)

    def on_room(self, call: Callable[[ObjectKey], None]) -> None:
        """Have `call` wake the decision about a Registry for which there is room now."""
        self._call = call

    def stats(self) -> BudgetStats:
        """How many change, and how many wait."""
        fleets = self._fleets.values()
        return BudgetStats(
            sum(len(one.changing) for one in fleets), sum(len(one.line) for one in fleets)
        )

    def admission(self, registry: Object) -> Admission:
        """Whether a Registry may begin to change its pods because of its template."""
        name, key = self._follows.get(registry.key), registry.key
        if name is None:
            return ADMITTED
        fleet = self._fleets[name]
        if key in fleet.changing or key in fleet.beginning:
            return Admission(bound=fleet.bound)
        # Who waits goes when he is called, so that the order is that of names.
        may = key not in fleet.line and fleet.room(besides=key) > 0
        return Admission(is_given=may, bound=fleet.bound)

    @contextmanager
    def announced(self, inputs: RegistryInputs, deployments: Sequence[Body]) -> Iterator[None]:
        """While what was decided for a Registry is written.

        Two writes that are under way at once would be one too many. Where an error comes out nobody
        knows what became of the write: then it counts as under way until the next decision.
        """
        key = inputs.owner.key
        name = self._follows.get(key)
        if name is None:
            yield
            return
        fleet = self._fleets[name]
        fleet.beginning.discard(key)
        fleet.called.discard(key)
        if _waits(inputs):
            fleet.line.add(key)
        else:
            fleet.line.drop(key)
        if any(origin.CHANGES in body["metadata"].get("annotations", {}) for body in deployments):
            fleet.beginning.add(key)
        self._call_more(name)
        yield
        fleet.beginning.discard(key)
        self._call_more(name)

    def _on_registry(self, change: Change) -> None:
        key = change.old.key if isinstance(change, Removed) else change.new.key
        before = self._follows.get(key)
        after = None if isinstance(change, Removed) else name_of(change.new)
        if before == after:
            return
        if before is not None:
            del self._follows[key]
            self._leave(key, before)
        if after is not None:
            self._follows[key] = after
            self._fleets[after].followers += 1
            self._call_more(after)

    def _leave(self, key: ObjectKey, name: str) -> None:
        fleet = self._fleets[name]
        fleet.followers -= 1
        fleet.line.drop(key)
        fleet.called.discard(key)
        fleet.beginning.discard(key)
        self._call_more(name)

    def _on_template(self, change: Change) -> None:
        obj = change.old if isinstance(change, Removed) else change.new
        told = None if isinstance(change, Removed) else (obj.body().get("spec") or {})
        self._fleets[obj.name].bound = bound_of(told or {})
        self._call_more(obj.name)

    def _on_deployment(self, change: Change) -> None:
        obj = change.old if isinstance(change, Removed) else change.new
        name = None if isinstance(change, Removed) else obj.annotations.get(origin.CHANGES)
        owner = next(iter(child.owner_key(obj)), None)
        after = (owner, name) if owner is not None and name else None
        before = self._begun.get(obj.key)
        if before == after:
            return
        if after is not None:
            self._begun[obj.key] = after
            self._fleets[after[1]].changing[after[0]] += 1
        if before is not None:
            if after is None:
                del self._begun[obj.key]
            self._end(*before)

    def _end(self, owner: ObjectKey, name: str) -> None:
        changing = self._fleets[name].changing
        changing[owner] -= 1
        if not changing[owner]:
            del changing[owner]
        self._call_more(name)

    def _call_more(self, name: str) -> None:
        fleet = self._fleets[name]
        while fleet.line and fleet.room() > 0:
            key = fleet.line.pop()
            if key is None:
                return
            fleet.called.add(key)
            self._call(key)


def bound_of(template: Mapping[str, Any]) -> Count:
    """What a template's spec says of how many may change; the default where nothing usable is."""
    try:
        return Rollout.model_validate(template.get("rollout") or {}).max_unavailable
    except ValidationError:
        return Rollout().max_unavailable


def _waits(inputs: RegistryInputs) -> bool:
    if inputs.hold is not None:
        return False
    plan = inputs.upgrade
    return isinstance(plan, Plan) and plan.phase is Phase.WAITING
