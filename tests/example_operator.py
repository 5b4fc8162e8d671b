"""The smallest operator: a Greeting owns a ConfigMap for each name that it greets.

It proves that the runtime knows no registry: nothing of it is changed or configured for this kind.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.operator import Operator
from registry_operator.runtime.owned import OWNER_INDEX, Desired, OwnedKind
from registry_operator.runtime.ownership import Identity, by_owner_label

GREETING = Resource("example.org", "v1", "Greeting", "greetings")
CONFIG_MAP = Resource("", "v1", "ConfigMap", "configmaps")
LABEL = "example.org/greeting"
IDENTITY = Identity(
    owner=GREETING, labels=lambda owner: {LABEL: owner.name}, annotation="example.org/intent"
)


@dataclass(frozen=True)
class Snapshot:
    owner: Object
    hold: str | None


def desired(snapshot: Snapshot) -> Desired:
    owner = snapshot.owner
    return [
        {
            "metadata": {"namespace": owner.namespace, "name": f"{owner.name}-{who}"},
            "data": {"text": f"Hello, {who}!"},
        }
        for who in owner.body()["spec"]["names"]
    ]


KIND = OwnedKind(
    name="config-map", resource=CONFIG_MAP, desired=desired, may_prune=lambda _snapshot, _child: True
)  # fmt: skip


def install(operator: Operator, kind: OwnedKind[Snapshot] = KIND, **options: Any) -> None:
    greetings = operator.cache.declare(GREETING)
    index = {OWNER_INDEX: by_owner_label(LABEL)}
    children = operator.cache.declare(CONFIG_MAP, label_selector=LABEL, indexes=index)

    def gather(key: ObjectKey) -> Snapshot | None:
        owner = greetings.get(key)
        return Snapshot(owner, "Terminating" if owner.is_deleting else None) if owner else None

    controller = operator.owned(kind, identity=IDENTITY, store=children, gather=gather, **options)
    controller.watch(greetings, lambda greeting: [greeting.key])
    controller.watch(children, _owner_of)


def _owner_of(child: Object) -> Iterable[ObjectKey]:
    return [ObjectKey(child.namespace, child.labels[LABEL])]
