"""The whole operator while pods are changed, and clients are served worse by the new ones."""

from typing import Any

import pytest

from controllers.kinds import POD, SECRET
from registry_operator.api.upgrade import RETRY
from registry_operator.testing.builders import S3, a_secret
from registry_operator.testing.virtual_loop import VirtualClock
from tests.simulation.changing import (
    KEYS,
    NEW,
    OLD,
    annotate,
    assert_made,
    image_of,
    phase,
    running,
    started,
    to,
)
from tests.unit.controllers.registry_stage import RegistryStage

pytestmark = pytest.mark.virtual


@pytest.fixture
def stage(clock: VirtualClock) -> RegistryStage:
    return RegistryStage(clock)


class Clients:
    """They pull ten times in a second, and half of it from pods of either kind.

    `failed` is how many of ten such pulls pods of an image answer with 500.
    """

    def __init__(self, stage: RegistryStage, *, failed: dict[str, int]) -> None:
        self._stage, self._failed = stage, failed
        self._came: dict[str, float] = {}
        stage.counters_of = self._counters

    def _counters(self, pod: dict[str, Any]) -> bytes:
        now = self._stage.clock.monotonic()
        pulls = 5 * int(now - self._came.setdefault(pod["metadata"]["uid"], now))
        failed = pulls * self._failed.get(running(pod), 0) // 10
        name = 'registry_http_requests_total{code="%d",handler="manifest",method="get"} %d\n'
        told = name % (200, pulls - failed) + name % (500, failed)
        return ("# HELP\n" + told).encode()


def with_pods_of_both(stage: RegistryStage) -> None:
    """Only one of the new pods becomes ready, so that old ones serve beside it."""

    def is_well(pod: dict[str, Any]) -> bool:
        number = pod["metadata"]["name"].rpartition("-")[2]
        return running(pod) != NEW or number == "0"

    stage.cluster.is_well = is_well


async def rolled_among(stage: RegistryStage, failed: dict[str, int], **upgrade: Any) -> None:
    """A change is made while clients are served, by pods of both kinds for a minute."""
    stage.api.put(SECRET, a_secret("s3-keys", KEYS))
    await started(stage, storage=S3, replicas=4, upgrade=upgrade)
    Clients(stage, failed=failed)
    with_pods_of_both(stage)
    to(stage, NEW)
    await stage.settle(60)


async def goes_on(stage: RegistryStage) -> None:
    """All new pods become ready."""
    stage.cluster.is_well = lambda _pod: True
    stage.cluster.look_again()
    await stage.settle(60)


async def test_pods_that_stand_their_check_and_fail_their_clients_are_taken_back(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        await rolled_among(stage, {NEW: 5})

        assert image_of(stage) == OLD
        assert phase(stage) == "RolledBack"
        assert stage.told() == ("False", "UpgradeFailed")
        assert "ClientsServedWorse: of " in stage.message()
        assert RETRY in stage.message()
        assert {running(pod) for pod in stage.api.objects(POD)} == {OLD}
        stage.new_writes()
        stage.counted.clear()
        await stage.settle(3600)
        assert (stage.new_writes(), stage.counted) == ([], [])


async def test_what_failed_its_clients_is_not_tried_again_by_another_process(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        await rolled_among(stage, {NEW: 5})
    Clients(stage, failed={})
    stage.new_writes()
    async with stage.running():
        await stage.settle(600)
        assert phase(stage) == "RolledBack"
        assert stage.new_writes() == []

        annotate(stage, RETRY, "now")
        await goes_on(stage)
        assert image_of(stage) == NEW
        assert stage.told() == ("True", "Ready")


@pytest.mark.parametrize("failed", [{}, {OLD: 5}, {OLD: 9, NEW: 9}], ids=str)
async def test_a_change_is_made_that_serves_clients_no_worse(
    stage: RegistryStage, failed: dict[str, int]
) -> None:
    async with stage.running():
        await rolled_among(stage, failed)
        assert phase(stage) == "Rolling"
        assert stage.counted != []
        await goes_on(stage)

        assert image_of(stage) == NEW
        assert stage.told() == ("True", "Ready")
        stage.counted.clear()
        await stage.settle(3600)
        assert stage.counted == []


async def test_a_user_may_have_nothing_compared(stage: RegistryStage) -> None:
    async with stage.running():
        await rolled_among(stage, {NEW: 10}, compareTraffic=False)
        await goes_on(stage)

        assert image_of(stage) == NEW
        assert stage.told() == ("True", "Ready")
        assert stage.counted == []


async def test_without_rollback_worse_service_is_told_until_the_user_says_it_is_meant(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        await rolled_among(stage, {NEW: 10}, rollback=False)
        await goes_on(stage)
        assert image_of(stage) == NEW
        assert phase(stage) == "Rolling"
        assert "ClientsServedWorse" in stage.message("Progressing")

        stage.change(lambda spec: spec["upgrade"].update(compareTraffic=False))
        await assert_made(stage)
