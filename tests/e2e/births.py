"""Everything that came into being in a namespace, as the API server's watches told it.

The audit log says who wrote under which name; only the objects themselves say for which Registry,
by its uid. Nothing of the operator's own reading is used.
"""

import json
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from hack.world import World
from registry_operator.api.names import LABEL_REGISTRY
from registry_operator.kube.resource import Resource

_WATCH_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Birth:
    """`owner` is the uid of the controlling owner, "" where there is none; `version` is when."""

    kind: str
    name: str
    uid: str
    owner: str
    registry: str
    version: int


class Births:
    """Follows kinds of a namespace from `__enter__` until `__exit__`, each in a thread.

    `deaths` are resourceVersions by uid; they can be compared with those of births, as all are of
    one etcd.
    """

    def __init__(self, world: World, resources: Iterable[Resource]) -> None:
        self._world = world
        self._resources = tuple(resources)
        self._ended = threading.Event()
        self.seen: set[Birth] = set()
        self.deaths: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(len(self._resources))
        begin = [self._version(resource) for resource in self._resources]
        self._running = [
            self._pool.submit(self._follow, resource, version)
            for resource, version in zip(self._resources, begin, strict=True)
        ]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._pool.shutdown()
        if error is None:
            for running in self._running:
                running.result()

    def _version(self, resource: Resource) -> str:
        path = resource.path(self._world.namespace)
        # A kind is established some moments before the server can list it (429).
        api = self._world.cluster.api
        self._world.until(lambda: api.request("GET", path).status == 200, about=path)
        version: str = api.get(path)["metadata"]["resourceVersion"]
        return version

    def _follow(self, resource: Resource, version: str) -> None:
        ended = False
        while not ended:
            # Once more after the end, so that nothing of before it is missed.
            ended = self._ended.is_set()
            query = f"watch=1&resourceVersion={version}&timeoutSeconds={_WATCH_SECONDS}"
            path = f"{resource.path(self._world.namespace)}?{query}&allowWatchBookmarks=true"
            answer = self._world.cluster.api.request("GET", path)
            for event in map(json.loads, answer.text.splitlines()):
                if event["type"] == "ERROR":
                    raise AssertionError(f"watch of {resource}: {event['object']}")
                version = event["object"]["metadata"]["resourceVersion"]
                if event["type"] == "ADDED":
                    self.seen.add(_birth(resource, event["object"]))
                elif event["type"] == "DELETED":
                    self.deaths[event["object"]["metadata"]["uid"]] = int(version)


def _birth(resource: Resource, body: Mapping[str, Any]) -> Birth:
    metadata = body["metadata"]
    owners = (o["uid"] for o in metadata.get("ownerReferences", ()) if o.get("controller"))
    return Birth(
        kind=resource.kind,
        name=metadata["name"],
        uid=metadata["uid"],
        owner=next(owners, ""),
        registry=metadata.get("labels", {}).get(LABEL_REGISTRY, ""),
        version=int(metadata["resourceVersion"]),
    )
