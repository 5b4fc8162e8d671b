"""Whether pushes fail on a ready pod: what the registry counts of uploads that were to be written.

The registry's own check only looks, so a volume that is full or can't be written leaves pods ready
while every push is answered 500. In: ready pods that may write to a volume, asked for their metrics
at a calm pace. Out: for each a reason and a message while uploads fail and none is finished, and a
call when that changed.

Counted as failed is what is no client's doing, tried on the programs of 2.8 and 3.x
(tests/integration/distribution/test_volumes.py): the begin of an upload, and manifests. The data of
a blob is not: a push that is broken off is counted there as 500 too. A full volume fails the begin
of the next upload, as that makes a folder and a file.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from controllers.registry import volume
from controllers.registry.health import PodHealth
from controllers.registry.rounds import Asker, Question, Rounds, readiness
from registry_operator.distribution.traffic import PATH, is_whole, requests
from registry_operator.kube.object import Object
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.store import Change, Removed, Store

REASON = "VolumeNotWritten"
_PAUSE_SECONDS = 30.0
_SIGN = f'"{volume.NAME}"'.encode()

_FAILED = frozenset({("blob_upload", "post"), ("manifest", "put")})
_FINISHED = frozenset(
    {
        ("blob_upload", "post", "201"),
        ("blob_upload_chunk", "put", "201"),
        ("manifest", "put", "201"),
    }
)


@dataclass(frozen=True, slots=True)
class Uploads:
    """How many uploads one process failed to write, and how many it finished."""

    failed: int = 0
    finished: int = 0

    def is_behind(self, other: "Uploads") -> bool:
        """Whether it is of a process that began after the other's: counters only grow."""
        return self.failed < other.failed or self.finished < other.finished


@dataclass(frozen=True, slots=True)
class Look:
    """What was counted at one look at a pod, and what is held since."""

    uploads: Uploads = Uploads()
    fails: bool = False


def parse(answer: bytes) -> Uploads | None:
    """The counters in an answer of `/metrics`; None when it is cut off or not the registry's."""
    if not is_whole(answer):
        return None
    failed = finished = 0
    for request, code, count in requests(answer):
        if (*request, code) in _FINISHED:
            finished += count
        elif code.startswith("5") and request in _FAILED:
            failed += count
    return Uploads(failed, finished)


def judge(before: Look, now: Uploads) -> Look:
    """What is held now.

    Uploads that failed and none finished since the last look: writes fail. One that was finished:
    they don't. With neither, what was held stays.
    """
    since = Uploads() if now.is_behind(before.uploads) else before.uploads
    if now.finished > since.finished:
        return Look(now, fails=False)
    return Look(now, fails=before.fails or now.failed > since.failed)


def written_volume(pod: Object) -> Mapping[str, Any] | None:
    """The volume that a pod writes images to; None where they are in a bucket, or only read."""
    spec = pod.body().get("spec") or {}
    mounts = [
        mount
        for container in spec.get("containers") or ()
        for mount in container.get("volumeMounts") or ()
        if mount["name"] == volume.NAME and not mount.get("readOnly")
    ]
    for found in spec.get("volumes") or ():
        claim = found.get("persistentVolumeClaim") or {}
        if mounts and found["name"] == volume.NAME and not claim.get("readOnly"):
            told: Mapping[str, Any] = found
            return told
    return None


def is_asked(pod: Object) -> bool:
    """Whether a pod is ready and writes to a volume."""
    if _SIGN not in pod.raw:  # most have no volume, and decoding is dear
        return False
    return readiness(pod) is True and written_volume(pod) is not None


def message(pod: Object) -> str:
    """What to tell the user, with the cures."""
    claim = ((written_volume(pod) or {}).get("persistentVolumeClaim") or {}).get("claimName")
    where = f"PersistentVolumeClaim {claim}" if claim else "its volume"
    seen = " (see kubelet_volume_stats_available_bytes of the claim)" if claim else ""
    size = "the size (spec.storage.persistentVolumeClaimTemplate)" if claim else "the size"
    return (
        f"pushes fail and pulls go on, as the registry can't write to {where}. If that is full"
        f"{seen}: raise {size}, or delete images and collect garbage. If it has room: let user "
        "65532 of the pods write to it (fsGroup, owner of its files, not mounted read-only). Told "
        "until a push succeeds"
    )


class UploadsProber:
    """Keeps what is held of the ready pods of a store. `changed` is told the pod concerned."""

    def __init__(
        self, pods: Store, *, asker: Asker, clock: Clock, changed: Callable[[Object], None]
    ) -> None:
        self._changed = changed
        self._looks: dict[str, Look] = {}
        question = Question(PATH, _PAUSE_SECONDS, is_asked)
        self._rounds = Rounds(pods, question, asker=asker, clock=clock, heard=self._hear)
        pods.subscribe(self._on_change)

    def of(self, pod: Object) -> PodHealth | None:
        """That writes fail, if the pod is ready and showed so."""
        look = self._looks.get(pod.uid)
        if look is None or not look.fails or not self._rounds.concern(pod):
            return None
        return PodHealth(pod.uid, REASON, message(pod))

    async def run(self) -> None:
        """Asks while there is somebody to ask; until cancelled."""
        await self._rounds.run()

    def _hear(self, pod: Object, answer: bytes) -> None:
        uploads = parse(answer)
        if uploads is None:
            return
        before = self._looks.get(pod.uid, Look())
        now = self._looks[pod.uid] = judge(before, uploads)
        if now.fails != before.fails:
            self._changed(pod)

    def _on_change(self, change: Change) -> None:
        # Kept while a pod is unready for a while: nothing was written meanwhile.
        if isinstance(change, Removed):
            self._looks.pop(change.old.uid, None)
