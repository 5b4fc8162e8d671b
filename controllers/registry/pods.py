"""What is wrong with the pods of a Registry, in one sentence for the user.

In: the pods and the Deployment as observed, and what pods said of themselves when asked (health.py,
uploads.py). Out: a reason of reasons.py with a message, or None. The text that a process left
behind when it ended is not repeated: it may hold anything.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controllers.registry.health import PodHealth
from registry_operator.kube.object import Object

_PULL_REASONS = {
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "RegistryUnavailable",
}
_SETUP_REASONS = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}


@dataclass(frozen=True, slots=True)
class Trouble:
    """A reason of reasons.py and what to tell the user."""

    reason: str
    message: str


def find_trouble(
    pods: Sequence[Object], deployment: Object | None, health: Iterable[PodHealth]
) -> Trouble | None:
    """The first thing that is wrong, the newest pods first: they are what a change brought."""
    living = [pod for pod in pods if not pod.is_deleting and not _has_ended(pod)]
    told = {answer.pod: answer for answer in health}
    for pod in sorted(living, key=_created, reverse=True):
        trouble = _of_pod(pod)
        if trouble is not None:
            return trouble
        answer = told.get(pod.uid)
        if answer is not None:
            return Trouble(answer.reason, f"pod {pod.name}: {answer.message}")
    return _of_deployment(deployment)


def _has_ended(pod: Object) -> bool:
    """Whether it was evicted or the like: the Deployment has replaced it already."""
    return (pod.body().get("status") or {}).get("phase") in {"Failed", "Succeeded"}


def _created(pod: Object) -> str:
    created = pod.metadata.creation_timestamp
    return created.isoformat() if created else ""


def _of_pod(pod: Object) -> Trouble | None:
    status: Mapping[str, Any] = pod.body().get("status") or {}
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            message = f"pod {pod.name} can't be scheduled: {condition.get('message', '')}"
            return Trouble("PodUnschedulable", message)
    for container in status.get("containerStatuses") or ():
        trouble = _of_container(pod.name, container)
        if trouble is not None:
            return trouble
    return None


def _of_container(pod: str, status: Mapping[str, Any]) -> Trouble | None:
    waiting = (status.get("state") or {}).get("waiting") or {}
    reason = waiting.get("reason", "")
    if reason in _PULL_REASONS:
        # Without kubelet's reason: it alternates between failure and back-off.
        image = status.get("image", "")
        return Trouble(
            "ImagePullFailed",
            f"image {image} of pod {pod} can't be pulled: correct spec.image or "
            "spec.imagePullSecrets",
        )
    if reason in _SETUP_REASONS:
        return Trouble("PodConfigError", f"pod {pod}: {reason}: {waiting.get('message', '')}")
    ended = _last_end(status)
    if ended is not None and not status.get("ready"):
        return Trouble(
            "PodCrashing",
            f"the registry in pod {pod} ended {status.get('restartCount', 0)} times, last with "
            f"exit code {ended.get('exitCode')} ({ended.get('reason', 'unknown')}): see kubectl "
            f"logs --previous {pod}",
        )
    return None


def ends_of(pod: Object) -> int:
    """How often the processes of a pod that is not ready have ended."""
    statuses = (pod.body().get("status") or {}).get("containerStatuses") or ()
    return max((one.get("restartCount", 0) for one in statuses if not one.get("ready")), default=0)


def _last_end(status: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for state in (status.get("state"), status.get("lastState")):
        ended = (state or {}).get("terminated")
        if ended is not None:
            found: Mapping[str, Any] = ended
            return found
    return None


def _of_deployment(deployment: Object | None) -> Trouble | None:
    if deployment is None:
        return None
    status = deployment.body().get("status") or {}
    for condition in status.get("conditions") or ():
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            message = condition.get("message", "")
            if "exceeded quota" in message:
                cure = "raise the quota, or lower spec.replicas or spec.resources"
                return Trouble("QuotaExceeded", f"pods can't be created: {message}; {cure}")
            cure = "change the policy, or spec.podTemplate and spec.resources"
            return Trouble("PodsRejected", f"pods can't be created: {message}; {cure}")
    return None
