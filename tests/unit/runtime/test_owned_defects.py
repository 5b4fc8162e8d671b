"""A defect of the domain: told on the board, retried, and survived."""

from registry_operator.runtime.outcome import Done
from registry_operator.runtime.owned import Desired
from registry_operator.testing.virtual_loop import VirtualClock
from tests.example_operator import Snapshot
from tests.unit.runtime.owned_stage import OWNER, OwnedStage, reason_of


async def test_a_decision_that_fails_is_told_until_it_succeeds(clock: VirtualClock) -> None:
    broken = True

    def desired(_inputs: Snapshot) -> Desired:
        if broken:
            raise ZeroDivisionError
        return ()

    stage = OwnedStage(clock, desired=desired)
    stage.greet("ann")
    async with stage.running() as operator:
        told = operator.outcomes.of(OWNER)["config-map"].outcome
        broken = False
        await clock.sleep(2000)
        healed = operator.outcomes.of(OWNER)["config-map"].outcome

    assert reason_of(told) == "InternalError"
    assert healed == Done()
