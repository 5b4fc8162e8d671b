"""Asks the pods of a change, new and old, what they counted of their clients, while it is made.

In: the Deployment of a Registry and its pods; answers of `/metrics` at the pods' debug ports. Out:
whether clients of the new pods are served worse (comparison.py), and a call when that is found, or
no more. Only while pods are replaced, and both kinds serve: at rest nothing is asked. Pods that
can't be asked (the operator runs outside of the cluster, or a policy stands between) say nothing,
and no change fails for that.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import aiohttp
import structlog

from controllers.registry import child, revision
from controllers.registry.comparison import Look, Record, Worse
from controllers.registry.rounds import Asker, readiness
from controllers.registry.upgrade_plan import HEALTHY
from registry_operator.api.upgrade import RETRY
from registry_operator.distribution.traffic import PATH, Traffic, parse
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.owned import OWNER_INDEX
from registry_operator.runtime.store import Store

log = structlog.get_logger(__name__)

# A roll of one pod has both kinds for some five seconds.
_PAUSE_SECONDS = 2.0
_LONG_PAUSE_SECONDS = 15.0
_LOOKS_IN_A_ROW = 150
_AT_ONCE = 16
# Of each kind: enough to tell, however many there are.
_MOST_PODS = 8


@dataclass(frozen=True, slots=True)
class _Change:
    """Of which revision to which pods are changed, and the user's word at that time."""

    old: str
    new: str
    retry: str


@dataclass(slots=True)
class _Watch:
    """What was seen of one change; `due` in monotonic seconds."""

    change: _Change
    record: Record = field(default_factory=Record)
    looks: int = 0
    due: float = 0.0


class TrafficProber:
    """Keeps what was counted. `changed` is told the Registry concerned."""

    def __init__(
        self,
        pods: Store,
        deployments: Store,
        *,
        asker: Asker,
        clock: Clock,
        changed: Callable[[ObjectKey], None],
    ) -> None:
        self._pods = pods
        self._deployments = deployments
        self._asker = asker
        self._clock = clock
        self._changed = changed
        self._watches: dict[ObjectKey, _Watch] = {}
        self._wake = asyncio.Event()
        self._room = asyncio.Semaphore(_AT_ONCE)

    def of(self, owner: Object) -> Worse | None:
        """What clients of its new pods are served worse with; None as well when nobody can tell.

        For whoever decides about it: nobody asks in a process that does not lead, so it asks none.
        """
        change = self._change(owner.key, retry=owner.annotations.get(RETRY, ""))
        if change is None:
            self._watches.pop(owner.key, None)
            return None
        watch = self._watches.get(owner.key)
        if watch is None or watch.change != change:
            watch = self._watches[owner.key] = _Watch(change)
            self._wake.set()
        return watch.record.worse()

    async def run(self) -> None:
        """Asks while pods of both kinds serve; until cancelled."""
        while True:
            await self._wake.wait()
            now = self._clock.monotonic()
            async with asyncio.TaskGroup() as group:
                for owner, watch in self._due(now):
                    group.create_task(self._look(owner, watch), name=f"traffic of {owner}")
            if not self._watches:
                self._wake.clear()
            await self._clock.sleep(_PAUSE_SECONDS)

    def _due(self, now: float) -> list[tuple[ObjectKey, _Watch]]:
        for owner, watch in tuple(self._watches.items()):
            if self._change(owner, retry=watch.change.retry) != watch.change:
                del self._watches[owner]
        return [(owner, watch) for owner, watch in self._watches.items() if watch.due <= now]

    def _change(self, owner: ObjectKey, *, retry: str) -> _Change | None:
        deployment = self._deployments.get(owner)
        if deployment is None:
            return None
        old, new = deployment.annotations.get(HEALTHY, ""), revision.of(deployment)
        return _Change(old, new, retry) if old not in {"", new} else None

    async def _look(self, owner: ObjectKey, watch: _Watch) -> None:
        new, old = (self._serving(owner, one) for one in (watch.change.new, watch.change.old))
        if not new or not old:
            return
        # One side after the other: see `Look`.
        look = Look(new=await self._ask_all(new), old=await self._ask_all(old))
        watch.looks += 1
        calm = not look.says_something or watch.looks > _LOOKS_IN_A_ROW
        watch.due = self._clock.monotonic() + (_LONG_PAUSE_SECONDS if calm else 0.0)
        before, watch.record = watch.record.worse(), watch.record.plus(look)
        found = watch.record.worse()
        if (found is None) != (before is None) and self._watches.get(owner) is watch:
            log.info("clients were compared", registry=str(owner), found=found)
            self._changed(owner)

    def _serving(self, owner: ObjectKey, wanted: str) -> list[Object]:
        pods = self._pods.by_index(OWNER_INDEX, str(owner))
        found = (
            pod
            for pod in pods
            if revision.of(pod) == wanted and child.is_serving(pod) and readiness(pod) is True
        )
        return sorted(found, key=lambda pod: pod.uid)[:_MOST_PODS]

    async def _ask_all(self, pods: Iterable[Object]) -> dict[str, Traffic]:
        found: dict[str, Traffic] = {}
        async with asyncio.TaskGroup() as group:
            for pod in pods:
                group.create_task(self._ask(pod, found), name=f"{PATH} of {pod.key}")
        return found

    async def _ask(self, pod: Object, found: dict[str, Traffic]) -> None:
        async with self._room:
            try:
                answer = await self._asker(pod.body()["status"]["podIP"], PATH)
            except (OSError, TimeoutError, aiohttp.ClientError) as error:
                log.debug("pod can't be asked", pod=str(pod.key), path=PATH, error=str(error))
                return
        traffic = parse(answer)
        if traffic is not None:
            found[pod.uid] = traffic
