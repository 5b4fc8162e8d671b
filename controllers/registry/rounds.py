"""Rounds from pod to pod: each is asked the same question at its debug port, again and again.

In: the pods of a store, a question, and which of them it is for. Out: their answers, as bytes, to
whoever asks. Where the operator can't reach pods (outside the cluster) there is no answer. Some are
asked at once and all with little patience, so that a thousand that don't answer cost little and
hold nobody up.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import aiohttp
import structlog

from controllers.registry.child import is_version_probe
from registry_operator.kube.object import Object
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.store import Change, Removed, Store

log = structlog.get_logger(__name__)

DEBUG_PORT = 5001
_TIMEOUT_SECONDS = 3.0
_LONGEST_ANSWER = 262_144
_AT_ONCE = 16


class Asker(Protocol):
    """Asks the pod at an address for a path; raises OSError or TimeoutError when it can't."""

    async def __call__(self, address: str, path: str) -> bytes:
        """The body of the answer."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, how many seconds lie between two rounds, and of which pods."""

    path: str
    pause: float
    concerns: Callable[[Object], bool]


def readiness(pod: Object) -> bool | None:
    """Whether a pod is ready; None when there is nobody to ask: it serves nobody, or ends."""
    if is_version_probe(pod):
        return None
    status = pod.body().get("status") or {}
    if pod.is_deleting or status.get("phase") != "Running" or not status.get("podIP"):
        return None
    conditions = status.get("conditions") or ()
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


async def ask(address: str, path: str, *, port: int = DEBUG_PORT) -> bytes:
    """One GET of the debug endpoint; a long answer is cut.

    Raises:
        OSError, TimeoutError: the pod can't be reached.
    """
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)
    host = f"[{address}]" if ":" in address else address
    answer = bytearray()
    async with (
        # What is packed has no bounds until it is unpacked.
        aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session,
        session.get(
            f"http://{host}:{port}{path}",
            headers={"Accept-Encoding": "identity"},
            # An image of the user's choice must not send the operator elsewhere.
            allow_redirects=False,
        ) as response,
    ):
        async for chunk in response.content.iter_any():
            answer += chunk
            if len(answer) >= _LONGEST_ANSWER:
                break
    return bytes(answer[:_LONGEST_ANSWER])


class Rounds:
    """Asks the pods of a store that the question is for. `heard` is told each answer."""

    def __init__(
        self,
        pods: Store,
        question: Question,
        *,
        asker: Asker,
        clock: Clock,
        heard: Callable[[Object, bytes], None],
    ) -> None:
        self._question = question
        self._asker = asker
        self._clock = clock
        self._heard = heard
        self._asked: dict[str, Object] = {}
        self._wake = asyncio.Event()
        pods.subscribe(self._on_change)

    def concern(self, pod: Object) -> bool:
        """Whether a pod is asked as long as it stays as it is."""
        return pod.uid in self._asked

    async def run(self) -> None:
        """Asks while there is somebody to ask; until cancelled."""
        while True:
            await self._wake.wait()
            # Some at once: those that can't be reached must not hold up those that can.
            for some in _batches(tuple(self._asked.values())):
                async with asyncio.TaskGroup() as group:
                    for pod in some:
                        name = f"{self._question.path} of {pod.key}"
                        group.create_task(self._ask(pod), name=name)
            if not self._asked:
                self._wake.clear()
            await self._clock.sleep(self._question.pause)

    async def _ask(self, pod: Object) -> None:
        path = self._question.path
        try:
            answer = await self._asker(pod.body()["status"]["podIP"], path)
        except (OSError, TimeoutError, aiohttp.ClientError) as error:
            log.debug("pod can't be asked", pod=str(pod.key), path=path, error=str(error))
            return
        if pod.uid in self._asked:
            self._heard(pod, answer)

    def _on_change(self, change: Change) -> None:
        pod = change.old if isinstance(change, Removed) else change.new
        if isinstance(change, Removed) or not self._question.concerns(pod):
            self._asked.pop(pod.uid, None)
            return
        self._asked[pod.uid] = pod
        self._wake.set()


def _batches(pods: Sequence[Object]) -> Iterator[Sequence[Object]]:
    for start in range(0, len(pods), _AT_ONCE):
        yield pods[start : start + _AT_ONCE]
