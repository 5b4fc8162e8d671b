"""The whole operator while pods are changed: a canary tries, all follow, or none does."""

import pytest

from controllers.kinds import DEPLOYMENT, POD, REPLICA_SET, SECRET, SERVICE
from registry_operator.api.upgrade import ABORT, RETRY
from registry_operator.testing.builders import NAMESPACE, S3, a_secret
from registry_operator.testing.virtual_loop import VirtualClock
from tests.simulation.changing import (
    KEYS,
    NEW,
    OLD,
    annotate,
    assert_made,
    fails,
    half_made,
    ill,
    image_of,
    phase,
    running,
    started,
    to,
)
from tests.unit.controllers.registry_stage import UNREACHABLE, RegistryStage

pytestmark = pytest.mark.virtual


@pytest.fixture
def stage(clock: VirtualClock) -> RegistryStage:
    return RegistryStage(clock)


async def test_a_canary_tries_a_change_that_all_pods_make_then(stage: RegistryStage) -> None:
    async with stage.running():
        await started(stage)
        to(stage, NEW)
        await stage.settle(1)
        assert stage.names(DEPLOYMENT) == ["images", "images-canary"]
        assert image_of(stage) == OLD
        assert running(stage.get(DEPLOYMENT, NAMESPACE, "images-canary")) == NEW
        await stage.settle(30)

        assert stage.told() == ("True", "Ready")
        assert stage.names(DEPLOYMENT) == ["images"]
        assert image_of(stage) == stage.status()["image"] == NEW
        assert phase(stage) is None
        assert len(stage.checked) == 2


async def test_the_service_sends_nobody_to_a_canary(stage: RegistryStage) -> None:
    async with stage.running():
        await started(stage)
        to(stage, NEW)
        await stage.settle(1)
        canary = next(pod for pod in stage.api.objects(POD) if running(pod) == NEW)
        selector = stage.one(SERVICE)["spec"]["selector"]
        assert not selector.items() <= canary["metadata"]["labels"].items()


async def test_a_change_costs_four_writes_besides_the_status(stage: RegistryStage) -> None:
    async with stage.running():
        await started(stage)
        to(stage, NEW)
        await stage.settle(60)
        writes = [one for one in stage.new_writes() if "deployments" in one.path]

        assert len(writes) == 4
        await stage.settle(3600)
        assert stage.new_writes() == []


@pytest.mark.parametrize("how", ["a failed check", "a crash", "a deadline"])
async def test_a_change_that_fails_before_a_client_met_it_is_not_made(
    stage: RegistryStage, how: str
) -> None:
    async with stage.running():
        await started(stage, upgrade={"progressDeadlineSeconds": 30})
        if how == "a failed check":
            fails(stage, NEW)
        elif how == "a crash":
            ill(stage, NEW)
            stage.cluster.deployments.ends = lambda pod: 3 if running(pod) == NEW else 0
        else:
            ill(stage, NEW)
        before = image_of(stage)
        to(stage, NEW)
        await stage.settle(60)

        assert image_of(stage) == before
        assert stage.names(DEPLOYMENT) == ["images"]
        assert phase(stage) == "RolledBack"
        assert stage.told() == ("False", "UpgradeFailed")
        assert stage.told("Stalled") == ("True", "UpgradeFailed")
        assert stage.told("Available") == ("True", "Serving")
        assert stage.status()["image"] == OLD
        assert {request.path for request in stage.new_writes()} != set()
        await stage.settle(3600)
        assert stage.new_writes() == []


async def test_what_failed_is_tried_again_once_the_user_says_so(stage: RegistryStage) -> None:
    async with stage.running():
        await started(stage)
        fails(stage, NEW)
        to(stage, NEW)
        await stage.settle(60)
        fails(stage, "none")
        await stage.settle(600)
        assert phase(stage) == "RolledBack"

        annotate(stage, RETRY, "now")
        await assert_made(stage)


async def test_what_failed_is_not_tried_again_by_another_process(stage: RegistryStage) -> None:
    async with stage.running():
        await started(stage)
        fails(stage, NEW)
        to(stage, NEW)
        await stage.settle(60)
    fails(stage, "none")
    stage.new_writes()
    async with stage.running():
        await stage.settle(600)

        assert phase(stage) == "RolledBack"
        assert stage.new_writes() == []


async def test_another_change_is_tried_and_what_failed_forgotten(stage: RegistryStage) -> None:
    async with stage.running():
        await started(stage)
        fails(stage, NEW)
        to(stage, NEW)
        await stage.settle(60)
        to(stage, OLD)
        await stage.settle(60)
        assert stage.told() == ("True", "Ready")
        assert "upgrade" not in stage.status()

        fails(stage, "none")
        to(stage, NEW)
        await assert_made(stage)


async def test_pods_that_fail_while_they_are_replaced_are_taken_back(stage: RegistryStage) -> None:
    async with stage.running():
        await half_made(stage)
        assert image_of(stage) == NEW
        assert phase(stage) == "Rolling"
        await stage.settle(90)

        assert image_of(stage) == OLD
        assert phase(stage) == "RolledBack"
        assert [running(pod) for pod in stage.api.objects(POD)] == [OLD]
        assert len(stage.names(REPLICA_SET)) == 2


async def test_without_rollback_they_are_left_and_it_is_told(stage: RegistryStage) -> None:
    async with stage.running():
        await half_made(stage, rollback=False)
        await stage.settle(90)

        assert image_of(stage) == NEW
        assert "rollback is false" in stage.message("Progressing")
        assert stage.told("Available") == ("True", "Serving")


async def test_an_operator_that_cannot_reach_pods_takes_the_kubelets_word(
    stage: RegistryStage,
) -> None:
    stage.check = lambda _pod: UNREACHABLE
    async with stage.running():
        await started(stage)
        to(stage, NEW)
        await assert_made(stage)


async def test_a_change_is_not_blamed_for_a_store_that_is_down(stage: RegistryStage) -> None:
    async with stage.running():
        await started(stage)
        fails(stage, OLD, NEW)
        to(stage, NEW)
        await stage.settle(600)
        assert phase(stage) == "Canary"
        assert "the pods that serve fail the same check" in stage.message("Progressing")

        fails(stage, "none")
        await assert_made(stage)


async def test_a_pause_holds_the_change_back_and_a_scale_goes_through(
    stage: RegistryStage,
) -> None:
    stage.api.put(SECRET, a_secret("s3-keys", KEYS))
    async with stage.running():
        await started(stage, storage=S3, upgrade={"paused": True})
        to(stage, NEW)
        stage.change(lambda spec: spec.update(replicas=3))
        await stage.settle(60)
        assert image_of(stage) == OLD
        assert stage.told() == ("False", "UpgradePaused")
        assert stage.status()["readyReplicas"] == 3

        stage.change(lambda spec: spec["upgrade"].update(paused=False))
        await assert_made(stage)


async def test_a_pause_stops_a_roll_out_where_it_is(stage: RegistryStage) -> None:
    async with stage.running():
        await half_made(stage)
        stage.change(lambda spec: spec["upgrade"].update(paused=True))
        await stage.settle(30)
        assert stage.one(DEPLOYMENT)["spec"]["paused"] is True
        assert phase(stage) == "Paused"

        stage.cluster.is_well = lambda _pod: True
        stage.change(lambda spec: spec["upgrade"].update(paused=False))
        await stage.settle(60)
        assert "paused" not in stage.one(DEPLOYMENT)["spec"]
        assert stage.told() == ("True", "Ready")


async def test_an_aborted_change_goes_back_and_on_again(stage: RegistryStage) -> None:
    async with stage.running():
        await half_made(stage)
        annotate(stage, ABORT, "true")
        await stage.settle(30)
        assert image_of(stage) == OLD
        assert phase(stage) == "Aborted"

        stage.cluster.is_well = lambda _pod: True
        annotate(stage, ABORT, None)
        await assert_made(stage)
