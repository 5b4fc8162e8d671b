"""An orderly stop before a slow API server: every run ends or is abandoned in time, nothing is lost."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from registry_operator.kube.client import Client
from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.lease import LEASES, Election
from registry_operator.runtime.manager import Manager, StopError
from registry_operator.runtime.operator import Operator, Settings
from registry_operator.runtime.recorder import EVENTS
from registry_operator.testing.fake_api import FakeApi
from registry_operator.testing.virtual_loop import VirtualClock
from tests import example_operator
from tests.example_operator import CONFIG_MAP, GREETING
from tests.operator_stage import LOCAL

OWNERS = ("ann", "ben", "cid")
NAMES = ("x", "y")
# Seconds that each write of a child takes.
SLOW = 8.0


class StoppingStage:
    """Three owners of two children each, and as many processes as a test starts."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.api = FakeApi([GREETING, CONFIG_MAP, LEASES, EVENTS], clock=clock)
        for name in OWNERS:
            body = {"metadata": {"namespace": "ns", "name": name}, "spec": {"names": [*NAMES]}}
            self.api.put(GREETING, body)

    def process(self, identity: str, *, grace: float) -> Manager:
        settings = Settings(
            name="stage",
            metrics=LOCAL,
            probes=LOCAL,
            election=Election(identity, "system", "operator"),
            grace=grace,
        )
        operator = Operator(Client(self.api), settings, clock=self.clock, rng=random.Random(7))
        example_operator.install(operator)
        return operator.manager()

    def slow_down(self) -> None:
        def writes_a_child(request: Request) -> bool:
            return request.method == "PATCH" and "/configmaps/" in request.path

        self.api.faults.plan(writes_a_child, times=None, delay=SLOW)

    @property
    def children(self) -> set[str]:
        return {body["metadata"]["name"] for body in self.api.objects(CONFIG_MAP)}

    @property
    def holder(self) -> str:
        lease = self.api.get(LEASES, ObjectKey("system", "operator"))
        assert lease is not None
        holder: str = lease["spec"]["holderIdentity"]
        return holder


ALL = {f"{owner}-{name}" for owner in OWNERS for name in NAMES}


@pytest.fixture
async def stage(clock: VirtualClock) -> StoppingStage:
    return StoppingStage(clock)


@contextmanager
def told() -> Iterator[list[Any]]:
    with capture_logs([structlog.contextvars.merge_contextvars]) as logs:
        yield logs


async def test_runs_that_end_within_the_grace_are_finished(stage: StoppingStage) -> None:
    stage.slow_down()
    manager = stage.process("a", grace=30)
    with told() as logs:
        run = asyncio.create_task(manager.run())
        await stage.clock.sleep(3)
        assert stage.children == set()
        manager.stop()
        await run

    assert stage.children == ALL
    events = [line["event"] for line in logs]
    assert "all work has ended" in events
    assert "reconcile abandoned" not in events
    assert stage.clock.monotonic() < 3 + 2 * SLOW + 1
    assert stage.holder == ""


async def test_runs_that_do_not_are_abandoned_by_name_and_done_by_the_next_process(
    stage: StoppingStage,
) -> None:
    stage.slow_down()
    manager = stage.process("a", grace=10)
    with told() as logs:
        run = asyncio.create_task(manager.run())
        await stage.clock.sleep(3)
        manager.stop()
        with pytest.raises(StopError, match="config-map"):
            await run
        stopped_at = stage.clock.monotonic()

    abandoned = {line["key"] for line in logs if line["event"] == "reconcile abandoned"}
    assert abandoned == {f"ns/{name}" for name in OWNERS}
    assert stopped_at == pytest.approx(3 + 10, abs=0.1)
    assert stage.holder == ""
    made_before = stage.children
    assert made_before < ALL

    stage.api.faults.clear()
    stage.api.requests.clear()
    follower = stage.process("b", grace=10)
    run = asyncio.create_task(follower.run())
    await stage.clock.sleep(5)
    follower.stop()
    await run

    assert stage.children == ALL
    written = [request.path.rpartition("/")[2] for request in stage.api.writes()]
    assert {name for name in written if name in ALL} == ALL - made_before


async def test_what_waits_in_the_queue_is_left_to_the_next_process(stage: StoppingStage) -> None:
    stage.slow_down()
    manager = stage.process("a", grace=30)
    run = asyncio.create_task(manager.run())
    await stage.clock.sleep(3)
    manager.stop()
    late = {"metadata": {"namespace": "ns", "name": "dan"}, "spec": {"names": ["z"]}}
    stage.api.put(GREETING, late)
    await run
    assert stage.children == ALL

    follower = stage.process("b", grace=30)
    run = asyncio.create_task(follower.run())
    await stage.clock.sleep(SLOW + 5)
    follower.stop()
    await run

    assert stage.children == ALL | {"dan-z"}
