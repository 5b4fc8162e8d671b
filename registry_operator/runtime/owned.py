"""The generic reconciler of one owned kind: intent in, children as intended out.

    gather(key) ──▶ desired(inputs) ──▶ decide(intent, observed) ──▶ apply / delete ──▶ outcome
      reads stores    pure, the domain's     pure                      writes           on the board

The domain declares an `OwnedKind` (a pure function and a few facts); everything else is the same
for every kind and every operator. A child is written when it is missing, when the digest of our
intent differs from the one it carries, or when a field that we own drifted. Rules: design.md
section 4, framework 1.15 (A1, A2), 1.16 (S6, S7).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from registry_operator.kube.errors import ApiError, KubeError
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.applier import Applier, key_of
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.contest import Contest
from registry_operator.runtime.diff import differences, projection
from registry_operator.runtime.intent import Body, digest, seal
from registry_operator.runtime.outcome import After, Blocked, Done, Outcome, Stalled
from registry_operator.runtime.outcomes import Outcomes, Recorded
from registry_operator.runtime.ownership import Claim, controller_reference, describe, judge
from registry_operator.runtime.store import Change, Removed, Store
from registry_operator.runtime.trouble import RECHECK_SECONDS, outcome_of

OWNER_INDEX = "owner"
Desired = Sequence[Body] | Blocked | Stalled


class Inputs(Protocol):
    """What the engine itself reads of a snapshot."""

    @property
    def owner(self) -> Object:
        """The custom resource that the snapshot is about."""
        ...

    @property
    def hold(self) -> str | None:
        """Why nothing may be written for this owner (a CamelCase reason); None: go on."""
        ...


I_contra = TypeVar("I_contra", bound=Inputs, contravariant=True)
I = TypeVar("I", bound=Inputs)  # noqa: E741 - the snapshot's type


@dataclass(frozen=True)
class OwnedKind(Generic[I_contra]):
    """One owned kind, as the domain declares it.

    Attributes:
        name: of the reconciler; also the suffix of its field manager.
        resource: the kind of the children.
        desired: pure; the bodies that shall exist (with namespace, name and own labels), or why
            that can't be said now.
        may_prune: pure; whether a child that is no longer desired may be deleted now. None: what
            was once desired is never deleted but with its owner.
        outlives_owner: children hold data and carry no owner reference.
        create_only: made once; an existing child is never written again.
    """

    name: str
    resource: Resource
    desired: Callable[[I_contra], Desired]
    may_prune: Callable[[I_contra, Object], bool] | None = None
    outlives_owner: bool = False
    create_only: bool = False


@dataclass(frozen=True)
class Identity:
    """How an operator marks what it owns: the owners' kind, the labels, the digest annotation."""

    owner: Resource
    labels: Callable[[Object], Mapping[str, str]]
    annotation: str


@dataclass(frozen=True, slots=True)
class _Settled:
    """What we know of a child after our last write or look: our intent, the server's words."""

    intent: str
    words: str


class OwnedReconciler(Generic[I]):
    """Keeps the children of one kind as intended, for any owner key."""

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
    ) -> None:
        self.kind = kind
        self._identity = identity
        self._store = store
        self._gather = gather
        self._applier = applier
        self._outcomes = outcomes
        self._clock = clock
        self._settled: dict[ObjectKey, _Settled] = {}
        self._refused: dict[ObjectKey, tuple[str, Outcome]] = {}
        self._contest = Contest()
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
        generation = inputs.owner.generation
        try:
            outcome = await self._settle(inputs)
        except ApiError as error:
            told = outcome_of(error, doing=f"write {self.kind.resource.kind} of {key}")
            self._record(key, told or Blocked("WriteFailed", error.message), generation)
            if told is None:
                raise
            return told
        except KubeError as error:
            self._record(key, Blocked("WriteFailed", str(error)), generation)
            raise
        self._record(key, outcome, generation)
        return outcome

    def _record(self, key: ObjectKey, outcome: Outcome, generation: int) -> None:
        self._outcomes.record(key, self.kind.name, Recorded(outcome, generation))

    async def _settle(self, inputs: I) -> Outcome:
        if inputs.hold is not None:
            return Blocked(inputs.hold, "nothing is written for this object now")
        desired = self.kind.desired(inputs)
        if isinstance(desired, (Blocked, Stalled)):
            return desired
        outcomes = [await self._keep(inputs, body) for body in desired]
        troubles = [outcome for outcome in outcomes if not isinstance(outcome, Done)]
        if troubles:
            return troubles[0]
        return await self._prune(inputs, wanted={key_of(body) for body in desired})

    async def _keep(self, inputs: I, body: Body) -> Outcome:
        key = key_of(body)
        intent = self._complete(inputs.owner, body)
        observed = self._store.get(key)
        found = observed or await self._applier.find(self._store, key)
        if found is not None:
            verdict = self._verdict(found, inputs.owner)
            if verdict is not None:
                return verdict
        if observed is not None:
            if self.kind.create_only or self._is_settled(key, intent, observed):
                return Done()
            wait = self._contest.wait(key, now=self._clock.monotonic())
            if wait > 0:
                return After(wait, "Contested", self._contested(intent, observed))
        return await self._write(inputs.owner, intent, found=found, observed=observed)

    def _complete(self, owner: Object, body: Body) -> dict[str, Any]:
        """The intent: the domain's body with the marks of ownership, sealed."""
        metadata = dict(body["metadata"])
        metadata["labels"] = {**metadata.get("labels", {}), **self._identity.labels(owner)}
        if not self.kind.outlives_owner:
            metadata["ownerReferences"] = [controller_reference(self._identity.owner, owner)]
        resource = self.kind.resource
        marked = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            **body,
            "metadata": metadata,
        }
        return seal(marked, annotation=self._identity.annotation)

    def _verdict(self, found: Object, owner: Object) -> Outcome | None:
        """Why the found object can't be written; None when it is ours to write."""
        name = f"{self.kind.resource.kind} {found.key}"
        labels = self._identity.labels(owner)
        claim = judge(found, owner=owner, resource=self._identity.owner, labels=labels)
        if claim is Claim.FOREIGN:
            message = (
                f"{name} exists and is {describe(found)}; "
                f"delete or rename it, or give this {self._identity.owner.kind} another name"
            )
            return After(RECHECK_SECONDS, "ForeignObject", message)
        if claim is Claim.PREDECESSOR or found.is_deleting:
            return After(RECHECK_SECONDS, "ChildTerminating", f"{name} is being deleted")
        return None

    def _is_settled(self, key: ObjectKey, intent: dict[str, Any], observed: Object) -> bool:
        mark = intent["metadata"]["annotations"][self._identity.annotation]
        if observed.annotations.get(self._identity.annotation) != mark:
            return False
        body = observed.body()
        words = digest(projection(intent, body))
        known = self._settled.get(key)
        if known is not None and known.intent == mark:
            return known.words == words
        if differences(intent, body):
            return False
        self._settled[key] = _Settled(mark, words)
        return True

    def _contested(self, intent: dict[str, Any], observed: Object) -> str:
        fields = ", ".join(differences(intent, observed.body())[:3]) or "a field"
        name = f"{self.kind.resource.kind} {observed.key}"
        return f"{fields} of {name} is changed by somebody else again and again; find and stop it"

    async def _write(
        self,
        owner: Object,
        intent: dict[str, Any],
        *,
        found: Object | None,
        observed: Object | None,
    ) -> Outcome:
        key = key_of(intent)
        mark = intent["metadata"]["annotations"][self._identity.annotation]
        attempt = f"{mark} {observed.resource_version if observed else ''}"
        refused = self._refused.get(key)
        if refused is not None and refused[0] == attempt:
            return refused[1]
        repairing = observed is not None and (
            observed.annotations.get(self._identity.annotation) == mark
        )
        try:
            written = await self._applier.apply(self._store, intent, owner=owner, found=found)
        except ApiError as error:
            outcome = outcome_of(error, doing=f"apply {self.kind.resource.kind} {key}")
            if not isinstance(outcome, Stalled):
                raise
            self._refused[key] = (attempt, outcome)
            return outcome
        self._refused.pop(key, None)
        self._settled[key] = _Settled(mark, digest(projection(intent, written.body())))
        if repairing:
            self._contest.repaired(key, now=self._clock.monotonic())
        return Done()

    async def _prune(self, inputs: I, *, wanted: set[ObjectKey]) -> Outcome:
        may_prune = self.kind.may_prune
        if may_prune is None:
            return Done()
        owner = inputs.owner
        labels = self._identity.labels(owner)
        for child in self._store.by_index(OWNER_INDEX, str(owner.key)):
            claim = judge(child, owner=owner, resource=self._identity.owner, labels=labels)
            unwanted = child.key not in wanted and claim in (Claim.OURS, Claim.ORPHAN)
            if unwanted and not child.is_deleting and may_prune(inputs, child):
                await self._applier.delete(self._store, child, owner=owner)
                self._forget(child.key)
        return Done()

    def _on_change(self, change: Change) -> None:
        if isinstance(change, Removed):
            self._forget(change.old.key)

    def _forget(self, key: ObjectKey) -> None:
        self._settled.pop(key, None)
        self._refused.pop(key, None)
        self._contest.forget(key)
