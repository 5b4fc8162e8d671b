"""What an unready registry pod says about itself: the registry's own health checks.

Kubernetes knows only that a pod is not ready; the registry knows that its bucket is missing or its
key refused. In: pods that run and are not ready. Out: for each, a reason and a message, and a call
when one changed. The answers come from the debug port of the pod itself, asked every few seconds
while it is unready and never while it is ready (rounds.py). Where there is no answer, nothing else
changes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import orjson

from controllers.registry.rounds import Asker, Question, Rounds, readiness
from controllers.registry.storage_reasons import STORAGE
from controllers.registry.volume_reasons import VOLUME
from registry_operator.kube.object import Object
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.store import Change, Removed, Store

_PAUSE_SECONDS = 5.0
_LONGEST_MESSAGE = 300

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
_CURES: Mapping[str, str] = {reason.name: reason.cure for reason in (*STORAGE, *VOLUME)}


@dataclass(frozen=True, slots=True)
class PodHealth:
    """What one pod (by uid) says is failing, or shows so (uploads.py)."""

    pod: str
    reason: str
    message: str

    @property
    def discreet(self) -> "PodHealth":
        """The same without the words of the store, which tell its address and the bucket."""
        told = "see its log, as what it says may hold values of a Secret"
        return replace(self, message=_message(self.reason, told))


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
    return readiness(pod) is False


class HealthProber:
    """Keeps the answers of the unready pods of a store. `changed` is told the pod concerned."""

    def __init__(
        self, pods: Store, *, asker: Asker, clock: Clock, changed: Callable[[Object], None]
    ) -> None:
        self._changed = changed
        self._answers: dict[str, PodHealth] = {}
        question = Question("/debug/health", _PAUSE_SECONDS, is_asked)
        self._rounds = Rounds(pods, question, asker=asker, clock=clock, heard=self._hear)
        pods.subscribe(self._on_change)

    def of(self, pod: Object) -> PodHealth | None:
        """The last answer of a pod, if it is unready and answered."""
        return self._answers.get(pod.uid)

    async def run(self) -> None:
        """Asks while there is somebody to ask; until cancelled."""
        await self._rounds.run()

    def _hear(self, pod: Object, answer: bytes) -> None:
        found = diagnose(answer)
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
        if not self._rounds.concern(pod):
            self._answers.pop(pod.uid, None)
