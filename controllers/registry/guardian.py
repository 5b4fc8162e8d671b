"""The reconciler of the finalizer: takes the one step that finalizer.py decides.

In: the snapshot. Out: the finalizer set or taken away, or a BucketAccess or a claim deleted.
Its outcome is on the board, so that the status tells what a deletion waits for, and what holds it
if that lasts.

The finalizer is patched, not applied: after a restore from a backup another field manager owns it,
and an apply takes away only what is its own.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from controllers.kinds import REGISTRY
from controllers.registry import finalizer, stuck
from controllers.registry.finalizer import Await, DeleteData, Keep, SetFinalizer
from controllers.registry.inputs import RegistryInputs
from registry_operator.kube.client import Client
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.account import accounted
from registry_operator.runtime.applier import Applier
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.outcome import After, Blocked, Done, Outcome
from registry_operator.runtime.outcomes import Outcomes, Recorded
from registry_operator.runtime.store import Store

NAME = "finalizer"


class Guardian:
    """Guards the data of any Registry that takes it along."""

    def __init__(  # noqa: PLR0913 - each collaborator is named once, where the operator is composed
        self,
        *,
        client: Client,
        stores: Mapping[str, Store],
        registries: Store,
        gather: Callable[[ObjectKey], RegistryInputs | None],
        applier: Applier,
        outcomes: Outcomes,
        clock: Clock,
        field_manager: str,
    ) -> None:
        self._client = client
        self._stores = stores
        self._registries = registries
        self._gather = gather
        self._applier = applier
        self._outcomes = outcomes
        self._clock = clock
        self._field_manager = field_manager

    async def reconcile(self, key: ObjectKey) -> Outcome:
        """Takes the next step.

        Raises:
            KubeError: the step failed in a way that a retry may mend.
        """
        inputs = self._gather(key)
        if inputs is None:
            self._outcomes.forget(key)
            return Done()
        return await accounted(
            self._step(inputs),
            record=partial(self._record, inputs),
            doing=f"guard the data of {key}",
            reconciler=NAME,
        )

    def _record(self, inputs: RegistryInputs, outcome: Outcome) -> None:
        self._outcomes.record(inputs.owner.key, NAME, Recorded(outcome, inputs.basis))

    async def _step(self, inputs: RegistryInputs) -> Outcome:
        step = finalizer.decide(inputs)
        match step:
            case Keep():
                return Done()
            case SetFinalizer(present):
                await self._set_finalizer(inputs.owner, present=present)
                return Done()
            case DeleteData(target):
                await self._announce(inputs.owner, target)
                await self._applier.delete(self._stores[target.kind], target, owner=inputs.owner)
                return Blocked("Terminating", _going(target))
            case Await(target):
                return self._wait_for(target)

    def _wait_for(self, target: Object) -> Outcome:
        """Its event calls us; if none comes in time, whoever looks at the status must be told."""
        began = target.metadata.deletion_timestamp
        left = stuck.too_early(began, stuck.DELETION, now=self._clock.now())
        if left:
            return After(left, "Terminating", _going(target))
        return Blocked("Terminating", stuck.held(target))

    async def _set_finalizer(self, owner: Object, *, present: bool) -> None:
        others = [name for name in owner.metadata.finalizers if name != finalizer.FINALIZER]
        finalizers = [*others, finalizer.FINALIZER] if present else others
        await self._patch(owner, {"finalizers": finalizers})

    async def _announce(self, owner: Object, target: Object) -> None:
        """Has the server say that the Registry still is as it was when its data was to go.

        Whoever thought again before that is heard, however late our watch is.
        """
        if owner.annotations.get(finalizer.GOING) == target.uid:
            return
        await self._patch(owner, {"annotations": {finalizer.GOING: target.uid}})

    async def _patch(self, owner: Object, metadata: Mapping[str, Any]) -> None:
        """Raises KubeError, a Conflict where the Registry has changed."""
        seen = {"uid": owner.uid, "resourceVersion": owner.resource_version}
        written = await self._client.patch(
            REGISTRY,
            owner.key,
            {"metadata": {**seen, **metadata}},
            kind="merge",
            field_manager=self._field_manager,
        )
        self._registries.wrote(written)


def _going(target: Object) -> str:
    return f"{target.kind} {target.name} is being deleted"
