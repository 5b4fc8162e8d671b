"""Wakes the Registries that use a template when it changes: at once if few, spread if many.

In: changes of RegistryTemplates. Out: keys in the queues of every controller. Which Registries
those are is known by an index. Each of them rolls its pods: so many at once would be a stampede on
nodes and image stores, of which the API server would be the smallest part.
"""

from collections.abc import Collection

from controllers.registry.gather import Gatherer
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.change import Change, Removed
from registry_operator.runtime.controller import Controller
from registry_operator.runtime.operator import Operator
from registry_operator.runtime.spread import Spread
from registry_operator.runtime.store import Store
from registry_operator.runtime.workqueue import Priority

# Ten thousand Registries are through in 200 seconds.
_AT_ONCE = 50
_EACH_SECOND = 50.0


def follow(
    operator: Operator, templates: Store, gatherer: Gatherer, controllers: Collection[Controller]
) -> None:
    """Has every controller look again at whom a change of a template concerns."""

    def wake(key: ObjectKey) -> None:
        for controller in controllers:
            controller.enqueue(key, priority=Priority.LOW)

    spread = Spread(wake, clock=operator.clock, rate=_EACH_SECOND, burst=_AT_ONCE)

    def on_change(change: Change) -> None:
        obj = change.old if isinstance(change, Removed) else change.new
        spread.add(gatherer.outdated(obj.name))

    templates.subscribe(on_change)
    templates.on_synced(lambda _: spread.add(gatherer.without_template()))
    operator.run_beside(spread)
    operator.describe("registries behind their template", spread.stats)
