"""The steps that were decided, taken: folders and volumes made, grown and removed.

In flow the API server and the folders; out flow writes to both, and one line for each. Nothing is
remembered but which refusals were told: a provisioner that is killed goes on where it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any, Protocol

from hack.cluster.api import Answer
from hack.cluster.error import ClusterError
from hack.volume_provisioner.claim import Body, Claim
from hack.volume_provisioner.decision import (
    Grow,
    Provision,
    Refuse,
    Remove,
    Seen,
    Step,
    decide,
)
from hack.volume_provisioner.folders import Folders
from hack.volume_provisioner.volume import LOCAL, body

_CLAIMS = "/api/v1/persistentvolumeclaims"
_VOLUMES = "/api/v1/persistentvolumes"
_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
_MERGE = "application/merge-patch+json"
_THERE, _GONE = {409}, {404}
REFUSED = "ProvisioningFailed"  # the reason that others' provisioners give too


def _print(line: str) -> None:
    print(line, flush=True)


class Answering(Protocol):
    """Who speaks to the API server for us."""

    def request(
        self, method: str, path: str, body: object = None, *, content: str = "application/json"
    ) -> Answer:
        """One request; any HTTP status is an answer. Raises OSError when there is no answer."""


class Provisioner:
    """Serves the claims of the API server `api` from `folders`."""

    def __init__(
        self,
        api: Answering,
        folders: Folders,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        say: Callable[[str], None] = _print,
    ) -> None:
        self._api = api
        self._folders = folders
        self._now = now
        self._say = say
        self._told: set[str] = set()

    def work(self) -> bool:
        """Looks, and takes every step that is due; returns whether all of them could be taken.

        One that could not is said, and is due again. Raises OSError or ClusterError when there is
        nothing to be seen.
        """
        taken = [self._try(step) for step in decide(self._look())]

        return all(taken)

    def _look(self) -> Seen:
        """Claims first: a volume that is made meanwhile is seen, and not made again."""
        claims = [Claim(item) for item in self._items(_CLAIMS)]

        return Seen(
            claims=claims,
            volumes=self._items(_VOLUMES),
            classes=self._items(_CLASSES),
            nodes=self._folders.nodes(),
        )

    def _try(self, step: Step) -> bool:
        try:
            self._take(step)
        except (OSError, ClusterError) as error:
            self._say(f"{type(step).__name__} failed, and is tried again: {error}")

            return False

        return True

    def _take(self, step: Step) -> None:
        match step:
            case Provision(claim, storage_class):
                self._provision(claim, storage_class)
            case Refuse(claim, why):
                self._refuse(claim, why)
            case Grow(claim, name):
                self._grow(claim, name)
            case Remove(volume):
                self._remove(volume)

    def _provision(self, claim: Claim, storage_class: Body) -> None:
        """The folder first: a pod may be there as soon as there is a volume."""
        node = claim.node if storage_class["provisioner"] == LOCAL else ""
        path = self._folders.make(claim.volume_name, node=node)
        self._ask("POST", _VOLUMES, body(claim, storage_class, path), also=_THERE)
        self._say(f"{claim}: {claim.wanted} at {path} of {node or 'all nodes'}")

    def _refuse(self, claim: Claim, why: str) -> None:
        """One Event: its name follows from what it says, also after a restart."""
        digest = hashlib.sha256(f"{claim.uid} {why}".encode()).hexdigest()[:16]
        if digest in self._told:
            return

        path = f"/api/v1/namespaces/{claim.namespace}/events"
        name = f"{claim.volume_name}.{digest}"
        self._ask("POST", path, self._event(name, claim, why), also=_THERE)
        self._told.add(digest)
        self._say(f"{claim}: refused, {why}")

    def _grow(self, claim: Claim, volume: str) -> None:
        """The volume first: a claim that says it has more can rely on it."""
        capacity = {"capacity": {"storage": claim.wanted}}
        if volume:
            self._ask("PATCH", f"{_VOLUMES}/{volume}", {"spec": capacity}, also=_GONE)

        path = f"/api/v1/namespaces/{claim.namespace}/persistentvolumeclaims/{claim.name}/status"
        uid = {"metadata": {"uid": claim.uid}}  # another claim of this name is refused
        self._ask("PATCH", path, {**uid, "status": capacity}, also=_GONE)
        self._say(f"{claim}: grown from {claim.has} to {claim.wanted}")

    def _remove(self, volume: Body) -> None:
        """The folder first: without its volume nobody would know of it."""
        name, uid = volume["metadata"]["name"], volume["metadata"]["uid"]
        self._folders.remove(name)
        self._ask("DELETE", f"{_VOLUMES}/{name}", {"preconditions": {"uid": uid}}, also=_GONE)
        self._say(f"{name}: removed")

    def _event(self, name: str, claim: Claim, why: str) -> dict[str, Any]:
        now = self._now().strftime("%Y-%m-%dT%H:%M:%SZ")
        about = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": claim.namespace,
            "name": claim.name,
            "uid": claim.uid,
        }

        return {
            "metadata": {"name": name},
            "involvedObject": about,
            "type": "Warning",
            "reason": REFUSED,
            "message": why,
            "source": {"component": claim.asks},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }

    def _items(self, path: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self._ask("GET", path).body["items"]

        return items

    def _ask(
        self, method: str, path: str, body: object = None, *, also: Collection[int] = ()
    ) -> Answer:
        """The answer to a request.

        Raises ClusterError for one that is neither a success nor in `also`.
        """
        content = _MERGE if method == "PATCH" else "application/json"
        answer = self._api.request(method, path, body, content=content)
        if not 200 <= answer.status < 300 and answer.status not in also:
            raise ClusterError(f"{method} {path}", f"{answer.status} {answer.text[:500]}")

        return answer
