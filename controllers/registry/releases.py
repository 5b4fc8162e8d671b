"""Which release an image is: as its tag tells, or as the image itself said when it was asked.

In: the Deployment, which remembers, and the pods that ask (version_probe.py). Out: an `Answer`, and
what the Deployment shall remember. Pure, but for what is held of a Deployment that is not there.
What images said is written in the same body that acts on it, and only of those that are in use: it
costs no write, and an operator that starts anew knows it. That nothing could be learnt is an answer
too, and is remembered as one; whoever removes the annotation has all asked again.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from controllers.registry.pod_basics import CONTAINER
from controllers.registry.pods import find_trouble
from registry_operator.api.names import GROUP
from registry_operator.distribution import probe
from registry_operator.distribution.image import ImageReferenceError
from registry_operator.distribution.release import Release, release_of, release_of_tag
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.clock import Clock

if TYPE_CHECKING:
    from controllers.registry.inputs import RegistryInputs

ANNOTATION = f"{GROUP}/releases"
"""On the Deployment: what images said whose tags tell nothing, as JSON."""
IMAGE_ANNOTATION = f"{GROUP}/image"
"""On a pod that asks: which image, as the specification has it."""
_FADES_SECONDS: Final = 30.0
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


@dataclass(frozen=True, slots=True)
class Recollection:
    """What the Deployment of a Registry remembers, and for how many seconds more that counts."""

    told: str = ""
    left: float = inf

    @property
    def fades(self) -> bool:
        """Whether the Deployment is not there."""
        return self.left < inf


NO_RECOLLECTION: Final = Recollection()


class Recollections:
    """What the Deployments of Registries remembered when they were seen last, for a while.

    One that was deleted, or that somebody took a label from, is back in a moment, and its image is
    not to be asked for that: where a rival goes on, again and again (seed 1974). Only for a while,
    so that an operator that starts anew does what this one would.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: dict[ObjectKey, _Held] = {}

    def of(self, owner: Object, deployment: Object | None) -> Recollection:
        """What the Deployment of a Registry remembers, or did a moment ago."""
        if deployment is not None:
            return self._hold(owner, _told_by(deployment))
        known = self._held.get(owner.key)
        if known is None or known.uid != owner.uid:
            return NO_RECOLLECTION
        now = self._clock.monotonic()
        since = known.gone_since if known.gone_since is not None else now
        self._held[owner.key] = known._replace(gone_since=since)
        left = since + _FADES_SECONDS - now
        return Recollection(known.told, left) if left > 0 else NO_RECOLLECTION

    def _hold(self, owner: Object, told: str) -> Recollection:
        if not told:
            # As of most, whose tags tell.
            self.forget(owner.key)
            return NO_RECOLLECTION
        self._held[owner.key] = _Held(owner.uid, told)
        return Recollection(told)

    def forget(self, key: ObjectKey) -> None:
        """There is no such Registry, or nothing to remember."""
        self._held.pop(key, None)


class _Held(NamedTuple):
    uid: str
    told: str
    gone_since: float | None = None


def tells_nothing(image: str) -> bool:
    """Whether an image has to be asked, as its tag does not tell the release."""
    return _by_tag(image) is None


def answer_of(inputs: "RegistryInputs") -> Answer | None:
    """What is known of the image that is wanted; None while it is being asked."""
    image = inputs.wanted.image
    return (
        _by_tag(image)
        or remembered(inputs).get(image)
        or _heard(image, inputs.children.version_probes)
    )


def of_image(image: str, deployment: Object | None) -> Release | None:
    """The release of an image that a Deployment asks for, or has asked for."""
    told = _told_by(deployment) if deployment is not None else ""
    answer = _by_tag(image) or read(told).get(image, Answer())
    return answer.release


def remembered(inputs: "RegistryInputs") -> Mapping[str, Answer]:
    """What the Deployment remembers, by image, or did a moment ago."""
    if inputs.recollection.fades and inputs.hold is not None:
        return {}  # nobody would be woken when it has faded
    return read(inputs.recollection.told)


def read(text: str) -> Mapping[str, Answer]:
    """What is written in the annotation, by image."""
    try:
        told = json.loads(text or "{}")
        return {image: Answer(**answer) for image, answer in told.items()}
    except (ValueError, TypeError, AttributeError):
        return {}  # somebody wrote something else there


def annotation(inputs: "RegistryInputs") -> str | None:
    """What the Deployment shall remember; None: nothing."""
    known = dict(remembered(inputs))
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


def _told_by(deployment: Object) -> str:
    return deployment.annotations.get(ANNOTATION, "")


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
