"""Deployments and Services of a cluster in memory, looked after whenever something changed.

In flow changes of the API server; out flow ReplicaSets, Pods, EndpointSlices and the status of
Deployments. What changed is gathered for a moment, and only what it concerns is looked at.
"""

import asyncio
from collections.abc import Callable

from controllers.kinds import (
    DEPLOYMENT,
    ENDPOINT_SLICE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    REPLICA_SET,
    SECRET,
    SERVICE,
)
from registry_operator.api.names import LABEL_INSTANCE
from registry_operator.kube.resource import ObjectKey
from registry_operator.testing.cluster_model.deployments import Body, Deployments
from registry_operator.testing.cluster_model.endpoints import serve
from registry_operator.testing.cluster_model.errands import Errands, is_errand
from registry_operator.testing.fake_api import Change, FakeApi

_STEP_SECONDS = 0.25
_BY_LABEL = (REPLICA_SET, POD)
_MOUNTED = (SECRET, PERSISTENT_VOLUME_CLAIM)


class ClusterModel:
    """Runs until cancelled; does nothing while nobody writes.

    A pod starts when every claim that it mounts is bound and stays, and is ready when every Secret
    that it refers to exists and `is_well` says so. `version_of` is what an image says when it is
    asked for its release.
    """

    def __init__(self, api: FakeApi) -> None:
        self._api = api
        self.deployments = Deployments(api, self._is_well, self._look_later)
        self._due: dict[ObjectKey, None] = {}
        self._news = asyncio.Event()
        self.is_well: Callable[[Body], bool] = lambda _pod: True
        self.version_of: Callable[[str], str | None] = lambda _image: "v3.1.2"
        self._errands = Errands(api, self._version_of)
        self._sent: dict[ObjectKey, None] = {}
        api.subscribe(self._see)

    async def run(self) -> None:
        """Look after what is due, four times a second at most."""
        while True:
            await self._news.wait()
            await asyncio.sleep(_STEP_SECONDS)
            self.step()

    def look_again(self) -> None:
        """Something that no write shows has changed: the health of pods."""
        self._look_at_all()

    def step(self) -> None:
        """Take one step for whatever is due."""
        due, self._due = self._due, {}
        sent, self._sent = self._sent, {}
        self._news.clear()
        for key in due:
            self.deployments.settle(key)
            serve(self._api, key, self.deployments.pods(key))
        for key in sent:
            self._errands.settle(key)

    def _is_well(self, pod: Body) -> bool:
        return self.is_well(pod)

    def _version_of(self, image: str) -> str | None:
        return self.version_of(image)

    def _see(self, change: Change) -> None:
        metadata = change.new["metadata"]
        if change.resource == POD and is_errand(change.new):
            self._sent[ObjectKey(metadata["namespace"], metadata["name"])] = None
            self._news.set()
        elif change.resource in {DEPLOYMENT, SERVICE}:
            self._look_at(ObjectKey(metadata["namespace"], metadata["name"]))
        elif change.resource in _BY_LABEL:
            owner = metadata.get("labels", {}).get(LABEL_INSTANCE)
            for name in (owner, f"{owner}-canary") if owner else ():
                self._look_at(ObjectKey(metadata["namespace"], name))
        elif change.resource == ENDPOINT_SLICE:
            owner = metadata["name"].removesuffix("-slice")
            self._look_at(ObjectKey(metadata["namespace"], owner))
        elif change.resource in _MOUNTED:
            self._look_at_all()

    def _look_at(self, key: ObjectKey) -> None:
        self._due[key] = None
        self._news.set()

    def _look_later(self, seconds: float, key: ObjectKey) -> None:
        asyncio.get_running_loop().call_later(seconds, self._look_at, key)

    def _look_at_all(self) -> None:
        for key in self.deployments.known():
            self._look_at(key)
