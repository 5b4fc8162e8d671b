"""The same job as an ordinary operator on kopf does it: what ours is compared with.

In flow Registries, and the recorded children of one (a JSON file, see recording.py); out flow the
same children by server-side apply, and a status. Written as kopf's own pages teach it: one handler
for creation, change and resumption, stateless handlers for the events of children, indexes to find
a child's Registry by, owner references for deletion. Kopf's defaults are left alone. Our writes go
through one aiohttp session and orjson, the cheapest client that there is, so that what is measured
is kopf.

Run with KUBECONFIG, KOPF_CHILDREN (the file) and KOPF_HEALTH (the URL to answer probes at).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import kopf
import orjson

REGISTRIES = ("registry-operator.dev", "v1alpha1", "registries")
DEPLOYMENTS = ("apps", "v1", "deployments")
LABEL = "registry-operator.dev/registry"
OURS = {LABEL: kopf.PRESENT}
Body = Mapping[str, Any]


class Children:
    """The recorded children, for any Registry."""

    def __init__(self, file: Path) -> None:
        recorded = orjson.loads(file.read_bytes())
        self._children: list[tuple[str, str]] = recorded["children"]
        self._words = (recorded["namespace"], recorded["name"], recorded["uid"])

    def of(self, *registry: str) -> dict[str, dict[str, Any]]:
        """Each child's body by its path; `registry` is namespace, name and uid."""
        return {
            self._reworded(path, registry): orjson.loads(self._reworded(text, registry))
            for path, text in self._children
        }

    def _reworded(self, text: str, registry: tuple[str, ...]) -> str:
        for word, own in zip(self._words, registry, strict=True):
            text = text.replace(word, own)
        return text


class Client:
    """Writes to the API server as kopf's own user, over one session."""

    def __init__(self, connection: kopf.ConnectionInfo) -> None:
        connector = aiohttp.TCPConnector(ssl=connection.as_ssl_context())
        self._server = connection.server
        self._session = aiohttp.ClientSession(connector=connector)

    async def apply(self, path: str, body: Body) -> None:
        """Raises kopf.TemporaryError, so that kopf tries again, where it is refused."""
        path = f"{path}?fieldManager=kopf-operator&force=true"
        await self._patch(path, body, "application/apply-patch+yaml")

    async def patch_status(self, registry: str, status: Body) -> None:
        """Merges `status` into that of the Registry at a path. Raises kopf.TemporaryError."""
        await self._patch(f"{registry}/status", {"status": status}, "application/merge-patch+json")

    async def close(self) -> None:
        """Ends the session."""
        await self._session.close()

    async def _patch(self, path: str, body: Body, kind: str) -> None:
        url, data = f"{self._server}{path}", orjson.dumps(body)
        async with self._session.patch(url, data=data, headers={"Content-Type": kind}) as answer:
            if answer.status >= 400 and answer.status != 404:
                raise kopf.TemporaryError(await answer.text(), delay=5)


@kopf.on.login()
def login(settings: kopf.OperatorSettings, **_: Any) -> kopf.ConnectionInfo | None:
    """Kopf's own way in, by KUBECONFIG."""
    return kopf.login_with_kubeconfig(settings=settings)


@kopf.on.startup()
async def start(memo: kopf.Memo, settings: kopf.OperatorSettings, **_: Any) -> None:
    """What all handlers share."""
    memo.client = Client(kopf.login_with_kubeconfig(settings=settings))
    memo.children = Children(Path(os.environ["KOPF_CHILDREN"]))


@kopf.on.cleanup()
async def stop(memo: kopf.Memo, **_: Any) -> None:
    """The session ends with the operator."""
    await memo.client.close()


@kopf.index(*REGISTRIES)
def registries(namespace: str, name: str, body: Body, **_: Any) -> Any:
    """Registries by name: the events of children look them up."""
    return {(namespace, name): {"metadata": dict(body["metadata"]), "status": body.get("status")}}


@kopf.index(*DEPLOYMENTS, labels=OURS)
def available(namespace: str, name: str, status: Body, **_: Any) -> Any:
    """How many pods of a Registry serve."""
    return {(namespace, name): status.get("availableReplicas", 0)}


@kopf.on.create(*REGISTRIES)
@kopf.on.resume(*REGISTRIES)
@kopf.on.update(*REGISTRIES, field="spec")
async def reconcile(
    *,
    namespace: str,
    name: str,
    uid: str,
    body: Body,
    patch: kopf.Patch,
    memo: kopf.Memo,
    available: kopf.Index,
    **_: Any,
) -> None:
    """All children, and what is known of their health."""
    for path, child in memo.children.of(namespace, name, uid).items():
        await memo.client.apply(path, child)
    status = new_status(body, sum(available.get((namespace, name), ())))
    if status is not None:
        patch.status.update(status)


@kopf.on.event("", "v1", "serviceaccounts", labels=OURS)
@kopf.on.event("", "v1", "secrets", labels=OURS)
@kopf.on.event("", "v1", "services", labels=OURS)
@kopf.on.event(*DEPLOYMENTS, labels=OURS)
async def repair(
    *,
    type: str | None,  # noqa: A002 - kopf passes it by this name
    namespace: str,
    name: str,
    labels: Mapping[str, str],
    body: Body,
    resource: kopf.Resource,
    memo: kopf.Memo,
    registries: kopf.Index,
    **_: Any,
) -> None:
    """A child that is gone or was changed is applied again, while its Registry lives."""
    for owner in registries.get((namespace, labels[LABEL]), ()):
        wanted = memo.children.of(namespace, labels[LABEL], owner["metadata"]["uid"])
        path = resource.get_url(namespace=namespace, name=name)
        if path in wanted and (type == "DELETED" or not holds(wanted[path], body)):
            await memo.client.apply(path, wanted[path])


@kopf.on.event(*DEPLOYMENTS, labels=OURS)
async def report(
    *,
    namespace: str,
    name: str,
    status: Body,
    memo: kopf.Memo,
    registries: kopf.Index,
    **_: Any,
) -> None:
    """Says so when the pods of a Registry begin or cease to serve."""
    for owner in registries.get((namespace, name), ()):
        await correct(memo.client, owner, status.get("availableReplicas", 0))


@kopf.on.event(*REGISTRIES)
async def recheck(
    *,
    namespace: str,
    name: str,
    body: Body,
    memo: kopf.Memo,
    available: kopf.Index,
    **_: Any,
) -> None:
    """Mends a status that was made while the pods began to serve."""
    await correct(memo.client, body, sum(available.get((namespace, name), ())))


async def correct(client: Client, registry: Body, serving: int) -> None:
    """Patches a status that is not true; the first one is the creation's to write."""
    changed = new_status(registry, serving)
    if changed is not None and registry.get("status"):
        group, version, plural = REGISTRIES
        metadata = registry["metadata"]
        collection = f"/apis/{group}/{version}/namespaces/{metadata['namespace']}/{plural}"
        await client.patch_status(f"{collection}/{metadata['name']}", changed)


def new_status(registry: Body, serving: int) -> dict[str, Any] | None:
    """The status that a Registry should have; None where it has it."""
    generation = registry["metadata"]["generation"]
    old = registry.get("status") or {}
    known = (old.get("observedGeneration"), old.get("readyReplicas"))
    if known == (generation, serving):
        return None
    condition = {
        "type": "Ready",
        "status": "True" if serving else "False",
        "reason": "Ready" if serving else "PodsStarting",
        "message": f"{serving} pods serve",
        "lastTransitionTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "observedGeneration": generation,
    }
    return {
        "observedGeneration": generation,
        "readyReplicas": serving,
        "conditions": [condition],
    }


def holds(wanted: Any, actual: Any) -> bool:
    """Whether everything that is wanted is there, whatever else is."""
    if isinstance(wanted, Mapping):
        return isinstance(actual, Mapping) and all(
            name in actual and holds(value, actual[name]) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(actual, list)
            and len(wanted) == len(actual)
            and all(map(holds, wanted, actual))
        )
    return bool(wanted == actual)


if __name__ == "__main__":
    kopf.run(standalone=True, clusterwide=True, liveness_endpoint=os.environ["KOPF_HEALTH"])
