"""The whole operator while pods are changed: the story that Events tell of it."""

import pytest

from controllers.kinds import SECRET
from registry_operator.runtime.recorder import EVENTS
from registry_operator.testing.builders import S3, a_secret
from registry_operator.testing.virtual_loop import VirtualClock
from tests.simulation.changing import KEYS, NEW, OLD, fails, half_made, phase, started, to
from tests.unit.controllers.registry_stage import RegistryStage

pytestmark = pytest.mark.virtual


@pytest.fixture
def stage(clock: VirtualClock) -> RegistryStage:
    return RegistryStage(clock)


def story(stage: RegistryStage) -> list[tuple[str, str]]:
    """Reason and note of every Event of a change; none has happened more than once."""
    told = [one for one in stage.api.objects(EVENTS) if ": from " in one["note"]]
    assert all("series" not in one for one in told)
    told.sort(key=lambda one: str(one["eventTime"]))
    return [(one["reason"], one["note"]) for one in told]


async def test_events_tell_each_turn_of_a_change_with_from_and_to(stage: RegistryStage) -> None:
    stage.api.put(SECRET, a_secret("s3-keys", KEYS))
    async with stage.running():
        await started(stage, replicas=3, storage=S3)
        to(stage, NEW)
        await stage.settle(120)
        told = story(stage)

        assert [reason for reason, _ in told] == ["CanaryRunning", "RollingOut", "Upgraded"]
        assert all(f"from {OLD} to {NEW} (" in note for _, note in told)
        assert not any(reason == "Ready" for _, reason, _ in stage.events()[2:])


async def test_events_tell_that_a_change_failed_why_and_what_to_do(stage: RegistryStage) -> None:
    async with stage.running():
        await half_made(stage)
        await stage.settle(90)
        to(stage, OLD)
        await stage.settle(30)
        told = story(stage)

        assert [reason for reason, _ in told] == [
            *("RollingOut", "RollingBack", "UpgradeFailed", "UpgradeWithdrawn")
        ]
        assert f"from {OLD} to {NEW}" in told[2][1]
        assert "correct the specification" in told[2][1]


async def test_other_processes_go_on_with_the_story_and_tell_nothing_twice(
    stage: RegistryStage,
) -> None:
    stage.api.put(SECRET, a_secret("s3-keys", KEYS))
    async with stage.running():
        await started(stage, replicas=3, storage=S3)
        fails(stage, OLD, NEW)
        to(stage, NEW)
        await stage.settle(1)
        assert [reason for reason, _ in story(stage)] == ["CanaryRunning"]
    async with stage.running():
        fails(stage, "none")
        for _ in range(60):
            await stage.settle(1)
            if phase(stage) != "Canary":
                break
        assert phase(stage) == "Rolling"
    async with stage.running():
        await stage.settle(120)
        assert stage.told() == ("True", "Ready")
        assert [reason for reason, _ in story(stage)] == ["CanaryRunning", "RollingOut", "Upgraded"]
