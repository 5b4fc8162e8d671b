"""The reconciler of what COSI leaves stuck under a living Registry: tells it, mends what it may.

In: the snapshot, the time, and one Bucket, looked at when a claim has waited for long. Out: its
outcome on the board, which the status tells; and for a claim of our own whose bucket is ready, the
word that COSI lost (stuck.py), at most once in two minutes. A claim of a user is only told of, as
is everything while a Registry is paused. What is stuck while a Registry goes is told by its
guardian.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from controllers.kinds import BUCKET, BUCKET_CLAIM
from controllers.registry import bucket, stuck
from controllers.registry.inputs import RegistryInputs
from registry_operator.kube.client import Client
from registry_operator.kube.errors import Conflict, Forbidden, NotFound
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.account import accounted
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.outcome import After, Blocked, Done, Outcome
from registry_operator.runtime.outcomes import Outcomes, Recorded
from registry_operator.runtime.store import Store

NAME = "bucket-mender"
INTERVAL_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class _Look:
    """What was found of a claim (by its uid), and when, on the clock that never goes back."""

    uid: str
    at: float
    reason: str
    message: str


class Mender:
    """Mends the buckets of any Registry; remembers when it looked at which claim last."""

    def __init__(  # noqa: PLR0913 - each collaborator is named once, where the operator is composed
        self,
        *,
        client: Client,
        claims: Store,
        gather: Callable[[ObjectKey], RegistryInputs | None],
        outcomes: Outcomes,
        clock: Clock,
        field_manager: str,
    ) -> None:
        self._client = client
        self._claims = claims
        self._gather = gather
        self._outcomes = outcomes
        self._clock = clock
        self._field_manager = field_manager
        self._looks: dict[ObjectKey, _Look] = {}

    async def reconcile(self, key: ObjectKey) -> Outcome:
        """Tells what is stuck, and mends what it may.

        Raises:
            KubeError: a request failed in a way that a retry may mend.
        """
        inputs = self._gather(key)
        if inputs is None:
            self._looks.pop(key, None)
            self._outcomes.forget(key)
            return Done()
        return await accounted(
            self._mend(inputs),
            record=partial(self._record, inputs),
            doing=f"mend the bucket of {key}",
            reconciler=NAME,
        )

    def _record(self, inputs: RegistryInputs, outcome: Outcome) -> None:
        self._outcomes.record(inputs.owner.key, NAME, Recorded(outcome, inputs.basis))

    async def _mend(self, inputs: RegistryInputs) -> Outcome:
        if inputs.owner.is_deleting or not _has_bucket(inputs):
            return Done()
        now, claim = self._clock.now(), inputs.cosi.claim
        for target in (inputs.cosi.access, claim):
            if target is not None and target.is_deleting:
                began = target.metadata.deletion_timestamp
                left = stuck.too_early(began, stuck.DELETION, now=now)
                return After(left) if left else Blocked("DeletionStuck", stuck.held(target))
        awaited = stuck.bucket_of(claim) if claim is not None else None
        if claim is None or awaited is None:
            return Done()
        left = stuck.too_early(claim.metadata.creation_timestamp, stuck.CLAIM, now=now)
        return After(left) if left else await self._look_at(awaited, claim, inputs)

    async def _look_at(self, awaited: str, claim: Object, inputs: RegistryInputs) -> After:
        """What the Bucket says, or said when it was looked at a moment ago."""
        key, now = inputs.owner.key, self._clock.monotonic()
        last = self._looks.get(key)
        if last is None or last.uid != claim.uid or now - last.at >= INTERVAL_SECONDS:
            told = await self._find(awaited, claim, inputs)
            last = self._looks[key] = _Look(claim.uid, now, *told)
        return After(INTERVAL_SECONDS - (now - last.at), last.reason, last.message)

    async def _find(self, awaited: str, claim: Object, inputs: RegistryInputs) -> tuple[str, str]:
        """Reason and message for a claim whose Bucket is ready, set right if it may be."""
        found = await self._bucket(awaited)
        if found is None or not stuck.is_made_for(found, claim):
            return "", ""
        if _may_write(inputs, claim):
            await self._say_ready(claim)
        return "BucketClaimStuck", stuck.forgotten(claim)

    async def _bucket(self, name: str) -> Object | None:
        """None also where it may not be read: an operator for one namespace has no such right."""
        try:
            return await self._client.get(BUCKET, ObjectKey("", name))
        except (NotFound, Forbidden):
            return None

    async def _say_ready(self, claim: Object) -> None:
        """What the sidecar said, of this very state of the claim.

        Where that has passed already, or may not be written, there is the message, which says how.
        """
        metadata = {"uid": claim.uid, "resourceVersion": claim.resource_version}
        try:
            written = await self._client.patch(
                BUCKET_CLAIM,
                claim.key,
                {"metadata": metadata, "status": {"bucketReady": True}},
                kind="merge",
                subresource="status",
                field_manager=self._field_manager,
            )
        except (Conflict, NotFound, Forbidden):
            return
        self._claims.wrote(written)


def _has_bucket(inputs: RegistryInputs) -> bool:
    storage = inputs.spec.storage if inputs.spec is not None else None
    return storage is not None and storage.kind == "bucket" and inputs.cosi.served


def _may_write(inputs: RegistryInputs, claim: Object) -> bool:
    named = bucket.is_named(inputs.wanted.storage)
    return inputs.hold is None and not named and bucket.is_ours(inputs.owner, claim)
