"""A second operator on the same runtime, whole: what design.md section 4 promises any owned kind."""

import inspect
from typing import Any

import pytest

from registry_operator.kube.resource import ObjectKey
from registry_operator.testing.virtual_loop import VirtualClock
from tests import example_operator
from tests.example_operator import CONFIG_MAP, GREETING
from tests.operator_stage import OperatorStage

KEY = ObjectKey("ns", "hi")


@pytest.fixture
def stage(clock: VirtualClock) -> OperatorStage:
    return OperatorStage(clock, [GREETING, CONFIG_MAP], example_operator.install)


def a_greeting(*names: str) -> dict[str, Any]:
    return {
        "apiVersion": GREETING.api_version,
        "kind": "Greeting",
        "metadata": {"namespace": "ns", "name": "hi"},
        "spec": {"names": [*names]},
    }


def names(stage: OperatorStage) -> list[str]:
    return [body["metadata"]["name"] for body in stage.api.objects(CONFIG_MAP)]


async def test_children_follow_the_owner_as_it_comes_changes_and_goes(stage: OperatorStage) -> None:
    async with stage.running():
        stage.api.put(GREETING, a_greeting("ann", "bob"))
        await stage.settle()
        assert names(stage) == ["hi-ann", "hi-bob"]
        assert stage.get(CONFIG_MAP, "ns", "hi-ann")["data"] == {"text": "Hello, ann!"}

        stage.api.put(GREETING, a_greeting("bob", "cyd"))
        await stage.settle()
        assert names(stage) == ["hi-bob", "hi-cyd"]

        stage.api.delete(GREETING, KEY)
        await stage.settle()
        assert names(stage) == []


async def test_drift_is_repaired_and_a_lost_child_made_again(stage: OperatorStage) -> None:
    stage.api.put(GREETING, a_greeting("ann"))
    async with stage.running():
        child = ObjectKey("ns", "hi-ann")
        stage.api.change(CONFIG_MAP, child, lambda body: body["data"].update(text="Bye"))
        await stage.settle()
        assert stage.get(CONFIG_MAP, "ns", "hi-ann")["data"]["text"] == "Hello, ann!"

        stage.api.delete(CONFIG_MAP, child)
        await stage.settle()
        assert stage.get(CONFIG_MAP, "ns", "hi-ann")["data"]["text"] == "Hello, ann!"


async def test_a_restart_writes_nothing(stage: OperatorStage) -> None:
    stage.api.put(GREETING, a_greeting("ann", "bob"))
    async with stage.running():
        assert len(stage.new_writes()) == 2
    async with stage.running():
        await stage.settle(3600)
    assert stage.new_writes() == []


def test_the_operator_is_small() -> None:
    """Code below the imports and constants, as a developer would count it."""
    lines = inspect.getsource(example_operator).splitlines()
    code = [line for line in lines if line.strip() and not line.startswith(("from ", "import "))]

    assert len(code) < 60
