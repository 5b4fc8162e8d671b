"""Which release an image is: as its tag tells, or as the image itself said when it was asked.

In: the Deployment, which remembers, and the pods that ask (version_probe.py). Out: an `Answer`, and
what the Deployment shall remember. Pure. What images said is written in the same body that acts on
it, and only of those that are in use: it costs no write, and an operator that starts anew knows it.
That nothing could be learnt is an answer too, and is remembered as one; whoever removes the
annotation has all asked again.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from controllers.registry.pod_basics import CONTAINER
from controllers.registry.pods import find_trouble
from registry_operator.api.names import GROUP
from registry_operator.distribution import probe
from registry_operator.distribution.image import ImageReferenceError
from registry_operator.distribution.release import Release, release_of, release_of_tag
from registry_operator.kube.object import Object

if TYPE_CHECKING:
    from controllers.registry.inputs import RegistryInputs

ANNOTATION = f"{GROUP}/releases"
"""On the Deployment: what images said whose tags tell nothing, as JSON."""
IMAGE_ANNOTATION = f"{GROUP}/image"
"""On a pod that asks: which image, as the specification has it."""
_OVER = frozenset({"Failed", "Succeeded"})
_WHY: Mapping[str, str] = MappingProxyType(
    {
        "ImagePullFailed": "it can't be pulled",
        "PodUnschedulable": "no node can take the pod that asks it",
    }
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an image is: its version in the program's own words, or why that can't be learnt."""

    version: str = ""
    problem: str = ""

    @property
    def release(self) -> Release | None:
        """The release, None when it is not known."""
        return release_of_tag(self.version)


def tells_nothing(image: str) -> bool:
    """Whether an image has to be asked, as its tag does not tell the release."""
    return _by_tag(image) is None


def answer_of(inputs: "RegistryInputs") -> Answer | None:
    """What is known of the image that is wanted; None while it is being asked."""
    image, children = inputs.wanted.image, inputs.children
    return (
        _by_tag(image)
        or remembered(children.deployment).get(image)
        or _heard(image, children.version_probes)
        or _reported(inputs)
    )


def of_image(image: str, deployment: Object | None) -> Release | None:
    """The release of an image that a Deployment asks for, or has asked for."""
    answer = _by_tag(image) or remembered(deployment).get(image, Answer())
    return answer.release


def remembered(deployment: Object | None) -> Mapping[str, Answer]:
    """What the Deployment remembers, by image."""
    text = deployment.annotations.get(ANNOTATION, "") if deployment is not None else ""
    try:
        told = json.loads(text or "{}")
        return {image: Answer(**answer) for image, answer in told.items()}
    except (ValueError, TypeError, AttributeError):
        return {}  # somebody wrote something else there


def annotation(inputs: "RegistryInputs") -> str | None:
    """What the Deployment shall remember; None: nothing."""
    known = dict(remembered(inputs.children.deployment))
    image, answer = inputs.wanted.image, inputs.answer
    if tells_nothing(image) and answer is not None:
        known[image] = answer
    if not known:
        return None
    in_use = {image, *_images(inputs)}
    told = {name: _told(one) for name, one in known.items() if name in in_use}
    return json.dumps(told, sort_keys=True, separators=(",", ":")) if told else None


@lru_cache(maxsize=1024)
def _by_tag(image: str) -> Answer | None:
    """What the tag tells, None when it tells nothing; of what is no image nothing can be learnt."""
    try:
        release = release_of(image)
    except ImageReferenceError:
        return Answer()
    return None if release is None else Answer(version=str(release))


def _told(answer: Answer) -> dict[str, str]:
    return {"version": answer.version} if answer.version else {"problem": answer.problem}


def _images(inputs: "RegistryInputs") -> Iterator[str]:
    """The images of the pods that run, and of those that they may go back to."""
    children = inputs.children
    for workload in (children.deployment, *children.replica_sets):
        if workload is not None:
            containers = workload.body()["spec"]["template"]["spec"].get("containers") or ()
            yield from (one["image"] for one in containers if one["name"] == CONTAINER)


def _heard(image: str, probes: Sequence[Object]) -> Answer | None:
    """What the pods that ask have found out of an image; None as long as they may yet."""
    for pod in probes:
        if pod.annotations.get(IMAGE_ANNOTATION) == image:
            answer = _said_by(pod)
            if answer is not None:
                return answer
    return None


def _reported(inputs: "RegistryInputs") -> Answer | None:
    """What the status tells: where somebody deleted the Deployment, pods are not to wait.

    The next status knows it no more, so nothing but making the Deployment anew may rest on it.
    """
    if inputs.children.deployment is not None or inputs.hold is not None:
        return None
    status = inputs.owner.body().get("status") or {}
    if status.get("image") != inputs.wanted.image or "version" not in status:
        return None
    return Answer(version=status["version"])


def _said_by(pod: Object) -> Answer | None:
    """What a pod found out; None as long as it may yet."""
    status: Mapping[str, Any] = pod.body().get("status") or {}
    ended = _end(status)
    if ended is not None:
        return _in_words(ended)
    if status.get("phase") in _OVER:
        return Answer(problem=f"the pod that asked it ended early ({status.get('reason', '')})")
    trouble = find_trouble([pod], None, ())
    return None if trouble is None else Answer(problem=_WHY.get(trouble.reason, trouble.message))


def _end(status: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for one in status.get("containerStatuses") or ():
        if one["name"] == CONTAINER:
            ended: Mapping[str, Any] | None = (one.get("state") or {}).get("terminated")
            return ended
    return None


def _in_words(ended: Mapping[str, Any]) -> Answer:
    version = probe.version_in(ended.get("message") or "")
    if version:
        # As a status tells it too, so that either is the same answer.
        release = release_of_tag(version)
        return Answer(version=str(release) if release is not None else version)
    return Answer(problem=f"asked for it, it ended with exit code {ended.get('exitCode')} instead")
