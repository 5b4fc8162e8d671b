"""The reconciler of a Registry's status: one patch when something to say has changed, else none.

In: the snapshot, the outcomes of the other reconcilers. Out: `status` by server-side apply under a
field manager of its own, and Events when `Ready` or a change of the pods (upgrade_events.py) took a
turn. It waits until every other reconciler has spoken for the generation at hand, so that a restart
neither flaps a condition nor says `observedGeneration` of something that nobody has looked at.
Progress is told some seconds late (pacing.py).
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from controllers.registry import upgrade_events
from controllers.registry.inputs import RegistryInputs
from controllers.registry.pacing import Pacer, is_news, is_turn
from controllers.registry.reasons import Gravity, gravity_of, passes_quietly
from controllers.registry.status import conditions, report
from controllers.status_writer import write_status
from registry_operator.kube.client import Client
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.conditions import find, merge
from registry_operator.runtime.outcome import After, Done, Outcome
from registry_operator.runtime.outcomes import Outcomes
from registry_operator.runtime.recorder import Recorder
from registry_operator.runtime.store import Store

NAME = "status"
Status = Mapping[str, Any]


class StatusReporter:
    """Keeps the status of any Registry true."""

    def __init__(  # noqa: PLR0913 - each collaborator is named once, where the operator is composed
        self,
        *,
        client: Client,
        registries: Store,
        gather: Callable[[ObjectKey], RegistryInputs | None],
        outcomes: Outcomes,
        reconcilers: Collection[str],
        field_manager: str,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self._client = client
        self._registries = registries
        self._gather = gather
        self._outcomes = outcomes
        self._reconcilers = frozenset(reconcilers)
        self._field_manager = field_manager
        self._recorder = recorder
        self._clock = clock
        self._pacer = Pacer()

    async def reconcile(self, key: ObjectKey) -> Outcome:
        """Writes the status when it says something else than it should.

        Raises:
            KubeError: the write failed; a retry is due.
        """
        inputs = self._gather(key)
        if inputs is None:
            self._outcomes.forget(key)
            self._pacer.told(key)
            return Done()
        outcomes = self._outcomes.of(key)
        spoken = {name for name, said in outcomes.items() if said.basis == inputs.basis}
        if not self._reconcilers <= spoken:
            return Done()
        before: Mapping[str, Any] = inputs.owner.body().get("status") or {}
        told = conditions(inputs, outcomes)
        now = self._clock.now()
        merged = merge(before.get("conditions") or (), told, now)
        after = report(inputs, merged, now=now)
        if after != before:
            if not is_news(before, after, outcomes.values()):
                turns = is_turn(before, after)
                left = self._pacer.wait(key, now=self._clock.monotonic(), turns=turns)
                if left > 0:
                    return After(left)
            if await write_status(
                self._client,
                self._registries,
                inputs.owner,
                after,
                field_manager=self._field_manager,
            ):
                self._tell(inputs, before, after)
        self._pacer.told(key)
        return Done()

    def _tell(self, inputs: RegistryInputs, before: Status, after: Status) -> None:
        """At most one Event for a change of the pods that took a turn, and one for Ready."""
        turn = upgrade_events.turned(inputs, before, after)
        if turn is not None:
            self._recorder.event(
                inputs.owner, turn.type, turn.reason, turn.note, action=turn.action
            )
        said = find(before.get("conditions") or (), "Ready") or {}
        ready = find(after["conditions"], "Ready")
        assert ready is not None, "every status has it"
        is_told = turn is not None and turn.ends_well and ready["reason"] == "Ready"
        if not is_told and not upgrade_events.tells(after, ready["reason"]):
            self._tell_ready(inputs.owner, said, ready)

    def _tell_ready(self, owner: Object, said: Mapping[str, Any], ready: Mapping[str, Any]) -> None:
        """The summary when it turned, so that troubles are told once.

        What passes quietly is told only where it ends that the Registry was ready.
        """
        was = said.get("status", ""), said.get("reason", "")
        if was == (ready["status"], ready["reason"]):
            return
        if passes_quietly(ready["reason"]) and was[0] != "True":
            return
        gravity = gravity_of(ready["reason"])
        warns = gravity in {Gravity.TROUBLE, Gravity.STALL} and ready["status"] != "True"
        self._recorder.event(
            owner, "Warning" if warns else "Normal", ready["reason"], ready["message"]
        )
