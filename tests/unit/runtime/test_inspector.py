"""The state of a whole operator: why a key is not done, with which run, since when."""

import asyncio
from typing import Any

import orjson
import pytest

from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.inspector import About, UnknownControllerError
from registry_operator.runtime.lease import LEASES, Election
from registry_operator.runtime.operator import Operator
from registry_operator.runtime.outcome import Blocked, Outcome
from registry_operator.runtime.recorder import EVENTS
from registry_operator.runtime.state import Question, to_json
from registry_operator.testing.fake_api import FakeApi
from registry_operator.testing.virtual_loop import VirtualClock
from tests import example_operator
from tests.example_operator import CONFIG_MAP, GREETING
from tests.unit.runtime.owned_stage import OWNER, OwnedStage
from tests.unit.runtime.test_operator import an_operator


def told(operator: Operator, question: Question | None = None) -> Any:
    return orjson.loads(to_json(operator.inspector.state(question)))


async def test_a_key_that_is_blocked_says_why_and_since_when(clock: VirtualClock) -> None:
    stage = OwnedStage(clock, desired=lambda _inputs: Blocked("WaitingForMusic", "play some"))
    async with stage.running() as operator:
        stage.greet("ann")
        await stage.settle()
        state = told(operator)

    (controller,) = state["controllers"]
    assert controller["name"] == "config-map"
    (key,) = controller["keys"]
    assert (key["key"], key["running"], key["queued"]) == (str(OWNER), None, None)
    assert key["waits_for"] == {
        "outcome": "Blocked",
        "reason": "WaitingForMusic",
        "message": "play some",
        "since": "2026-01-01T00:00:10Z",
        "runs": 1,
    }


async def test_a_key_that_is_done_is_no_entry(clock: VirtualClock) -> None:
    stage = OwnedStage(clock)
    async with stage.running() as operator:
        stage.greet("ann")
        await stage.settle()
        (controller,) = told(operator)["controllers"]

    assert controller["reconciles"] > 0
    assert controller["keys"] == []


async def test_a_run_that_waits_for_the_server_says_where(clock: VirtualClock) -> None:
    stage = OwnedStage(clock)
    async with stage.running() as operator:
        release = asyncio.Event()

        async def never_answers(_key: ObjectKey) -> Any:
            await release.wait()

        slow = operator.controller("slow", never_answers)
        run = asyncio.create_task(slow.run())
        slow.enqueue(OWNER)
        await clock.sleep(5)
        slow.enqueue(OWNER)
        await clock.sleep(2)
        (controller,) = told(operator, Question("slow"))["controllers"]
        run.cancel()
        await asyncio.wait({run})

    (key,) = controller["keys"]
    assert key["running"]["since"] == "2026-01-01T00:00:10Z"
    assert key["running"]["stack"][-2].endswith("never_answers")
    assert (key["queued"]["state"], key["queued"]["since"]) == ("held", "2026-01-01T00:00:15Z")


async def test_keys_come_in_the_order_of_their_urgency_and_the_rest_is_counted(
    clock: VirtualClock,
) -> None:
    async with OwnedStage(clock).running() as operator:

        async def work(key: ObjectKey) -> Outcome:
            if key.name == "slow":
                await asyncio.Event().wait()
            return Blocked("WaitingForMusic", "play some")

        controller = operator.controller("order", work)
        run = asyncio.create_task(controller.run())
        for name in ("first", "second", "slow"):
            controller.enqueue(ObjectKey("ns", name))
            await clock.sleep(1)
        controller.enqueue(ObjectKey("ns", "slow"))
        controller.enqueue(ObjectKey("ns", "second"), after=60)
        controller.enqueue(ObjectKey("ns", "later"), after=30)
        whole = told(operator, Question("order"))["controllers"][0]
        some = told(operator, Question("order", most=2))["controllers"][0]
        one = told(operator, Question("order", key=ObjectKey("ns", "first"), most=0))
        run.cancel()
        await asyncio.wait({run})

    assert [key["key"] for key in whole["keys"]] == [
        *("ns/slow", "ns/later", "ns/second", "ns/first"),
    ]
    assert whole["left_out"] == 0
    assert [key["key"] for key in some["keys"]] == ["ns/slow", "ns/later"]
    assert some["left_out"] == 2
    assert [key["key"] for key in one["controllers"][0]["keys"]] == ["ns/first"]
    assert one["controllers"][0]["left_out"] == 0


async def test_a_controller_that_is_not_there_is_answered_with_those_that_are(
    clock: VirtualClock,
) -> None:
    async with OwnedStage(clock).running() as operator:
        with pytest.raises(UnknownControllerError, match="no controller 'nobody', but config-map"):
            operator.inspector.state(Question("nobody"))


async def test_every_kind_in_memory_is_told(clock: VirtualClock) -> None:
    stage = OwnedStage(clock)
    async with stage.running() as operator:
        stage.greet("ann")
        await stage.settle()
        caches = {cache["kind"]: cache for cache in told(operator)["caches"]}

    config_maps = caches["configmaps"]
    assert (config_maps["objects"], config_maps["synced"], config_maps["error"]) == (1, True, None)
    assert config_maps["bytes"] > 0
    assert config_maps["last_event_seconds_ago"] is not None


async def test_who_leads_and_for_how_long_is_told(clock: VirtualClock) -> None:
    api = FakeApi([GREETING, CONFIG_MAP, LEASES, EVENTS], clock=clock)
    election = Election(identity="me", namespace="system", name="operator")
    operator = an_operator(api, clock, election=election, about=About("stage", "1.2.3"))
    example_operator.install(operator)
    before = told(operator)["leader"]
    manager = operator.manager()
    run = asyncio.create_task(manager.run())
    await clock.sleep(5)
    after = told(operator)
    manager.stop()
    await run

    assert (before["is_leader"], before["holder"], before["valid_for"]) == (False, "", 0)
    assert (after["leader"]["identity"], after["leader"]["holder"]) == ("me", "me")
    assert after["leader"]["lease"] == "system/operator"
    assert 0 < after["leader"]["valid_for"] <= 10
    assert (after["name"], after["version"]) == ("stage", "1.2.3")
    assert after["time"] == "2026-01-01T00:00:05Z"
    assert after["started"] == "2026-01-01T00:00:00Z"


async def test_without_election_nobody_leads(clock: VirtualClock) -> None:
    async with OwnedStage(clock).running() as operator:
        assert told(operator)["leader"] is None


async def test_parts_that_describe_themselves_are_told_and_tasks_are_counted(
    clock: VirtualClock,
) -> None:
    async with OwnedStage(clock).running() as operator:
        operator.describe("musicians", lambda: {"playing": 3})
        state = told(operator)

    assert state["parts"]["musicians"] == {"playing": 3}
    assert state["parts"]["event loop"] == {"latest": 0, "worst": 0}
    assert {"outcomes", "events"} <= state["parts"].keys()
    assert state["tasks"] > 5
