"""A world at rest is one on which the operator has nothing to write, until somebody changes it."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession, web
from prometheus_client import CollectorRegistry, generate_latest

from controllers.kinds import SERVICE
from controllers.registry import assembly
from hack.bench.apiserver import ApiServer, fill
from hack.bench.library import Library
from hack.bench.recording import KINDS, Recording, record
from hack.bench.settled import keys, settled
from hack.bench.written import audited, is_event
from hack.progress import progress
from registry_operator.distribution.check import Check, Result, Verdict
from registry_operator.kube.client import Client
from registry_operator.kube.credentials import Credentials, FixedIdentity, Identity, Server
from registry_operator.kube.resource import ObjectKey
from registry_operator.kube.transport import HttpTransport
from registry_operator.runtime.clock import SystemClock
from registry_operator.runtime.metrics import Metrics
from registry_operator.runtime.operator import Address, Operator, Settings

_REGISTRIES = 3
_LOCAL = Address("127.0.0.1", 0)


@pytest.fixture(scope="module")
def recording() -> Recording:
    return record(ready=True)


@pytest.fixture
def library() -> Library:
    library = Library(KINDS)
    fill(library, keys(_REGISTRIES))
    return library


def test_objects_of_two_registries_share_neither_uid_nor_digest(recording: Recording) -> None:
    world = settled(recording)
    one, other = (list(world.of(key, number)) for number, key in enumerate(keys(2)))

    assert len(one) == world.objects == 9
    for words in ("uid", "annotations"):
        mine, theirs = (
            {str(body["metadata"][words]) for _, body in objects if words in body["metadata"]}
            for objects in (one, other)
        )
        assert mine
        assert mine.isdisjoint(theirs)


def test_references_lead_to_objects_of_the_same_registry(recording: Recording) -> None:
    objects = [body for _, body in settled(recording).of(ObjectKey("team-b", "copies"), 7)]
    uids = {body["metadata"]["uid"] for body in objects}
    owners = [
        owner["uid"] for body in objects for owner in body["metadata"].get("ownerReferences", ())
    ]

    assert len(owners) == len(objects) - 1
    assert set(owners) <= uids


async def test_an_operator_that_starts_on_a_world_at_rest_writes_nothing(library: Library) -> None:
    async with serving(library) as (server, url), operating(url):
        assert server.writes == []


async def test_what_is_taken_from_a_world_at_rest_is_put_back(library: Library) -> None:
    async with serving(library) as (server, url), operating(url):
        key = next(keys(1))
        events: asyncio.Queue[bytes] = asyncio.Queue()
        services = library.shelves[SERVICE]
        services.subscribe(events.put_nowait, since=library.revision, metadata_only=False)
        async with ClientSession() as author:
            answer = await author.delete(f"{url}{SERVICE.path(key.namespace, key.name)}")
            assert answer.status == 200
        assert b"DELETED" in await events.get()
        assert b"ADDED" in await events.get()

    assert key in services
    written = [(one.resource, one.name) for one in server.writes if not is_event(one)]
    assert written[:2] == [(audited(SERVICE), key.name)] * 2


@asynccontextmanager
async def serving(library: Library) -> AsyncIterator[tuple[ApiServer, str]]:
    server = ApiServer(library)
    runner = web.AppRunner(server.application(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0]
        yield server, f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def operating(url: str) -> AsyncIterator[None]:
    """The whole operator, once it has looked at every Registry."""
    metrics = Metrics(CollectorRegistry())
    credentials = Credentials(Server(url), FixedIdentity(Identity()))
    transport = HttpTransport(credentials, user_agent="registry-operator/test")
    operator = Operator(
        Client(transport),
        Settings(name="registry-operator", metrics=_LOCAL, probes=_LOCAL),
        clock=SystemClock(),
        rng=random.Random(7),
        metrics=metrics,
    )
    assembly.install(
        operator, namespace=None, asker=_ask, checker=_check, random_secret=lambda: "0" * 64
    )
    manager = operator.manager()
    task = asyncio.create_task(manager.run())
    try:
        async with asyncio.timeout(30):
            # Nothing tells it: metrics are asked.
            while not progress(generate_latest(metrics.registry).decode()).is_through(_REGISTRIES):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        yield
    finally:
        manager.stop()
        await task
        await transport.close()
        await credentials.close()


async def _ask(address: str, path: str) -> bytes:
    raise TimeoutError(address, path)


async def _check(what: Check, *, nonce: bytes) -> Result:
    return Result(Verdict.UNREACHABLE, "/", f"nobody is at {what.host} for {nonce!r}", 0.0)
