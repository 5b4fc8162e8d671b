"""Where every Registry keeps its images, its template considered, and who is beside whom.

In: changes of Registries and RegistryTemplates, the index of Deployments by place. Out: the others
of a place who write there, and changes of those beside whom somebody came, left or was changed, as
they may look different now. Who asks for another place writes where his pods are until they have
gone; who was let in counts as there before his Deployment is seen. Complete before anybody decides
anything, as it is filled with the caches. What a place is, and what two in one place mean, is
sharing.py's to say.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from controllers.registry import child, sharing
from controllers.registry.inputs import RegistryInputs
from controllers.registry.template import INDEX, own_spec, template_of
from registry_operator.api.effective import Spec, merged
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.change import Applied, Change, Removed, Subscribers
from registry_operator.runtime.intent import Body
from registry_operator.runtime.predicate import intent_changed
from registry_operator.runtime.store import Store


class Places:
    """Kept up to date by the stores; not thread-safe, one event loop."""

    def __init__(self, registries: Store, templates: Store, deployments: Store) -> None:
        self._registries = registries
        self._templates = templates
        self._deployments = deployments
        self._place: dict[ObjectKey, str] = {}
        self._there: dict[str, set[ObjectKey]] = {}
        self._taken: dict[ObjectKey, str] = {}
        self._beside: Subscribers[Change] = Subscribers("places of Registries")
        registries.subscribe(self._on_registry)
        templates.subscribe(self._on_template)

    def of(self, registry: Object) -> str | None:
        """The place where a Registry keeps its images, if it has one that others may have too."""
        return self._place.get(registry.key)

    def used_by(self, deployment: Object) -> tuple[ObjectKey, ...]:
        """Whom it concerns that a Deployment comes to the place that it says it uses, or goes."""
        places = sharing.by_place(deployment)
        return tuple(sorted({key for place in places for key in self._there.get(place, ())}))

    def left_by(self, obj: Object) -> tuple[ObjectKey, ...]:
        """Whose Deployment says that earlier pods may write elsewhere, of its pods and itself."""
        owners = child.owner_key(obj)
        found = (self._deployments.get(key) for key in owners)
        return tuple(
            one.key for one in found if one is not None and sharing.LEFT in one.annotations
        )

    def takes(self, registry: ObjectKey, place: str | None) -> bool:
        """Whether a Deployment with pods in the place is on its way."""
        return place is not None and self._taken.get(registry) == place

    @contextmanager
    def announced(self, inputs: RegistryInputs, deployments: Sequence[Body]) -> Iterator[None]:
        """While the Deployment is written that a Registry is to have, if it is to have one.

        Two writes that are under way at once would let two in. Where an error comes out nobody
        knows what became of the write: then it counts as under way until the next decision.
        """
        registry, place = inputs.owner.key, _place_in(deployments)
        before = self._taken.pop(registry, None)
        if place is not None and not self._is_there(registry, place):
            self._taken[registry] = place
        if before is not None and before != place:
            self._tell({before}, besides=registry)
        yield
        taken = self._taken.pop(registry, None)
        if taken is not None and not self._is_there(registry, taken):
            self._tell({taken}, besides=registry)

    def _is_there(self, registry: ObjectKey, place: str) -> bool:
        return sharing.is_there(self._deployments.get(registry), place)

    def writers_beside(self, registry: Object) -> tuple[Object, ...]:
        """The other Registries that write to the place where this one keeps its images."""
        place = self._place.get(registry.key, "")
        there = self._there.get(place, set())
        # Deployments are named like their Registries.
        pods = set(self._deployments.keys_by_index(sharing.INDEX, place))
        pods |= {key for key, taken in self._taken.items() if taken == place}
        found = (self._registries.get(key) for key in sorted((there | pods) - {registry.key}))
        return tuple(
            other
            for other in found
            if other is not None and (other.key in pods or sharing.writes(self._spec(other)))
        )

    def follow(self, handler: Callable[[Change], None], *, recount: bool = True) -> Iterator[None]:
        """Call `handler` for all who are where somebody came, left or was changed, from now on."""
        if recount:
            raise ValueError("places tell changes only: Registries tell of themselves")
        self._beside.add(handler)
        return iter(())

    def _on_registry(self, change: Change) -> None:
        key = change.old.key if isinstance(change, Removed) else change.new.key
        if isinstance(change, Removed):
            self._taken.pop(key, None)
        before = self._place.get(key)
        after = self._settle(key, None if isinstance(change, Removed) else change.new)
        # Not only who moves: whether he writes may have changed, and his age does with his uid.
        if intent_changed(change):
            self._tell({before, after}, besides=key)

    def _on_template(self, change: Change) -> None:
        name = (change.old if isinstance(change, Removed) else change.new).name
        affected: set[str | None] = set()
        for user in self._registries.by_index(INDEX, name):
            affected |= {self._place.get(user.key), self._settle(user.key, user)}
        if intent_changed(change):
            self._tell(affected)

    def _settle(self, key: ObjectKey, registry: Object | None) -> str | None:
        """Note where a Registry is now; return that."""
        before = self._place.pop(key, None)
        if before is not None:
            self._there[before].discard(key)
            if not self._there[before]:
                del self._there[before]
        place = self._place_of(registry) if registry is not None else None
        if place is not None:
            self._place[key] = place
            self._there.setdefault(place, set()).add(key)
        return place

    def _place_of(self, registry: Object) -> str | None:
        below = template_of(registry, self._templates)
        written = (registry, below.found if below is not None else None)
        if not any(sharing.may_name_a_place(obj) for obj in written if obj is not None):
            return None
        return sharing.place_of(self._spec(registry), registry)

    def _spec(self, registry: Object) -> Spec:
        below = template_of(registry, self._templates)
        return merged(own_spec(registry), below.spec if below is not None else None)

    def _tell(self, places: Iterable[str | None], *, besides: ObjectKey | None = None) -> None:
        keys = {key for place in places if place for key in self._there.get(place, ())}
        for key in sorted(keys - {besides}):
            found = self._registries.get(key)
            if found is not None:
                self._beside.tell(Applied(found, found))


def _place_in(deployments: Sequence[Body]) -> str | None:
    told = (body["metadata"]["annotations"].get(sharing.ANNOTATION) for body in deployments)
    return next(told, None)
