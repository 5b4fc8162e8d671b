"""The example operator with any declaration of its owned kind, before an API server in memory."""

from dataclasses import replace
from typing import Any

from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.outcome import Outcome
from registry_operator.runtime.owned_kind import OwnedKind, unannounced
from registry_operator.testing.virtual_loop import VirtualClock
from tests import example_operator
from tests.example_operator import CONFIG_MAP, GREETING, LABEL, Snapshot
from tests.operator_stage import OperatorStage

OWNER = ObjectKey("ns", "hi")
CHILD = ObjectKey("ns", "hi-ann")


class OwnedStage(OperatorStage):
    """`declaration` replaces fields of the example's `OwnedKind`; `announced`: who is told."""

    def __init__(
        self, clock: VirtualClock, *, announced: Any = unannounced, **declaration: Any
    ) -> None:
        kind: OwnedKind[Snapshot] = replace(example_operator.KIND, **declaration)
        super().__init__(
            clock,
            [GREETING, CONFIG_MAP],
            lambda operator: example_operator.install(operator, kind, announced=announced),
        )

    def greet(self, *names: str) -> dict[str, Any]:
        body = {
            "apiVersion": GREETING.api_version,
            "kind": GREETING.kind,
            "metadata": {"namespace": OWNER.namespace, "name": OWNER.name},
            "spec": {"names": [*names]},
        }
        return self.api.put(GREETING, body)

    @property
    def child(self) -> dict[str, Any]:
        return self.get(CONFIG_MAP, CHILD.namespace, CHILD.name)

    def change_child(self, **changed: Any) -> None:
        """Changes top-level fields of the child; `metadata` is laid over."""

        def mutate(body: dict[str, Any]) -> None:
            body["metadata"] |= changed.pop("metadata", {})
            body.update(changed)

        self.api.change(CONFIG_MAP, CHILD, mutate)

    def names(self) -> list[str]:
        return [body["metadata"]["name"] for body in self.api.objects(CONFIG_MAP)]

    def a_config_map(self, name: str = CHILD.name, **metadata: Any) -> dict[str, Any]:
        metadata = {"namespace": "ns", "name": name, **metadata}
        return self.api.put(CONFIG_MAP, {"metadata": metadata, "data": {"text": "theirs"}})


MARKED = {LABEL: OWNER.name}


def writes_children(request: Request) -> bool:
    return request.method == "PATCH" and "/configmaps/" in request.path


def reason_of(outcome: Outcome) -> str:
    return getattr(outcome, "reason", "")
