"""Tries the pods of a change before anybody relies on them: a push, a pull and a delete.

In: the Deployments that say which Registries change, and their pods; a check, made at the pod's own
address. Out: a `Proof` of each pod that was tried, and a call when there is a new one. A pod is
tried once it is ready, and no more once it stood. Only pods of a change are tried: at rest nothing
is asked. One that can't be reached (the operator runs outside of the cluster, or a policy stands
between) is taken at its word after some tries: it is ready, says the kubelet.

A failed check counts when the pods that serve pass the same: where they fail too, it is the store
that is down, and no fault of the change.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import structlog

from controllers.registry import child, revision, volume
from controllers.registry.checking import Checker
from controllers.registry.pod_template import PREFIX_ANNOTATION
from controllers.registry.proof import Proof, Trial
from controllers.registry.rounds import readiness
from controllers.registry.upgrade_plan import HEALTHY
from registry_operator.distribution.check import Check, Result, Verdict
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.change import Change, Removed
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.owned import OWNER_INDEX
from registry_operator.runtime.store import Store

log = structlog.get_logger(__name__)

_PAUSE_SECONDS = 2.0
_LONG_PAUSE_SECONDS = 15.0
_AT_ONCE = 8
_TRIES = 3


@dataclass(frozen=True, slots=True)
class _Tried:
    """The last finding of a pod, how often in a row, and when (monotonic seconds)."""

    verdict: Verdict
    times: int
    proof: Proof
    at: float

    def is_due(self, now: float) -> bool:
        """Whether it is to be tried again: not once it stood, and not so often once it failed."""
        patience = 0.0 if 0 < self.times < _TRIES else _LONG_PAUSE_SECONDS
        return not self.proof.stands and now - self.at >= patience


class Prover:
    """Keeps what was found. `changed` is told the pod concerned."""

    def __init__(
        self,
        pods: Store,
        deployments: Store,
        *,
        checker: Checker,
        clock: Clock,
        changed: Callable[[Object], None],
    ) -> None:
        self._pods = pods
        self._checker = checker
        self._clock = clock
        self._changed = changed
        # By Registry, the Deployments whose pods are to be tried: its own, or that of a canary.
        self._changing: dict[ObjectKey, set[ObjectKey]] = {}
        # Those of them that somebody decides about.
        self._wanted: set[ObjectKey] = set()
        self._tried: dict[str, _Tried] = {}
        self._wake = asyncio.Event()
        deployments.subscribe(self._on_deployment)
        pods.subscribe(self._on_pod)

    def of(self, owner: ObjectKey, pods: Iterable[Object]) -> tuple[Proof, ...]:
        """What is known of the pods of a Registry; nothing unless it is being changed.

        For whoever decides about it: nobody asks in a process that does not lead, so it tries none.
        """
        if owner not in self._changing:
            return ()
        self._wanted.add(owner)
        self._wake.set()
        found = (self._known(pod) for pod in pods)
        return tuple(proof for proof in found if proof is not None)

    def _known(self, pod: Object) -> Proof | None:
        tried = self._tried.get(pod.uid)
        return tried.proof if tried is not None else None

    def changing(self, obj: Object) -> tuple[ObjectKey, ...]:
        """The Registry of a Deployment or a pod, if it is being changed."""
        if not self._changing:
            return ()
        return tuple(key for key in child.owner_key(obj) if key in self._changing)

    async def run(self) -> None:
        """Tries while there is something to try; until cancelled."""
        while True:
            await self._wake.wait()
            due = list(self._due())
            for start in range(0, len(due), _AT_ONCE):
                async with asyncio.TaskGroup() as group:
                    for pod in due[start : start + _AT_ONCE]:
                        group.create_task(self._try(pod), name=f"try {pod.key}")
            if not self._wanted:
                self._wake.clear()
            await self._clock.sleep(_PAUSE_SECONDS)

    def _due(self) -> Iterator[Object]:
        now = self._clock.monotonic()
        # In order, as a set of keys is in another one in each process.
        for owner in sorted(self._wanted):
            for pod in self._pods.by_index(OWNER_INDEX, str(owner)):
                known = self._tried.get(pod.uid)
                if self._is_concerned(pod) and (known is None or known.is_due(now)):
                    yield pod

    def _is_concerned(self, pod: Object) -> bool:
        """Whether a pod is one of a change, and ready."""
        for owner in child.owner_key(pod):
            changing = self._changing.get(owner, set())
            serving = child.is_serving(pod)
            wanted = any((key == owner) == serving for key in changing)
            return wanted and bool(revision.of(pod)) and readiness(pod) is True
        return False

    async def _try(self, pod: Object) -> None:
        result = await self._check(pod)
        if result.verdict is Verdict.FAILED and not await self._others_pass(pod):
            found = Proof(pod.uid, Trial.UNDECIDED, f"{_BOTH}: {result.message}")
            self._note(pod, _Tried(Verdict.FAILED, 0, found, self._clock.monotonic()))
            return
        before = self._tried.get(pod.uid)
        again = before is not None and before.verdict is result.verdict
        times = before.times + 1 if before is not None and again else 1
        proof = _proof(pod, result, times)
        self._note(pod, _Tried(result.verdict, times, proof, self._clock.monotonic()))

    async def _check(self, pod: Object) -> Result:
        body = pod.body()
        prefix = pod.annotations.get(PREFIX_ANNOTATION, "/")
        what = Check(body["status"]["podIP"], writes=_may_write(body["spec"]), prefix=prefix)
        # The same for each address, so that little stays behind until garbage is collected.
        return await self._checker(what, nonce=what.host.encode())

    async def _others_pass(self, pod: Object) -> bool:
        """Whether a pod of another revision, that serves, passes; true where there is none."""
        for owner in child.owner_key(pod):
            for other in self._pods.by_index(OWNER_INDEX, str(owner)):
                differs = revision.of(other) != revision.of(pod)
                if differs and child.is_serving(other) and readiness(other) is True:
                    return (await self._check(other)).verdict is not Verdict.FAILED
        return True

    def _note(self, pod: Object, tried: _Tried) -> None:
        if not self.changing(pod) or not self._pods.get(pod.key):
            return
        before = self._known(pod)
        self._tried[pod.uid] = tried
        if before != tried.proof:
            log.info("pod was tried", pod=str(pod.key), found=tried.proof.trial.value)
            self._changed(pod)

    def _on_deployment(self, change: Change) -> None:
        deployment = change.old if isinstance(change, Removed) else change.new
        for owner in child.owner_key(deployment):
            asked = self._changing.setdefault(owner, set())
            asked.discard(deployment.key)
            if not isinstance(change, Removed) and _is_changing(deployment, owner):
                asked.add(deployment.key)
            if not asked:
                del self._changing[owner]
                self._wanted.discard(owner)

    def _on_pod(self, change: Change) -> None:
        if isinstance(change, Removed):
            self._tried.pop(change.old.uid, None)


def _is_changing(deployment: Object, owner: ObjectKey) -> bool:
    """Whether it is a canary's, or its pods are not known to be healthy since they were changed."""
    if deployment.key != owner:
        return True
    healthy = deployment.annotations.get(HEALTHY, "")
    return bool(healthy) and healthy != revision.of(deployment)


def _proof(pod: Object, result: Result, times: int) -> Proof:
    told = result.message or result.limited
    if result.verdict is Verdict.PASSED:
        return Proof(pod.uid, Trial.PASSED, result.limited)
    if times < _TRIES:
        return Proof(pod.uid, Trial.UNDECIDED, told)
    failed = result.verdict is Verdict.FAILED
    return Proof(pod.uid, Trial.FAILED if failed else Trial.UNREACHED, told)


def _may_write(spec: object) -> bool:
    """Whether images may be pushed: not where the volume is only read."""
    found = spec if isinstance(spec, dict) else {}
    return not any(
        mount["name"] == volume.NAME and mount.get("readOnly")
        for container in found.get("containers") or ()
        for mount in container.get("volumeMounts") or ()
    )


_BOTH = "the pods that serve fail the same check, so the change is not to blame"
