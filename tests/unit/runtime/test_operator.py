"""The composition: what is declared runs, is fenced and tells; and it stops as a whole."""

import asyncio
import random
from typing import Any

import pytest

from registry_operator.kube.client import Client
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.http import Health, HttpServer
from registry_operator.runtime.leader import LeadershipLost
from registry_operator.runtime.lease import LEASES, Election
from registry_operator.runtime.operator import Address, Operator, Settings
from registry_operator.runtime.recorder import EVENTS
from registry_operator.testing.fake_api import FakeApi
from registry_operator.testing.virtual_loop import VirtualClock
from tests import example_operator
from tests.example_operator import CONFIG_MAP, GREETING
from tests.operator_stage import LOCAL, OperatorStage
from tests.unit.runtime.owned_stage import OwnedStage

ELECTION = Election(identity="me", namespace="system", name="operator")


def an_operator(api: FakeApi, clock: VirtualClock, **settings: Any) -> Operator:
    told = {"name": "stage", "metrics": LOCAL, "probes": LOCAL, **settings}
    return Operator(Client(api), Settings(**told), clock=clock, rng=random.Random(7))


async def test_a_field_manager_names_operator_and_reconciler(clock: VirtualClock) -> None:
    stage = OwnedStage(clock)
    stage.greet("ann")
    async with stage.running():
        managers = {entry["manager"] for entry in stage.child["metadata"]["managedFields"]}

    assert managers == {"stage/config-map"}


async def test_what_is_written_is_told_to_the_owner_by_events(clock: VirtualClock) -> None:
    stage = OwnedStage(clock)
    stage.greet("ann")
    async with stage.running():
        stage.greet()
        await stage.settle()

    assert sorted(stage.events()) == [
        ("Normal", "Created", "created ConfigMap hi-ann"),
        ("Normal", "Deleted", "deleted ConfigMap hi-ann"),
    ]
    regarding = {e["regarding"]["name"] for e in stage.api.objects(EVENTS)}
    assert regarding == {"hi"}


async def test_a_helper_runs_as_long_as_the_operator(clock: VirtualClock) -> None:
    class Helper:
        ran = ended = False

        async def run(self) -> None:
            self.ran = True
            try:
                await asyncio.Event().wait()
            finally:
                self.ended = True

    def install(operator: Operator) -> None:
        example_operator.install(operator)
        operator.run_beside(helper)

    helper = Helper()
    stage = OperatorStage(clock, [GREETING, CONFIG_MAP], install)
    async with stage.running():
        assert helper.ran
        assert not helper.ended

    assert helper.ended


async def test_two_operators_take_turns_and_only_the_leader_writes(clock: VirtualClock) -> None:
    api = FakeApi([GREETING, CONFIG_MAP, LEASES, EVENTS], clock=clock)
    managers = []
    for identity in ("one", "two"):
        election = Election(identity=identity, namespace="system", name="operator")
        operator = an_operator(api, clock, election=election)
        example_operator.install(operator)
        managers.append(operator.manager())
    runs = [asyncio.create_task(manager.run()) for manager in managers]
    await clock.sleep(10)
    assert [manager.stats().is_leading for manager in managers] == [True, False]
    api.put(GREETING, a_greeting())
    await clock.sleep(5)
    assert len(api.objects(CONFIG_MAP)) == 1

    managers[0].stop()
    await runs[0]
    await clock.sleep(30)
    assert managers[1].stats().is_leading
    api.delete(CONFIG_MAP, ObjectKey("ns", "hi-ann"))
    await clock.sleep(5)
    assert len(api.objects(CONFIG_MAP)) == 1
    managers[1].stop()
    await runs[1]


async def test_who_does_not_lead_cannot_write(clock: VirtualClock) -> None:
    api = FakeApi([CONFIG_MAP, LEASES], clock=clock)
    operator = an_operator(api, clock, election=ELECTION)

    with pytest.raises(LeadershipLost):
        await operator.client.create(CONFIG_MAP, {"metadata": {"namespace": "ns", "name": "x"}})
    assert api.objects(CONFIG_MAP) == []


async def test_without_election_writing_is_free(clock: VirtualClock) -> None:
    api = FakeApi([CONFIG_MAP], clock=clock)
    operator = an_operator(api, clock)
    await operator.client.create(CONFIG_MAP, {"metadata": {"namespace": "ns", "name": "x"}})

    assert len(api.objects(CONFIG_MAP)) == 1


async def test_an_address_that_is_taken_leaves_no_server_behind(clock: VirtualClock) -> None:
    api = FakeApi([GREETING, CONFIG_MAP, EVENTS], clock=clock)
    taken = HttpServer(an_operator(api, clock).metrics.registry, Health(), host="127.0.0.1", port=0)  # fmt: skip
    async with taken:
        probes = Address("127.0.0.1", taken.stats().port)
        operator = an_operator(api, clock, probes=probes)
        example_operator.install(operator)
        with pytest.raises(OSError, match="address already in use"):
            await operator.manager().run()

    assert api.requests == []


def a_greeting() -> dict[str, Any]:
    return {
        "apiVersion": GREETING.api_version,
        "kind": "Greeting",
        "metadata": {"namespace": "ns", "name": "hi"},
        "spec": {"names": ["ann"]},
    }
