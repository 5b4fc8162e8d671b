"""Registries as those who refer to objects of others: declared, and woken by them.

In: changes of Registries, and of what they refer to. Out: references declared to the caches, which
then hold these objects in full, and keys in the queues of the controllers. Those of a Registry with
a template are declared where the two are merged (gather.py).
"""

from collections.abc import Callable, Hashable, Iterable

from controllers.registry import template
from controllers.registry.gather import Gatherer
from controllers.registry.stores import Stores
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.change import Change, Removed
from registry_operator.runtime.controller import Controller
from registry_operator.runtime.referenced import Referenced


def declare(stores: Stores, gatherer: Gatherer) -> None:
    """Has the caches hold what each Registry refers to, as long as it does."""

    def on_change(change: Change) -> None:
        if isinstance(change, Removed):
            gatherer.drop_references(change.old.key)
        elif template.name_of(change.new) is None:
            gatherer.declare_references(change.new)

    stores.registries.subscribe(on_change)


def wake(
    controller: Controller, held: Referenced, *, when: Callable[[Change], bool], after: float
) -> None:
    """Has a controller look again at whoever refers to what changed, or can't be read any more."""

    def referring_to(other: Object) -> Iterable[ObjectKey]:
        return _referring(held, other.key)

    def on_failure(key: ObjectKey) -> None:
        for referrer in _referring(held, key):
            controller.enqueue(referrer)

    controller.watch(held, referring_to, when=when, after=after, recount=False)
    held.on_failure(on_failure)


def _referring(held: Referenced, other: ObjectKey) -> list[ObjectKey]:
    found: frozenset[Hashable] = held.referrers(other)
    return [key for key in found if isinstance(key, ObjectKey)]
