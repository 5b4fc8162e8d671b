"""Whoever is told of decisions hears of each in the step that it is made in, and when it is done."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from registry_operator.kube.errors import TransportError
from registry_operator.runtime.intent import Body
from registry_operator.runtime.outcome import Blocked
from registry_operator.testing.virtual_loop import VirtualClock
from tests.example_operator import Snapshot
from tests.unit.runtime.owned_stage import OwnedStage, writes_children


class Neighbours:
    """What an owner was heard to intend, and whether that is under way."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @contextmanager
    def hear(self, _snapshot: Snapshot, bodies: Sequence[Body]) -> Iterator[None]:
        self.heard.append(f"intends {[body['metadata']['name'] for body in bodies]}")
        try:
            yield
        except BaseException as error:
            self.heard.append(type(error).__name__)
            raise
        self.heard.append("done")


async def test_what_is_decided_is_told_before_and_after_it_is_done(clock: VirtualClock) -> None:
    neighbours = Neighbours()
    stage = OwnedStage(clock, announced=neighbours.hear)
    stage.greet("ann")
    stage.api.faults.plan(writes_children, TransportError("cut", sent=True))
    stage.api.faults.plan(writes_children, delay=30.0)
    async with stage.running():
        assert neighbours.heard == [
            "intends ['hi-ann']", "TransportError", "intends ['hi-ann']",
        ]  # fmt: skip
        await stage.settle(60)
        assert neighbours.heard[3] == "done"


async def test_that_nothing_can_be_done_is_told_too(clock: VirtualClock) -> None:
    neighbours = Neighbours()
    stage = OwnedStage(
        clock, announced=neighbours.hear, desired=lambda _snapshot: Blocked("NotYet", "wait")
    )
    stage.greet("ann")
    async with stage.running():
        assert neighbours.heard == ["intends []", "done"]
