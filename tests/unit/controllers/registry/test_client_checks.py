"""Checks through the Service in the whole operator: whom, how often, and what becomes of it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from controllers.kinds import DEPLOYMENT, REGISTRY, SERVICE
from registry_operator.distribution.check import Check
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.operator import Operator
from registry_operator.testing.builders import NAMESPACE
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry.clients import FULL, PASSED, UNREACHABLE, Clients
from tests.unit.controllers.registry_stage import RegistryStage

pytestmark = pytest.mark.virtual

KEY = ObjectKey(NAMESPACE, "images")


@pytest.fixture
def clients(clock: VirtualClock) -> Clients:
    return Clients(clock)


@pytest.fixture
def stage(clock: VirtualClock, clients: Clients) -> RegistryStage:
    return RegistryStage(clock, client_check=clients)


def told(stage: RegistryStage, name: str = "images") -> Mapping[str, Any]:
    found: Mapping[str, Any] = stage.status(name).get("healthCheck", {})
    return found


def value(operator: Operator, name: str, **labels: str) -> float | None:
    named = {"namespace": NAMESPACE, "name": "images", **labels}
    return operator.metrics.registry.get_sample_value(
        f"registry_operator_health_check_{name}", named
    )


async def test_a_registry_is_asked_about_once_a_minute_through_its_service(
    stage: RegistryStage, clients: Clients
) -> None:
    async with stage.running():
        stage.create()
        await stage.settle(70)
        assert told(stage)["result"] == "Passed"
        service = stage.one(SERVICE)["spec"]
        assert clients.asked[0] == Check(service["clusterIP"], 5000, seconds=20.0)
        clients.new()
        await stage.settle(600)
        assert 9 <= clients.new() <= 12


async def test_at_rest_checks_write_nothing(stage: RegistryStage) -> None:
    async with stage.running():
        stage.create()
        await stage.settle(100)
        stage.new_writes()
        await stage.settle(2 * 3600)
        assert stage.new_writes() == []


async def test_the_first_check_is_told_in_one_write(stage: RegistryStage, clients: Clients) -> None:
    clients.result = UNREACHABLE
    async with stage.running():
        stage.create()
        await stage.settle(100)
        assert clients.asked
        stage.new_writes()
        clients.result = PASSED
        await stage.settle(1400)
        assert told(stage)["result"] == "Passed"
        assert len(stage.new_writes()) == 1


async def test_a_registry_that_fails_its_clients_is_not_available_until_one_is_served(
    stage: RegistryStage, clients: Clients
) -> None:
    async with stage.running() as operator:
        stage.create()
        await stage.settle(100)
        clients.result = FULL
        await stage.settle(90)
        assert stage.told() == ("False", "CheckFailed")
        assert stage.told("Available") == ("False", "CheckFailed")
        assert FULL.message in stage.message("Available")
        assert (told(stage)["result"], told(stage)["step"]) == ("Failed", "push")
        assert ("Warning", "CheckFailed") in [event[:2] for event in stage.events()]
        assert value(operator, "availability_ratio", window="hour") != 1.0

        clients.result = PASSED
        await stage.settle(30)
        assert stage.told() == ("True", "Ready")
        assert told(stage)["result"] == "Passed"
        assert len(told(stage)["outages"]) == 1


async def test_one_failure_alone_changes_nothing(stage: RegistryStage, clients: Clients) -> None:
    async with stage.running():
        stage.create()
        await stage.settle(100)
        stage.new_writes()
        asked = clients.new()
        clients.result = FULL
        while not (asked := clients.new()):
            await stage.settle(1)
        assert asked == 1
        clients.result = PASSED
        await stage.settle(60)
        assert stage.new_writes() == []


async def test_failures_that_go_on_are_told_once(stage: RegistryStage, clients: Clients) -> None:
    async with stage.running():
        stage.create()
        await stage.settle(100)
        clients.result = FULL
        await stage.settle(90)
        stage.new_writes()
        await stage.settle(600)
        # The figures of the hour fall; the message and the conditions stay.
        assert len(stage.new_writes()) <= 1


async def test_where_no_pod_can_be_reached_nothing_is_claimed_and_it_is_tried_rarely(
    stage: RegistryStage, clients: Clients
) -> None:
    clients.result = UNREACHABLE
    async with stage.running():
        stage.create()
        await stage.settle(300)
        assert stage.told() == ("True", "Ready")
        assert told(stage) == {}
        clients.new()
        await stage.settle(3600)
        assert 4 <= clients.new() <= 8


async def test_who_can_not_be_reached_at_first_is_tried_again_soon(
    stage: RegistryStage, clients: Clients
) -> None:
    clients.result = UNREACHABLE
    async with stage.running():
        stage.create()
        while len(clients.asked) < 2:
            await stage.settle(1)
        clients.result = PASSED
        await stage.settle(50)
        assert told(stage)["result"] == "Passed"


@pytest.mark.parametrize("spec", [{"paused": True}, {"replicas": 0}])
async def test_who_is_paused_or_scaled_to_zero_is_not_asked(
    stage: RegistryStage, clients: Clients, spec: dict[str, Any]
) -> None:
    async with stage.running():
        stage.create()
        await stage.settle(100)
        stage.change(lambda body: body.update(spec))
        await stage.settle(5)
        clients.new()
        await stage.settle(300)
        assert clients.new() == 0


async def test_who_does_not_want_checks_has_none_and_no_figures(
    stage: RegistryStage, clients: Clients
) -> None:
    async with stage.running() as operator:
        stage.create()
        await stage.settle(100)
        assert value(operator, "total", result="passed")
        clients.result = FULL
        await stage.settle(90)
        assert stage.told() == ("False", "CheckFailed")
        stage.change(lambda spec: spec.update(healthCheck={"enabled": False}))
        await stage.settle(20)
        clients.new()
        assert stage.told() == ("True", "Ready")
        assert told(stage) == {}
        assert value(operator, "total", result="passed") is None
        await stage.settle(300)
        assert clients.new() == 0


async def test_the_interval_is_the_users(stage: RegistryStage, clients: Clients) -> None:
    async with stage.running():
        stage.create(healthCheck={"intervalSeconds": 600, "timeoutSeconds": 7})
        await stage.settle(1000)
        assert clients.asked[0].seconds == 7.0
        clients.new()
        await stage.settle(6000)
        assert 9 <= clients.new() <= 12


async def test_a_registry_whose_pods_went_was_not_there_for_clients(
    stage: RegistryStage, clients: Clients
) -> None:
    async with stage.running() as operator:
        stage.create()
        await stage.settle(100)
        stage.cluster.is_well = lambda _pod: False
        stage.cluster.look_again()
        await stage.settle(10)
        clients.new()
        await stage.settle(600)
        assert clients.new() == 0
        ratio = value(operator, "availability_ratio", window="hour")
        assert ratio is not None
        assert ratio < 0.3
        assert "ended" not in told(stage)["outages"][0]

        stage.cluster.is_well = lambda _pod: True
        stage.cluster.look_again()
        await stage.settle(100)
        assert told(stage)["outages"][0]["ended"]
        assert stage.told() == ("True", "Ready")


async def test_what_failed_under_pods_that_went_is_not_held_against_those_that_came(
    stage: RegistryStage, clients: Clients
) -> None:
    clients.result, clients.seconds = FULL, 15.0
    async with stage.running():
        stage.create()
        while not clients.asked:
            await stage.settle(1)
        stage.change(lambda spec: spec.update(replicas=0))
        await stage.settle(40)
        assert told(stage) == {}


async def test_a_restart_neither_forgets_what_was_nor_flaps(
    stage: RegistryStage, clients: Clients
) -> None:
    async with stage.running():
        stage.create()
        await stage.settle(100)
        clients.result = FULL
        await stage.settle(90)
        before = told(stage)
    stage.new_writes()
    async with stage.running() as operator:
        await stage.settle(3)
        assert stage.told() == ("False", "CheckFailed")
        assert stage.new_writes() == []
        clients.result = PASSED
        await stage.settle(20)
        assert stage.told() == ("True", "Ready")
        assert told(stage)["outages"][0]["begun"] == before["outages"][0]["begun"]
        assert told(stage)["observedSince"] == before["observedSince"]
        ratio = value(operator, "availability_ratio", window="month")
        assert ratio is not None
        assert ratio < 1.0


async def test_series_go_with_their_registry(stage: RegistryStage) -> None:
    async with stage.running() as operator:
        stage.create()
        await stage.settle(100)
        assert value(operator, "total", result="passed") == pytest.approx(1.0, abs=1.0)
        assert value(operator, "availability_ratio", window="day") == 1.0
        stage.api.delete(REGISTRY, KEY)
        await stage.settle(30)
        assert value(operator, "total", result="passed") is None
        assert value(operator, "availability_ratio", window="day") is None


async def test_a_registry_made_anew_under_its_name_begins_anew(
    stage: RegistryStage, clients: Clients
) -> None:
    async with stage.running():
        stage.create()
        await stage.settle(100)
        clients.result = FULL
        await stage.settle(90)
        stage.api.delete(REGISTRY, KEY)
        stage.create()
        clients.result = PASSED
        await stage.settle(100)
        assert stage.told() == ("True", "Ready")
        assert "outages" not in told(stage)


async def test_what_is_pushed_is_one_of_a_few_in_turn(
    stage: RegistryStage, clients: Clients
) -> None:
    async with stage.running():
        stage.create()
        await stage.settle(3600)
        uses = Counter(clients.nonces)
        assert len(uses) == 8
        assert max(uses.values()) - min(uses.values()) <= 1


async def test_what_one_registry_is_pushed_does_not_hang_on_how_many_others_there_are(
    stage: RegistryStage, clients: Clients
) -> None:
    async with stage.running():
        for each in range(8):
            stage.create(f"r{each}")
        await stage.settle(1000)
        assert len(set(clients.nonces)) == 8 * 8


async def test_many_are_asked_a_few_at_once_spread_and_the_rarer_the_more_there_are(
    stage: RegistryStage, clients: Clients
) -> None:
    number = 40
    async with stage.running():
        for each in range(number):
            stage.create(f"r{each}", healthCheck={"intervalSeconds": 10})
        await stage.settle(120)
        assert len(stage.names(DEPLOYMENT)) == number
        addresses = {check.host for check in clients.asked}
        assert len(addresses) == number
        clients.new()
        await stage.settle(80)
        # Five a second are fifteen milliseconds each of us.
        assert clients.new() <= 80 * 5 * 1.2
        assert clients.most <= 4


async def test_those_that_do_not_answer_do_not_keep_the_others_waiting(
    stage: RegistryStage, clients: Clients
) -> None:
    clients.result, clients.seconds = replace(FULL, seconds=20.0), 20.0
    async with stage.running():
        for each in range(10):
            stage.create(f"r{each}")
        await stage.settle(200)
        clients.new()
        await stage.settle(600)
        # Four workers could be kept busy with 120 of them.
        assert 90 <= clients.new() <= 112


async def test_an_operator_that_comes_to_no_registry_at_all_tries_one_now_and_then(
    stage: RegistryStage, clients: Clients
) -> None:
    clients.result, clients.seconds = UNREACHABLE, 5.0
    async with stage.running():
        for each in range(20):
            stage.create(f"r{each}")
        await stage.settle(200)
        clients.new()
        await stage.settle(600)
        assert 5 <= clients.new() <= 11
        clients.result, clients.seconds = PASSED, 0.1
        await stage.settle(1000)
        assert all(told(stage, f"r{each}")["result"] == "Passed" for each in range(20))


async def test_a_long_interval_is_not_waited_for_before_the_first_check(
    stage: RegistryStage, clients: Clients
) -> None:
    async with stage.running():
        stage.create(healthCheck={"intervalSeconds": 86400})
        await stage.settle(100)
        assert clients.new() == 1
        await stage.settle(40_000)
        assert clients.new() == 0


async def test_nobody_asks_where_no_check_is_given(clock: VirtualClock) -> None:
    stage = RegistryStage(clock)
    async with stage.running() as operator:
        stage.create()
        await stage.settle(300)
        assert told(stage) == {}
        assert "client-check" not in operator.manager().stats().controllers
