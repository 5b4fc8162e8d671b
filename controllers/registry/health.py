"""What an unready registry pod says about itself: the registry's own health checks.

Kubernetes knows only that a pod is not ready; the registry knows that its bucket is missing or its
key refused. In: pods that run and are not ready. Out: for each, a reason and a message, and a call
when one changed. The answers come from the debug port of the pod itself, asked every few seconds
while it is unready and never while it is ready. Where the operator can't reach pods (outside the
cluster) there is no answer, and nothing else changes.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import aiohttp
import orjson
import structlog

from controllers.registry.storage_reasons import STORAGE
from registry_operator.kube.object import Object
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.store import Change, Removed, Store

log = structlog.get_logger(__name__)

DEBUG_PORT = 5001
_PAUSE_SECONDS = 5.0
_TIMEOUT_SECONDS = 3.0
_LONGEST_ANSWER = 16_384
_LONGEST_MESSAGE = 300
_AT_ONCE = 16

# The first that is found counts: SDKs wrap what they met in words of their own.
_SIGNS: Mapping[str, str] = {
    "InvalidAccessKeyId": "CredentialsRejected",
    "SignatureDoesNotMatch": "CredentialsRejected",
    "AccessDenied": "CredentialsRejected",
    "Forbidden": "CredentialsRejected",
    "NoCredentialProviders": "CredentialsRejected",
    "WebIdentityErr": "CredentialsRejected",
    "AuthenticationFailed": "CredentialsRejected",
    "cannot fetch token": "CredentialsRejected",
    "NoSuchBucket": "BucketNotFound",
    "ContainerNotFound": "BucketNotFound",
    "bucket doesn't exist": "BucketNotFound",
    "x509": "CertificateUntrusted",
    "connection refused": "StorageUnreachable",
    "no such host": "StorageUnreachable",
    "i/o timeout": "StorageUnreachable",
    "deadline exceeded": "StorageUnreachable",
    "no route to host": "StorageUnreachable",
    "RequestError": "StorageUnreachable",
    "stale NFS file handle": "StorageUnreachable",
    "transport endpoint is not connected": "StorageUnreachable",
}
_CURES: Mapping[str, str] = {reason.name: reason.cure for reason in STORAGE}


@dataclass(frozen=True, slots=True)
class PodHealth:
    """What one pod (by uid) says is failing."""

    pod: str
    reason: str
    message: str

    @property
    def discreet(self) -> "PodHealth":
        """The same without the words of the store, which tell its address and the bucket."""
        told = "see its log, as what it says may hold values of a Secret"
        return replace(self, message=_message(self.reason, told))


class Asker(Protocol):
    """Asks the pod at an address for its health; raises OSError or TimeoutError when it can't."""

    async def __call__(self, address: str) -> bytes:
        """The body of the answer."""
        ...


def diagnose(answer: bytes) -> tuple[str, str] | None:
    """Reason and message for the answer of `/debug/health`: a JSON object of failing checks.

    None when nothing fails, or the answer is not the registry's.
    """
    try:
        failing = orjson.loads(answer)
    except ValueError:
        return None
    if not isinstance(failing, dict) or not failing:
        return None
    text = "; ".join(str(message) for message in failing.values())
    reason = next((reason for sign, reason in _SIGNS.items() if sign in text), "StorageFailing")
    return reason, _message(reason, text[:_LONGEST_MESSAGE])


def _message(reason: str, told: str) -> str:
    """What fails, and what to do: the cure is last, as it is never what is cut off."""
    return f"the registry's storage check fails: {told}. {_CURES[reason]}"


def is_asked(pod: Object) -> bool:
    """Whether a pod runs, has an address and is not ready."""
    status = pod.body().get("status") or {}
    if pod.is_deleting or status.get("phase") != "Running" or not status.get("podIP"):
        return False
    conditions = status.get("conditions") or ()
    return not any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


async def ask(address: str, *, port: int = DEBUG_PORT) -> bytes:
    """One GET of the debug endpoint.

    Raises:
        OSError, TimeoutError: the pod can't be reached.
    """
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)
    host = f"[{address}]" if ":" in address else address
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(f"http://{host}:{port}/debug/health") as response,
    ):
        return await response.content.read(_LONGEST_ANSWER)


class HealthProber:
    """Keeps the answers of the unready pods of a store. `changed` is told the pod concerned."""

    def __init__(
        self, pods: Store, *, asker: Asker, clock: Clock, changed: Callable[[Object], None]
    ) -> None:
        self._asker = asker
        self._clock = clock
        self._changed = changed
        self._unready: dict[str, Object] = {}
        self._answers: dict[str, PodHealth] = {}
        self._wake = asyncio.Event()
        pods.subscribe(self._on_change)

    def of(self, pod: Object) -> PodHealth | None:
        """The last answer of a pod, if it is unready and answered."""
        return self._answers.get(pod.uid)

    async def run(self) -> None:
        """Asks while there is somebody to ask; until cancelled."""
        while True:
            await self._wake.wait()
            # Some at once: those that can't be reached must not hold up those that can.
            for some in _batches(tuple(self._unready.values())):
                async with asyncio.TaskGroup() as group:
                    for pod in some:
                        group.create_task(self._ask(pod), name=f"health of {pod.key}")
            if not self._unready:
                self._wake.clear()
            await self._clock.sleep(_PAUSE_SECONDS)

    async def _ask(self, pod: Object) -> None:
        address = pod.body()["status"]["podIP"]
        try:
            found = diagnose(await self._asker(address))
        except (OSError, TimeoutError, aiohttp.ClientError) as error:
            log.debug("pod can't be asked for its health", pod=str(pod.key), error=str(error))
            return
        if pod.uid not in self._unready:
            return
        before = self._answers.get(pod.uid)
        if found is not None and before is not None and found[0] == before.reason:
            return  # messages hold request ids and ports: news only for another reason
        self._answers.pop(pod.uid, None)
        if found is not None:
            self._answers[pod.uid] = PodHealth(pod.uid, *found)
        if self._answers.get(pod.uid) != before:
            self._changed(pod)

    def _on_change(self, change: Change) -> None:
        pod = change.old if isinstance(change, Removed) else change.new
        if isinstance(change, Removed) or not is_asked(pod):
            self._unready.pop(pod.uid, None)
            self._answers.pop(pod.uid, None)
            return
        self._unready[pod.uid] = pod
        self._wake.set()


def _batches(pods: Sequence[Object]) -> Iterator[Sequence[Object]]:
    for start in range(0, len(pods), _AT_ONCE):
        yield pods[start : start + _AT_ONCE]
