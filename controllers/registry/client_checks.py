"""The reconciler that asks, as a client would, whether a Registry serves: again and again.

In: snapshots, a check (registry_operator.distribution.check) that is made through the Service. Out:
what holds of each Registry (served.py), figures, and a call when the status should say something
else; nothing is written here. It is a reconciler so that only who leads asks, a few at once: two
that push the same would delete each other's. All are spread by chance, and the more there are, the
rarer each is asked.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from controllers.registry import check_target, child, served, served_condition
from controllers.registry.checking import Checker
from controllers.registry.inputs import RegistryInputs
from controllers.registry.served import Served
from controllers.registry.served_metrics import ServedMetrics
from controllers.registry.stores import Stores
from registry_operator.distribution.check import Result, Verdict
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.operator import Operator
from registry_operator.runtime.outcome import After, Done, Outcome
from registry_operator.runtime.predicate import intent_changed

NAME: Final = "client-check"

# What one check costs us is some fifteen milliseconds.
_EACH_SECONDS: Final = 0.2
_JITTER: Final = 0.1
_FIRST_SECONDS: Final = 60.0
_SOON_SECONDS: Final = 10.0
_UNREACHABLE_SECONDS: Final = 600.0
_DOUBLINGS: Final = 14
# What is pushed stays in the store until garbage is collected: so it is one of a few, in turn.
_CONTENTS: Final = 8
# So many that can't be reached, one after another: it is the operator that is cut off.
_CUT_OFF: Final = 8
_CUT_OFF_SECONDS: Final = 60.0

log = structlog.get_logger(__name__)


class Records:
    """What is held of each Registry; after a start, what its status says."""

    def __init__(self) -> None:
        self._held: dict[ObjectKey, Served] = {}

    def __len__(self) -> int:
        return len(self._held)

    def of(self, owner: Object) -> Served:
        """What holds of a Registry."""
        held = self._held.get(owner.key)
        if held is None or held.owner != owner.uid:
            held = served_condition.recall(owner.uid, owner.body().get("status") or {})
            self._held[owner.key] = held
        return held

    def hold(self, owner: Object, held: Served) -> None:
        """From now on this holds."""
        self._held[owner.key] = held

    def forget(self, key: ObjectKey) -> None:
        """There is no such Registry."""
        self._held.pop(key, None)


@dataclass(frozen=True, slots=True)
class CheckStats:
    """How many Registries are asked again and again, and of how many something is held."""

    asked: int
    held: int


class ClientChecks:
    """Asks for one Registry at a time. `changed`: its status should say something else."""

    def __init__(  # noqa: PLR0913 - each collaborator is named once, where the operator is composed
        self,
        check: Checker,
        *,
        gather: Callable[[ObjectKey], RegistryInputs | None],
        records: Records,
        changed: Callable[[ObjectKey], None],
        metrics: ServedMetrics,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._check = check
        self._gather = gather
        self._records = records
        self._changed = changed
        self._metrics = metrics
        self._clock = clock
        self._rng = rng
        self._due: dict[ObjectKey, float] = {}
        self._turns: dict[ObjectKey, int] = {}
        self._unreached = 0
        self._tries_at = 0.0

    def stats(self) -> CheckStats:
        """How many are asked."""
        return CheckStats(asked=len(self._due), held=len(self._records))

    async def reconcile(self, key: ObjectKey) -> Outcome:
        """Asks when it is time to."""
        inputs = self._gather(key)
        if inputs is None:
            self._forget(key)
            return Done()
        check = check_target.target(inputs)
        if check is None:
            return self._rest(inputs)
        left = self._left(key, inputs)
        if left > 0:
            return After(left)
        if self._is_cut_off():
            self._let(inputs, absent=False)
            return After(self._interval(inputs) * self._rng.uniform(0.5, 1.0))
        result = await self._check(check, nonce=self._nonce(inputs.owner))
        after = self._gather(key)
        if (
            after is None
            or after.owner.uid != inputs.owner.uid
            or check_target.target(after) != check
        ):
            # Pods went meanwhile, or it was changed: then a failure says nothing of what is there.
            self._due[key] = self._clock.monotonic() + _SOON_SECONDS
            return After(_SOON_SECONDS)
        return After(self._found(after, result))

    def _found(self, inputs: RegistryInputs, result: Result) -> float:
        """Notes a result; seconds until the next check."""
        owner, now = inputs.owner, self._clock.now()
        unreached = result.verdict is Verdict.UNREACHABLE
        self._unreached = self._unreached + 1 if unreached else 0
        before = self._records.of(owner)
        held = served.judge(before, result, now)
        self._records.hold(owner, held)
        self._metrics.found(owner.key, result)
        self._metrics.tell(owner.key, held, now)
        if held.verdict is not before.verdict:
            log.info(
                "result of checks turned",
                registry=str(owner.key),
                result=str(held.verdict),
                step=held.step,
            )
        self._tell(owner.key)
        pause = self._pause(inputs, held, result)
        self._due[owner.key] = self._clock.monotonic() + pause
        return pause

    def _rest(self, inputs: RegistryInputs) -> Outcome:
        """Nothing is asked now; figures go on where somebody should serve."""
        key = inputs.owner.key
        if inputs.spec is not None and not inputs.spec.health_check.enabled:
            self._forget(key)
            self._tell(key)
            return Done()
        self._due.pop(key, None)
        absent = check_target.should_serve(inputs) and not check_target.is_ready(inputs)
        held = self._let(inputs, absent=absent)
        return After(self._interval(inputs)) if absent and held.history is not None else Done()

    def _let(self, inputs: RegistryInputs, *, absent: bool) -> Served:
        """Notes that nothing is asked."""
        owner, now = inputs.owner, self._clock.now()
        held = served.rest(self._records.of(owner), now, absent=absent)
        self._records.hold(owner, held)
        self._metrics.tell(owner.key, held, now)
        self._tell(owner.key)
        return held

    def _is_cut_off(self) -> bool:
        """Whether no Registry could be reached for a while; now and then one is tried.

        Each that can't be holds a worker up for seconds.
        """
        now = self._clock.monotonic()
        if self._unreached < _CUT_OFF:
            return False
        if now < self._tries_at:
            return True
        self._tries_at = now + _CUT_OFF_SECONDS
        return False

    def _tell(self, key: ObjectKey) -> None:
        inputs = self._gather(key)
        if inputs is not None and served_condition.is_due(inputs, now=self._clock.now()):
            self._changed(key)

    def _nonce(self, owner: Object) -> bytes:
        """What the next image of a Registry is made of."""
        turn = self._turns[owner.key] = (self._turns.get(owner.key, -1) + 1) % _CONTENTS
        return f"{owner.uid}/{turn}".encode()

    def _left(self, key: ObjectKey, inputs: RegistryInputs) -> float:
        """Seconds until a Registry is to be asked; the first time anywhere in a minute or so."""
        now = self._clock.monotonic()
        if key not in self._due:
            # Who is said to fail since before a restart is not to wait for being healed.
            fails = self._records.of(inputs.owner).fails
            first = max(_SOON_SECONDS if fails else _FIRST_SECONDS, len(self._due) * _EACH_SECONDS)
            self._due[key] = now + self._rng.uniform(0.0, min(first, self._interval(inputs)))
        return self._due[key] - now

    def _pause(self, inputs: RegistryInputs, held: Served, result: Result) -> float:
        interval = self._interval(inputs)
        if held.last is Verdict.UNREACHABLE:
            # At first it may be that the way there is about to be made.
            longer = _SOON_SECONDS * 2.0 ** min(held.row, _DOUBLINGS)
            interval = min(max(interval, _UNREACHABLE_SECONDS), longer)
        elif held.last is not Verdict.PASSED:
            # Whether it fails again, and when it is over, is to be known soon; but those that don't
            # answer must not keep all workers from those that do.
            soon = max(_SOON_SECONDS, len(self._due) * _EACH_SECONDS, 2.0 * result.seconds)
            interval = min(interval, soon)
        return interval * self._rng.uniform(1.0 - _JITTER, 1.0 + _JITTER)

    def _interval(self, inputs: RegistryInputs) -> float:
        wanted = float(inputs.wanted.health_check.interval_seconds)
        return max(wanted, len(self._due) * _EACH_SECONDS)

    def _forget(self, key: ObjectKey) -> None:
        self._due.pop(key, None)
        self._turns.pop(key, None)
        self._records.forget(key)
        self._metrics.forget(key)


def install(  # noqa: PLR0913 - each collaborator is named once, where the operator is composed
    operator: Operator,
    stores: Stores,
    check: Checker,
    *,
    gather: Callable[[ObjectKey], RegistryInputs | None],
    records: Records,
    changed: Callable[[ObjectKey], None],
) -> None:
    """Has the operator ask, woken by Registries, their Services and endpoints."""
    asking = ClientChecks(
        check,
        gather=gather,
        records=records,
        changed=changed,
        metrics=ServedMetrics(operator.metrics.registry),
        clock=operator.clock,
        rng=operator.rng,
    )
    controller = operator.controller(NAME, asking.reconcile)
    controller.watch(stores.registries, lambda owner: (owner.key,), when=intent_changed)
    for store in (stores.services, stores.endpoint_slices):
        controller.watch(store, child.owner_key, recount=False)
    operator.describe("client checks", asking.stats)
