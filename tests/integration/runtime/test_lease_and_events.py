"""Lease and events against a real API server, which is stricter than any fake."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from registry_operator.kube.client import Client
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.clock import SystemClock
from registry_operator.runtime.leader import Elector, LeadershipLost
from registry_operator.runtime.lease import LEASES, Election
from registry_operator.runtime.metrics import Metrics
from registry_operator.runtime.recorder import EVENTS, Recorder
from tests.integration.runtime.conftest import NEWCOMER, Users, a_client

pytestmark = pytest.mark.integration

CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps")


def an_elector(client: Client, identity: str, name: str) -> Elector:
    return Elector(
        client,
        Election(identity, "default", name, lease=4, renew=3, retry=1),
        clock=SystemClock(),
        rng=random.Random(identity),
        metrics=Metrics(CollectorRegistry()),
    )


def a_recorder(client: Client) -> Recorder:
    return Recorder(
        client,
        component="registry-operator",
        clock=SystemClock(),
        rng=random.Random(1),
        metrics=Metrics(CollectorRegistry()),
        instance="registry-operator-0",
    )


@asynccontextmanager
async def running(recorder: Recorder) -> AsyncIterator[None]:
    run = asyncio.create_task(recorder.run())
    try:
        yield
        await recorder.flush(10)
    finally:
        run.cancel()
        await asyncio.wait({run})


async def lease(client: Client, name: str) -> dict[str, Any]:
    spec: dict[str, Any] = (await client.get(LEASES, ObjectKey("default", name))).body()["spec"]
    return spec


async def events_about(client: Client, name: str) -> list[dict[str, Any]]:
    listing = await client.list(EVENTS, namespace="default")
    bodies = [event.body() for event in listing.items]
    return [body for body in bodies if body["regarding"].get("name") == name]


async def a_config_map(client: Client, name: str) -> Object:
    return await client.create(
        CONFIG_MAPS, {"metadata": {"name": name, "namespace": "default"}, "data": {}}
    )


async def test_the_lease_is_made_renewed_handed_over_and_released(users: Users) -> None:
    leading: list[str] = []
    async with a_client(users) as one, a_client(users) as two:
        first, second = an_elector(one, "a", "handed-over"), an_elector(two, "b", "handed-over")

        def lead(elector: Elector, name: str) -> Callable[[], Awaitable[None]]:
            async def work() -> None:
                leading.append(name)
                began = await lease(one, "handed-over")
                await asyncio.sleep(2.5)
                elector.fence()
                now = await lease(one, "handed-over")
                assert now["holderIdentity"] == name
                assert now["renewTime"] > began["renewTime"]
                assert now["acquireTime"] == began["acquireTime"]
                assert [first.is_leader, second.is_leader].count(True) == 1

            return work

        await asyncio.gather(first.run(lead(first, "a")), second.run(lead(second, "b")))
        left = await lease(one, "handed-over")

    assert sorted(leading) == ["a", "b"]
    assert not left.get("holderIdentity")
    assert left["leaseTransitions"] >= 1


async def test_a_lease_taken_away_ends_leadership(users: Users) -> None:
    async with a_client(users) as client:
        elector = an_elector(client, "a", "taken-away")

        async def work() -> None:
            key = ObjectKey("default", "taken-away")
            await client.patch(LEASES, key, {"spec": {"holderIdentity": "b"}}, kind="merge")
            await asyncio.Event().wait()

        with pytest.raises(LeadershipLost, match="b holds"):
            await elector.run(work)

        assert (await lease(client, "taken-away"))["holderIdentity"] == "b"


async def test_an_event_is_taken_as_it_is_and_repeated_as_a_series(users: Users) -> None:
    async with a_client(users) as client:
        about = await a_config_map(client, "told")
        for _ in range(2):
            recorder = a_recorder(client)
            async with running(recorder):
                for _ in range(3):
                    recorder.event(about, "Warning", "SecretMissing", "ä" * 2000)
                    await asyncio.sleep(0.2)
            assert recorder.stats().dropped == 0
        (event,) = await events_about(client, "told")

    assert event["series"]["count"] == 6
    assert event["reportingController"] == "registry-operator"
    assert event["regarding"]["uid"] == about.uid
    assert event["note"].endswith("…")


async def test_a_right_that_is_missing_costs_the_event_and_nothing_else(users: Users) -> None:
    async with a_client(users) as admin, a_client(users, NEWCOMER) as newcomer:
        about = await a_config_map(admin, "untold")
        recorder = a_recorder(newcomer)
        async with running(recorder):
            recorder.event(about, "Normal", "Created", "created")

        assert await events_about(admin, "untold") == []
    assert (recorder.stats().sent, recorder.stats().dropped) == (0, 1)
