"""A namespace of a cluster as tests and benchmarks see it: Registries put in, children looked at.

In flow specifications; out flow decoded objects. It speaks to the API server as the administrator,
by a client of its own, so that what it sees is not what the operator believes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from controllers.kinds import (
    DEPLOYMENT,
    REGISTRY,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
)
from hack.cluster.audit import Request
from hack.cluster.cluster import Cluster
from hack.cluster.error import ClusterError
from registry_operator.api.names import LABEL_REGISTRY
from registry_operator.kube.resource import Resource

T = TypeVar("T")
Body = dict[str, Any]
CHILD_KINDS = (SERVICE_ACCOUNT, SECRET, DEPLOYMENT, SERVICE)
MERGE = "application/merge-patch+json"
_STEP_SECONDS = 0.1


class World:
    """Namespace `namespace` of `cluster`."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace

    def create_registry(self, name: str, spec: Mapping[str, Any], **top: Any) -> Body:
        """Creates a Registry. Raises ClusterError when it is refused."""
        body = {
            "apiVersion": REGISTRY.api_version,
            "kind": REGISTRY.kind,
            "metadata": {"name": name},
            "spec": spec,
            **top,
        }

        return self.cluster.api.post(REGISTRY.path(self.namespace), body)

    def create(self, resource: Resource, body: Mapping[str, Any]) -> Body:
        """Creates any object."""
        head = {"apiVersion": resource.api_version, "kind": resource.kind}

        return self.cluster.api.post(self._path(resource), {**head, **body})

    def patch(self, resource: Resource, name: str, patch: Mapping[str, Any]) -> Body:
        """Merges `patch` into an object. Raises ClusterError when it is refused."""
        path = self._path(resource, name)
        answer = self.cluster.api.request("PATCH", path, patch, content=MERGE)
        if answer.status != 200:
            raise ClusterError(f"PATCH {path}", f"{answer.status} {answer.text[:500]}")

        return answer.body

    def get(self, resource: Resource, name: str) -> Body | None:
        """An object; None when there is none."""
        answer = self.cluster.api.request("GET", self._path(resource, name))

        return answer.body if answer.status == 200 else None

    def items(self, resource: Resource, *, owner: str | None = None) -> list[Body]:
        """The objects of a kind; with `owner` those of one Registry."""
        query = f"?labelSelector={LABEL_REGISTRY}%3D{owner}" if owner else ""
        items: list[Body] = self.cluster.api.get(resource.path(self.namespace) + query)["items"]

        return items

    def delete(self, resource: Resource, name: str) -> None:
        """Deletes an object; one that is gone is no error."""
        self.cluster.api.request("DELETE", self._path(resource, name))

    def children(self, owner: str) -> dict[str, str]:
        """The uid of each child of a Registry, by `Kind/name`."""
        return {
            f"{resource.kind}/{item['metadata']['name']}": item["metadata"]["uid"]
            for resource in CHILD_KINDS
            for item in self.items(resource, owner=owner)
        }

    def condition(self, registry: str, type_: str) -> Mapping[str, Any]:
        """A condition of a Registry; empty when it is not there."""
        body = self.get(REGISTRY, registry) or {}
        conditions = body.get("status", {}).get("conditions", ())
        found: Iterator[Body] = (one for one in conditions if one["type"] == type_)

        return next(found, {})

    def is_ready(self, registry: str) -> bool:
        """Whether a Registry is Ready as it is specified now."""
        body = self.get(REGISTRY, registry) or {}

        return is_ready(body)

    def _path(self, resource: Resource, name: str | None = None) -> str:
        """Of the namespace, or of the cluster where the kind has none."""
        return resource.path(self.namespace if resource.namespaced else None, name)

    def writes_by(self, user: str, *, since: int) -> list[Request]:
        """What a user wrote in this namespace after a mark of the audit log, but for Events."""
        return [
            request
            for request in self.cluster.audit.writes(since=since, user=user)
            if request.namespace == self.namespace and not request.resource.endswith("/events")
        ]

    def settle(self, user: str, *, quiet: float = 3.0, seconds: float = 60.0) -> None:
        """Waits until a user has written nothing here for `quiet` seconds."""
        deadline = time.monotonic() + seconds
        while True:
            mark = self.cluster.audit.mark()
            time.sleep(quiet)
            if not (writes := self.writes_by(user, since=mark)):
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"{user} still writes after {seconds:.0f} s: {writes}")

    def until(
        self,
        question: Callable[[], T],
        *,
        seconds: float = 20.0,
        about: str = "",
        step: float = _STEP_SECONDS,
    ) -> T:
        """The first true answer. Raises AssertionError when there is none in time."""
        deadline = time.monotonic() + seconds
        while not (answer := question()):
            if time.monotonic() > deadline:
                raise AssertionError(f"not in {seconds:.0f} s: {about or question}")
            time.sleep(step)

        return answer


def is_ready(registry: Mapping[str, Any]) -> bool:
    """Whether the body of a Registry says that it is ready as it is specified now."""
    status = registry.get("status", {})
    current = status.get("observedGeneration") == registry.get("metadata", {}).get("generation")

    return current and any(
        one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", ())
    )


@contextmanager
def a_world(cluster: Cluster, namespace: str) -> Iterator[World]:
    """A namespace made for a test and deleted after it."""
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    cluster.api.apply(f"/api/v1/namespaces/{namespace}", body)
    try:
        yield World(cluster, namespace)
    finally:
        cluster.api.request("DELETE", f"/api/v1/namespaces/{namespace}")
