"""The reading half against a real API server: long lists, gaps, restarts, kinds that go."""

import asyncio
import http.client
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from hack.cluster.cluster import Cluster
from registry_operator.kube.client import Client
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.cache import Cache
from registry_operator.runtime.change import Applied, Change, Removed
from registry_operator.runtime.clock import SystemClock
from registry_operator.runtime.metrics import Metrics
from registry_operator.runtime.referenced import Referenced
from registry_operator.runtime.store import Store
from tests.integration.runtime.conftest import NEWCOMER, Users, a_client

pytestmark = pytest.mark.integration

CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps")
SECRETS = Resource("", "v1", "Secret", "secrets")
WIDGETS = Resource("example.org", "v1", "Widget", "widgets")
CRDS = Resource(
    "apiextensions.k8s.io",
    "v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
    namespaced=False,
)
MANY = 5000
WIDGET_CRD: dict[str, Any] = {
    "metadata": {"name": "widgets.example.org"},
    "spec": {
        "group": "example.org",
        "names": {"plural": "widgets", "kind": "Widget", "singular": "widget"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "x-kubernetes-preserve-unknown-fields": True,
                    }
                },
            }
        ],
    },
}


def a_body(name: str, test: str, **fields: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default", "labels": {"test": test}}
    return {"metadata": metadata, **fields}


def key(name: str) -> ObjectKey:
    return ObjectKey("default", name)


def a_cache(client: Client, *, stream: bool = False) -> Cache:
    return Cache(
        client,
        clock=SystemClock(),
        rng=random.Random(7),
        metrics=Metrics(CollectorRegistry()),
        stream=stream,
    )


@asynccontextmanager
async def running(cache: Cache) -> AsyncIterator[None]:
    task = asyncio.create_task(cache.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(done: Callable[[], bool], *, seconds: float = 30.0) -> None:
    """Wait for what several objects have to reach together; the stores have no event for that."""
    async with asyncio.timeout(seconds):
        while not done():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def listed(client: Client, resource: Resource, test: str) -> dict[str, str]:
    listing = await client.list(resource, namespace="default", label_selector=f"test={test}")
    return {obj.name: obj.resource_version for obj in listing.items}


def held(store: Store) -> dict[str, str]:
    return {obj.name: obj.resource_version for obj in store.list()}


async def create_many(client: Client, test: str, count: int) -> None:
    slots = asyncio.Semaphore(16)

    async def create(number: int) -> None:
        async with slots:
            await client.create(
                CONFIG_MAPS, a_body(f"{test}-{number}", test, data={"n": "x" * 500})
            )

    await asyncio.gather(*(create(number) for number in range(count)))


async def longest_stall() -> float:
    """Measure until cancelled; the longest that the loop kept a ready task waiting, in seconds."""
    longest = 0.0
    try:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0)
            longest = max(longest, time.perf_counter() - before)
    except asyncio.CancelledError:
        return longest


@pytest.mark.parametrize("stream", [False, True], ids=["pages", "WatchList"])
async def test_five_thousand_objects_come_in_without_stalling_the_loop(
    users: Users, record_property: Callable[[str, object], None], *, stream: bool
) -> None:
    async with a_client(users) as client:
        if len(await listed(client, CONFIG_MAPS, "many")) < MANY:
            await create_many(client, "many", MANY)
        cache = a_cache(client, stream=stream)
        store = cache.declare(CONFIG_MAPS, namespace="default", label_selector="test=many")
        told: list[Change] = []
        store.subscribe(told.append)

        meter = asyncio.create_task(longest_stall())
        async with running(cache):
            await cache.wait_synced(60)
            meter.cancel()
            stall = await meter

            assert held(store) == await listed(client, CONFIG_MAPS, "many")
        stats = cache.stats()["configmaps"]
        record_property("sync_seconds", stats.reflector.sync_seconds)
        record_property("longest_stall_seconds", stall)
        record_property("bytes_per_object", stats.store.bytes / MANY)

    assert len(told) == MANY
    assert all(isinstance(change, Applied) and change.initial for change in told)
    assert stall < 0.5


async def test_changes_by_others_arrive_and_own_writes_are_seen_at_once(users: Users) -> None:
    async with a_client(users) as client:
        cache = a_cache(client)
        store = cache.declare(CONFIG_MAPS, namespace="default", label_selector="test=life")
        told: list[Change] = []
        store.subscribe(told.append)
        async with running(cache):
            await cache.wait_synced(30)
            made = await client.create(CONFIG_MAPS, a_body("mine", "life"))
            store.wrote(made)
            seen = held(store)
            await until(lambda: store.stats().pending == 0)
            after_echo = len(told)

            patch = {"data": {"a": "b"}}
            changed = await client.patch(CONFIG_MAPS, key("mine"), patch, kind="merge")
            await until(lambda: held(store) == {"mine": changed.resource_version})

            await client.delete(CONFIG_MAPS, key("mine"), uid=made.uid)
            store.deleted(key("mine"), made.uid)
            hidden = store.get(key("mine"))
            await until(lambda: store.stats().pending == 0)

    assert seen == {"mine": made.resource_version}
    assert hidden is None
    assert after_echo == 1
    assert [type(change) for change in told] == [Applied, Applied, Removed]
    assert store.stats().objects == 0


async def test_what_leaves_the_selection_is_removed(users: Users) -> None:
    async with a_client(users) as client:
        await client.create(CONFIG_MAPS, a_body("leaver", "selection"))
        cache = a_cache(client)
        store = cache.declare(CONFIG_MAPS, namespace="default", label_selector="test=selection")
        async with running(cache):
            await cache.wait_synced(30)
            assert held(store).keys() == {"leaver"}
            elsewhere = {"metadata": {"labels": {"test": "elsewhere"}}}
            changed = await client.patch(CONFIG_MAPS, key("leaver"), elsewhere, kind="merge")
            store.wrote(changed)
            await until(lambda: store.stats().objects == 0)

    assert store.stats().pending == 0


async def lose_history(cluster: Cluster) -> None:
    """Move etcd on and make it forget all before that, by its own JSON gateway."""

    def call(path: str, body: dict[str, Any]) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", cluster.plan.ports.etcd, timeout=10)
        connection.request("POST", path, body=json.dumps(body))
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    for _ in range(10):
        written = await asyncio.to_thread(call, "/v3/kv/put", {"key": "dGVzdA==", "value": "eA=="})
    revision = written["header"]["revision"]
    forget = {"revision": revision, "physical": True}
    answer = await asyncio.to_thread(call, "/v3/kv/compaction", forget)
    assert "header" in answer, answer


async def test_an_api_server_that_ends_and_a_history_that_is_gone_lose_nothing(
    cluster: Cluster, users: Users
) -> None:
    async with a_client(users) as client:
        for name in ("kept", "gone"):
            await client.create(CONFIG_MAPS, a_body(name, "gap"))
        cache = a_cache(client)
        store = cache.declare(CONFIG_MAPS, namespace="default", label_selector="test=gap")
        emptied: list[int] = []
        store.subscribe(lambda _change: emptied.append(len(store.keys())))
        async with running(cache):
            await cache.wait_synced(30)
            await until(lambda: cache.stats()["configmaps"].reflector.watches == 1)
            await asyncio.to_thread(cluster.kill, "kube-apiserver")
            await until(lambda: store.stats().error is not None)
            error = store.stats().error
            readable = held(store).keys()
            await lose_history(cluster)
            await asyncio.to_thread(cluster.start, "kube-apiserver")
            await client.delete(CONFIG_MAPS, key("gone"))
            await client.create(CONFIG_MAPS, a_body("new", "gap"))
            await until(lambda: held(store).keys() == {"kept", "new"}, seconds=90)
            expected = await listed(client, CONFIG_MAPS, "gap")
        restarts = cache.stats()["configmaps"].reflector.restarts

    assert error is not None
    assert error.reason == "ConnectionFailed"
    assert readable == {"kept", "gone"}
    assert held(store) == expected
    assert store.stats().error is None
    assert min(emptied) > 0
    assert restarts["ConnectionFailed"] > 0
    assert restarts["Expired"] == 1


async def test_a_kind_whose_definition_goes_and_comes_back_heals(users: Users) -> None:
    async with a_client(users) as client:
        cache = a_cache(client)
        store = cache.declare(WIDGETS, optional=True)
        flips: list[bool] = []
        store.on_availability(flips.append)
        async with running(cache):
            await cache.wait_synced(30)
            missing = store.stats()

            await client.create(CRDS, WIDGET_CRD)
            await until(lambda: store.synced, seconds=60)
            await client.create(WIDGETS, a_body("one", "crd"))
            await until(lambda: held(store).keys() == {"one"})

            await client.delete(CRDS, ObjectKey("", "widgets.example.org"))
            await until(lambda: not store.available, seconds=60)
            assert held(store) == {}
            await until_gone(client)

            await client.create(CRDS, WIDGET_CRD)
            await until(lambda: store.synced, seconds=60)
            await client.create(WIDGETS, a_body("two", "crd"))
            await until(lambda: held(store).keys() == {"two"})

    assert missing.error is not None
    assert missing.error.reason == "NotFound"
    assert flips == [False, True, False, True]


async def until_gone(client: Client) -> None:
    """Wait until the CRD itself is gone: its finalizer deletes the objects first."""
    async with asyncio.timeout(30):
        while any(  # noqa: ASYNC110
            crd.name == "widgets.example.org" for crd in (await client.list(CRDS)).items
        ):
            await asyncio.sleep(0.1)


async def test_a_missing_right_is_named_and_granting_it_heals(
    cluster: Cluster, users: Users
) -> None:
    async with a_client(users, NEWCOMER) as client:
        cache = a_cache(client)
        store = cache.declare(CONFIG_MAPS, namespace="default")
        async with running(cache):
            await until(lambda: store.stats().error is not None)
            error = store.stats().error
            role = ("clusterrole", "reader", "--verb=list,watch", "--resource=configmaps")
            await asyncio.to_thread(cluster.kubectl, "create", *role)
            binding = ("clusterrolebinding", "reader", "--clusterrole=reader", f"--user={NEWCOMER}")
            await asyncio.to_thread(cluster.kubectl, "create", *binding)
            await until(lambda: store.synced, seconds=60)

    assert error is not None
    assert error.reason == "Forbidden"
    assert 'the right to "list" configmaps in namespace default is missing' in error.message


async def test_referenced_secrets_are_read_and_strangers_never_enter_memory(
    users: Users,
) -> None:
    async with a_client(users) as client:
        for name in ("wanted", "stranger"):
            await client.create(SECRETS, a_body(name, "secret", stringData={"password": name}))
        cache = a_cache(client)
        store = cache.declare(SECRETS, namespace="default", metadata_only=True)
        referenced = Referenced(client, store, clock=SystemClock())
        reading = asyncio.create_task(referenced.run())
        async with running(cache):
            await cache.wait_synced(30)
            referenced.refer("somebody", [key("wanted"), key("missing")])
            await until(lambda: referenced.get(key("wanted")) is not None)
            first = found(referenced, "wanted")
            patch = {"stringData": {"password": "changed"}}
            await client.patch(SECRETS, key("wanted"), patch, kind="merge")
            await until(lambda: found(referenced, "wanted") != first)
            missing = referenced.known(key("missing")), referenced.get(key("missing"))
            await client.delete(SECRETS, key("wanted"))
            await until(lambda: referenced.get(key("wanted")) is None)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)

    assert missing == (True, None)
    assert referenced.stats().keys == 2
    assert not any(b'"data"' in obj.raw for obj in store.list())


def found(referenced: Referenced, name: str) -> Object:
    obj = referenced.get(key(name))
    assert obj is not None
    return obj
