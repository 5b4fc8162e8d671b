"""The generic reconciler of one owned kind: intent in, children as intended out.

    gather(key) ──▶ desired(inputs) ──▶ decide(intent, observed) ──▶ apply / delete ──▶ outcome
      reads stores    pure, the domain's     pure                      writes           on the board

The domain declares an `OwnedKind` (a pure function and a few facts); everything else is the same
for every kind and every operator. A child is written when it is missing, when the digest of our
intent differs from the one it carries, or when a field that we own drifted. Rules: design.md
section 4, framework 1.15 (A1, A2), 1.16 (S6, S7).
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial
from typing import Any, Final, Generic, TypeVar

import structlog

from registry_operator.kube.errors import KubeError
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.account import accounted
from registry_operator.runtime.applier import Applier, NameTakenError, key_of
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.contest import Contest
from registry_operator.runtime.diff import differences
from registry_operator.runtime.intent import Body
from registry_operator.runtime.outcome import After, Blocked, Done, Outcome, Stalled
from registry_operator.runtime.outcomes import Outcomes, Recorded
from registry_operator.runtime.owned_kind import (
    OWNER_INDEX,
    Desired,
    Inputs,
    OwnedKind,
    generation_of,
    unannounced,
)
from registry_operator.runtime.ownership import Claim, Identity, describe
from registry_operator.runtime.refusals import Refusals
from registry_operator.runtime.settled import Settled
from registry_operator.runtime.store import Change, Removed, Store
from registry_operator.runtime.trouble import RECHECK_SECONDS, outcome_of

__all__ = ["OWNER_INDEX", "Desired", "OwnedKind", "OwnedReconciler"]

# What is told of an owner later than that may be over already.
_YOUNG: Final = timedelta(seconds=10)
_TAKEN: Final = frozenset({"ForeignObject", "ChildTerminating"})
log = structlog.get_logger(__name__)


I = TypeVar("I", bound=Inputs)  # noqa: E741 - the snapshot's type


class OwnedReconciler(Generic[I]):
    """Keeps the children of one kind as intended, for any owner key.

    `basis` says what a decision is made on, where that is more than the owner's generation. Each
    decision is `announced` in the same step that it is made in, and what that gives is left when
    what was decided is done: so who decides about another owner meanwhile can know of it.
    """

    def __init__(  # noqa: PLR0913 - each collaborator is named once, in operator.py
        self,
        kind: OwnedKind[I],
        *,
        identity: Identity,
        store: Store,
        gather: Callable[[ObjectKey], I | None],
        applier: Applier,
        outcomes: Outcomes,
        clock: Clock,
        basis: Callable[[I], Hashable] = generation_of,
        announced: Callable[[I, Sequence[Body]], AbstractContextManager[None]] = unannounced,
    ) -> None:
        self.kind = kind
        self._identity = identity
        self._store = store
        self._gather = gather
        self._applier = applier
        self._outcomes = outcomes
        self._clock = clock
        self._basis = basis
        self._announced = announced
        self._settled = Settled(identity.annotation)
        self._refusals = Refusals()
        self._contest = Contest()
        self._since = clock.now()
        store.subscribe(self._on_change)

    async def reconcile(self, key: ObjectKey) -> Outcome:
        """Brings the owner's children to what is desired now.

        Raises:
            KubeError: a write failed in a way that only a retry can tell more about.
        """
        inputs = self._gather(key)
        if inputs is None:
            self._outcomes.forget(key)
            return Done()
        return await accounted(
            self._settle(inputs),
            record=partial(self._record, inputs),
            doing=f"write {self.kind.resource.kind} of {key}",
            reconciler=self.kind.name,
        )

    def _record(self, inputs: I, outcome: Outcome) -> None:
        recorded = Recorded(outcome, self._basis(inputs))
        self._outcomes.record(inputs.owner.key, self.kind.name, recorded)

    async def _settle(self, inputs: I) -> Outcome:
        desired = self._desired(inputs)
        if isinstance(desired, (Blocked, Stalled, After)):
            with self._announced(inputs, ()):
                return desired
        with self._announced(inputs, desired):
            return await self._bring_about(inputs, desired)

    def _desired(self, inputs: I) -> Desired:
        if inputs.hold is not None:
            return Blocked(inputs.hold, "nothing is written for this object now")
        return self.kind.desired(inputs)

    async def _bring_about(self, inputs: I, desired: Sequence[Body]) -> Outcome:
        outcomes = [await self._keep(inputs, body) for body in desired]
        troubles = [outcome for outcome in outcomes if not isinstance(outcome, Done)]
        if troubles:
            return troubles[0]
        return await self._prune(inputs, wanted={key_of(body) for body in desired})

    async def _keep(self, inputs: I, body: Body) -> Outcome:
        key = key_of(body)
        intent = self._identity.mark(
            body,
            resource=self.kind.resource,
            owner=inputs.owner,
            outlives_owner=self.kind.outlives_owner,
        )
        observed = self._store.get(key)
        if observed is not None or not self._looks_first(key, inputs.owner):
            try:
                return await self._keep_as(inputs.owner, intent, observed, observed)
            except NameTakenError as taken:
                log.debug("not made", taken=str(taken))
        found = await self._applier.find(self._store, key)
        return await self._keep_as(inputs.owner, intent, observed, found, looked=True)

    def _looks_first(self, child: ObjectKey, owner: Object) -> bool:
        """Whether a child that is missing is better looked for before it is made.

        Its making would be refused where the name was taken the last time, and a contest must say
        what it is about.
        """
        last = self._outcomes.of(owner.key).get(self.kind.name)
        was_taken = last is not None and getattr(last.outcome, "reason", "") in _TAKEN
        contested = self._contest.wait((child, owner.uid), now=self._clock.monotonic()) > 0
        return was_taken or contested

    async def _keep_as(
        self,
        owner: Object,
        intent: dict[str, Any],
        observed: Object | None,
        found: Object | None,
        *,
        looked: bool = False,
    ) -> Outcome:
        """Brings the child that was `found`, in the cache or by a look, to the intent.

        Raises NameTakenError where none was found and nobody `looked`.
        """
        key, mark = key_of(intent), self._identity.mark_of(intent)
        if found is not None:
            verdict = self._verdict(found, owner)
            if verdict is not None:
                return verdict
        if (found is None or self._is_let_go(found)) and await self._is_bereft(owner):
            return Blocked("Terminating", f"{owner.key} is gone or on its way out")
        if found is not None:
            if self.kind.create_only:
                return await self._keep_marks(owner, intent, found)
            if observed is not None and self._settled.holds(mark, intent, observed):
                return Done()
        waiting = self._waits(key, owner, _lost(intent, found, observed))
        if waiting is not None:
            return waiting
        return await self._write(owner, intent, found, looked=looked)

    def _is_let_go(self, found: Object) -> bool:
        """Whether its owner is not named any more, as in a deletion that orphans."""
        return not self.kind.outlives_owner and found.controller() is None

    async def _is_bereft(self, owner: Object) -> bool:
        """Whether a child is missing, or let go, as its owner is gone: our cache has yet to hear.

        Made again, it would be an orphan; given back to him, it would be collected. An owner that
        came just now, while we were at work, and has no status yet had no children, and is not
        asked for.
        """
        if self._came_just_now(owner) and not owner.body().get("status"):
            return False
        return not await self._applier.is_alive(self._identity.owner, owner)

    def _came_just_now(self, owner: Object) -> bool:
        """Whether we heard of him in time, and not from a watch that had stood still meanwhile."""
        created = owner.metadata.creation_timestamp
        if not created or created <= self._since:
            return False
        # Who comes from the future tells that our clock is wrong.
        return abs(self._clock.now() - created) < _YOUNG

    async def _keep_marks(self, owner: Object, intent: Mapping[str, Any], found: Object) -> Outcome:
        """Labels and owner only: nothing else of a child that is made once is ours any more."""
        metadata = intent["metadata"]
        names = ("labels", "ownerReferences")
        marks = {"metadata": {name: metadata[name] for name in names if name in metadata}}
        drifted = differences(marks, found.body())
        if not drifted:
            return Done()
        waiting = self._waits(found.key, owner, drifted)
        if waiting is not None:
            return waiting
        await self._applier.restore_marks(self._store, found, intent=intent, owner=owner)
        self._contest.repaired((found.key, owner.uid), now=self._clock.monotonic())
        return Done()

    def _waits(self, child: ObjectKey, owner: Object, lost: Sequence[str]) -> After | None:
        """How long to leave the field to somebody who changes or deletes it again and again."""
        wait = self._contest.wait((child, owner.uid), now=self._clock.monotonic())
        if wait <= 0:
            return None
        what = f"{self.kind.resource.kind} {child}"
        what = f"{', '.join(lost[:3])} of {what} is changed" if lost else f"{what} is deleted"
        message = f"{what} by somebody else again and again; find and stop it"
        return After(wait, "Contested", message)

    def _verdict(self, found: Object, owner: Object) -> Outcome | None:
        """Why the found object can't be written; None when it is ours to write."""
        name = f"{self.kind.resource.kind} {found.key}"
        claim = self._identity.judge(found, owner=owner)
        if claim is Claim.FOREIGN:
            message = (
                f"{name} exists and is {describe(found)}; "
                f"delete or rename it, or give this {self._identity.owner.kind} another name"
            )
            return After(RECHECK_SECONDS, "ForeignObject", message)
        if claim is Claim.PREDECESSOR or found.is_deleting:
            return After(RECHECK_SECONDS, "ChildTerminating", f"{name} is being deleted")
        return None

    async def _write(
        self, owner: Object, intent: dict[str, Any], found: Object | None, *, looked: bool
    ) -> Outcome:
        key, now = key_of(intent), self._clock.monotonic()
        mark = self._identity.mark_of(intent)
        refused = self._refusals.standing(key, mark, now=now)
        if refused is not None:
            return refused
        # Not a change of ours, so somebody else's: of a field, or of our annotation. (What is gone
        # from the store was counted when it went.)
        repairing = self._store.get(key) is not None and (
            (found is not None and found.annotations.get(self._identity.annotation) == mark)
            or self._settled.met(mark, key)
        )
        try:
            if found is None and not looked:
                written = await self._applier.make(self._store, intent, owner=owner)
            else:
                written = await self._applier.apply(self._store, intent, owner=owner, found=found)
        except KubeError as error:
            outcome = outcome_of(error, doing=f"apply {self.kind.resource.kind} {key}")
            if outcome is None:
                raise
            if isinstance(outcome, After):
                self._refusals.note(key, mark, outcome, now=now)
            return outcome
        self._refusals.forget(key)
        self._settled.wrote(mark, intent, written)
        if repairing:
            self._contest.repaired((key, owner.uid), now=now)
        return Done()

    async def _prune(self, inputs: I, *, wanted: set[ObjectKey]) -> Outcome:
        may_prune = self.kind.may_prune
        if may_prune is None:
            return Done()
        owner = inputs.owner
        for child in self._store.by_index(OWNER_INDEX, str(owner.key)):
            claim = self._identity.judge(child, owner=owner)
            unwanted = child.key not in wanted and claim in (Claim.OURS, Claim.ORPHAN)
            if unwanted and not child.is_deleting and may_prune(inputs, child):
                self._settled.forget(child.key)
                await self._applier.delete(self._store, child, owner=owner)
        return Done()

    def _on_change(self, change: Change) -> None:
        if not isinstance(change, Removed):
            return
        key, controller = change.old.key, change.old.controller()
        self._refusals.forget(key)
        if self._settled.forget(key) and controller is not None:
            # Deleted, or robbed of the label that we select by, and not by us. Of one owner only:
            # children go with their owner, and his successor starts anew.
            self._contest.repaired((key, controller.uid), now=self._clock.monotonic())


def _lost(
    intent: Mapping[str, Any], found: Object | None, observed: Object | None
) -> Sequence[str]:
    """The fields that are not as intended; empty where the object is gone."""
    if observed is not None:
        return differences(intent, observed.body()) or ("metadata.annotations",)
    return () if found is None else ("metadata.labels",)
