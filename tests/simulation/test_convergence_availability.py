"""The whole operator with several pods: drains are bounded, and an autoscaler is not fought."""

from typing import Any

import pytest

from controllers.kinds import AUTOSCALER, DEPLOYMENT, POD_DISRUPTION_BUDGET, SECRET
from registry_operator.kube.resource import ObjectKey
from registry_operator.testing.builders import CLAIM, EMPTY_DIR, NAMESPACE, S3, a_secret
from registry_operator.testing.fake_api import Change
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry_stage import RegistryStage

pytestmark = pytest.mark.virtual

KEY = ObjectKey(NAMESPACE, "images")
BOUNDS = {"minReplicas": 2, "maxReplicas": 6}


@pytest.fixture
def stage(clock: VirtualClock) -> RegistryStage:
    return RegistryStage(clock)


def create(stage: RegistryStage, **fields: Any) -> None:
    """A Registry whose bucket can be used."""
    stage.api.put(SECRET, a_secret("s3-keys", {"accessKey": "A", "secretKey": "do-not-tell"}))
    stage.create(**fields)


def scale(stage: RegistryStage, number: int) -> None:
    """As an autoscaler or a user does it: an update of the Deployment."""
    stage.api.change(DEPLOYMENT, KEY, lambda body: body["spec"].update(replicas=number))


def replicas(stage: RegistryStage) -> int:
    number: int = stage.one(DEPLOYMENT)["spec"]["replicas"]
    return number


def follow(stage: RegistryStage) -> list[int]:
    """Every number of pods that the Deployment is told from now on."""
    seen: list[int] = []

    def see(change: Change) -> None:
        is_his = change.resource == DEPLOYMENT and change.new["metadata"]["name"] == KEY.name
        if is_his and change.kind != "DELETED":
            number = change.new["spec"]["replicas"]
            if not seen or seen[-1] != number:
                seen.append(number)

    stage.api.subscribe(see)
    return seen


def bound(stage: RegistryStage) -> dict[str, Any]:
    spec = stage.one(POD_DISRUPTION_BUDGET)["spec"]
    return {name: spec[name] for name in ("minAvailable", "maxUnavailable") if name in spec}


async def test_a_budget_comes_and_goes_with_the_second_pod(stage: RegistryStage) -> None:
    async with stage.running():
        create(stage, storage=S3)
        await stage.settle()
        assert stage.names(POD_DISRUPTION_BUDGET) == []

        stage.change(lambda spec: spec.update(replicas=3))
        await stage.settle()
        assert bound(stage) == {"maxUnavailable": 1}

        stage.change(lambda spec: spec.update(replicas=1))
        await stage.settle()
        assert stage.names(POD_DISRUPTION_BUDGET) == []
        assert stage.told() == ("True", "Ready")


async def test_a_budget_that_scaling_down_makes_block_lets_go_and_is_told(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        create(stage, storage=S3, replicas=5, disruptionBudget={"minAvailable": 3})
        await stage.settle()
        assert bound(stage) == {"minAvailable": 3}
        assert stage.told("DisruptionBudgetValid") == ("True", "BudgetInForce")

        stage.change(lambda spec: spec.update(replicas=3))
        await stage.settle()
        assert bound(stage) == {"maxUnavailable": 1}
        assert stage.told() == ("False", "BudgetBlocksDrains")
        assert stage.told("Available") == ("True", "Serving")
        assert replicas(stage) == 3

        stage.change(lambda spec: spec.update(disruptionBudget={"minAvailable": 2}))
        await stage.settle()
        assert bound(stage) == {"minAvailable": 2}
        assert stage.told() == ("True", "Ready")


async def test_an_autoscaler_has_the_say_from_its_first_step_on(stage: RegistryStage) -> None:
    async with stage.running():
        create(stage, storage=S3, autoscaling=BOUNDS)
        await stage.settle()
        assert replicas(stage) == 2
        assert stage.one(AUTOSCALER)["spec"]["scaleTargetRef"]["name"] == "images"

        seen = follow(stage)
        for number in (5, 6, 2, 3):
            scale(stage, number)
            await stage.settle()
            assert stage.told() == ("True", "Ready")
            assert stage.status()["replicas"] == number

    assert seen == [5, 6, 2, 3]


async def test_a_step_of_an_autoscaler_costs_one_write_the_first_time_and_none_later(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        create(stage, storage=S3, autoscaling=BOUNDS)
        await stage.settle()
        counts = []
        for number in (3, 4, 5):
            stage.new_writes()
            scale(stage, number)
            await stage.settle()
            writes = (one.path for one in stage.new_writes())
            counts.append(len([path for path in writes if not path.endswith("/status")]))

    assert counts == [1, 0, 0]


async def test_pods_stay_when_an_autoscaler_takes_over_and_through_later_changes(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        create(stage, storage=S3, replicas=4)
        await stage.settle()
        seen = follow(stage)
        stage.change(lambda spec: spec.update(autoscaling=BOUNDS))
        await stage.settle()
        stage.change(lambda spec: spec.update(image="registry:3.1.1"))
        await stage.settle()
        scale(stage, 5)
        await stage.settle()
        stage.change(lambda spec: spec.update(image="registry:3.1.2"))
        await stage.settle()
        assert stage.told() == ("True", "Ready")

    assert seen == [4, 5]


async def test_a_restart_leaves_the_number_to_the_autoscaler(stage: RegistryStage) -> None:
    async with stage.running():
        create(stage, storage=S3, autoscaling=BOUNDS)
        await stage.settle()
        scale(stage, 5)
        await stage.settle()
    scale(stage, 4)
    async with stage.running():
        stage.new_writes()
        await stage.settle()
        assert replicas(stage) == 4
        assert [w.path for w in stage.new_writes() if "deployments" in w.path] == []


async def test_a_step_that_was_taken_while_no_operator_ran_is_kept(stage: RegistryStage) -> None:
    async with stage.running():
        create(stage, storage=S3, autoscaling=BOUNDS)
        await stage.settle()
    scale(stage, 6)
    async with stage.running():
        await stage.settle()
        assert replicas(stage) == 6
        assert stage.told() == ("True", "Ready")


async def test_scaling_does_not_roll_the_pods(stage: RegistryStage) -> None:
    async with stage.running():
        create(stage, storage=S3, autoscaling=BOUNDS)
        await stage.settle()
        before = stage.one(DEPLOYMENT)["spec"]["template"]
        scale(stage, 6)
        await stage.settle()
        assert stage.one(DEPLOYMENT)["spec"]["template"] == before


async def test_replicas_0_turn_it_off_and_any_other_number_on_again(stage: RegistryStage) -> None:
    async with stage.running():
        create(stage, storage=S3, autoscaling=BOUNDS)
        await stage.settle()
        scale(stage, 5)
        await stage.settle()

        stage.change(lambda spec: spec.update(replicas=0))
        await stage.settle()
        assert replicas(stage) == 0
        assert stage.names(AUTOSCALER) == stage.names(POD_DISRUPTION_BUDGET) == []
        assert stage.told() == ("True", "ScaledToZero")

        stage.change(lambda spec: spec.update(replicas=9))
        await stage.settle()
        assert replicas(stage) == 2
        assert stage.names(AUTOSCALER) == ["images"]
        assert stage.told() == ("True", "Ready")


async def test_without_autoscaling_the_specification_has_the_say_again(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        create(stage, storage=S3, autoscaling=BOUNDS, replicas=3)
        await stage.settle()
        scale(stage, 6)
        await stage.settle()
        stage.change(lambda spec: spec.pop("autoscaling"))
        await stage.settle()
        assert stage.names(AUTOSCALER) == []
        assert replicas(stage) == 3

        scale(stage, 6)
        await stage.settle()
        assert replicas(stage) == 3


@pytest.mark.parametrize("storage", [EMPTY_DIR, CLAIM])
async def test_storage_that_pods_do_not_share_is_not_scaled(
    stage: RegistryStage, storage: Any
) -> None:
    async with stage.running():
        create(stage, storage=storage, autoscaling=BOUNDS)
        await stage.settle()
        assert stage.told() == ("False", "ReplicasNeedSharedStorage")
        assert "maxReplicas" in stage.message()
        assert stage.names(AUTOSCALER) == []


async def test_an_autoscaler_is_gone_before_its_deployment_comes_to_have_one_writer(
    stage: RegistryStage,
) -> None:
    block = CLAIM["persistentVolumeClaimTemplate"] | {"accessModes": ["ReadWriteMany"]}
    claim = {"persistentVolumeClaimTemplate": block}
    beside: list[list[str]] = []

    def see(change: Change) -> None:
        if change.resource == DEPLOYMENT and change.new["spec"]["strategy"]["type"] == "Recreate":
            beside.append(stage.names(AUTOSCALER))

    async with stage.running():
        create(stage, storage={**claim, "shareVolume": True}, autoscaling=BOUNDS)
        await stage.settle(30)
        scale(stage, 4)
        await stage.settle()
        assert stage.told() == ("True", "Ready")
        stage.api.subscribe(see)
        stage.change(lambda spec: spec.update(storage=claim, autoscaling=None))
        await stage.settle()
        assert replicas(stage) == 1

    assert beside
    assert not any(beside)


async def test_a_template_gives_autoscaling_and_a_registry_gives_it_up(
    stage: RegistryStage,
) -> None:
    stage.create_template(storage=S3, autoscaling=BOUNDS)
    async with stage.running():
        create(stage, template="base", storage=None, autoscaling={"maxReplicas": 3})
        await stage.settle()
        spec = stage.one(AUTOSCALER)["spec"]
        assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 3)

        stage.change(lambda spec: spec.update(autoscaling=None, replicas=4))
        await stage.settle()
        assert stage.names(AUTOSCALER) == []
        assert replicas(stage) == 4


async def test_bounds_that_only_the_merge_puts_out_of_order_are_told(
    stage: RegistryStage,
) -> None:
    stage.create_template(storage=S3, autoscaling={"minReplicas": 4, "maxReplicas": 6})
    async with stage.running():
        create(stage, template="base", storage=None, autoscaling={"maxReplicas": 3})
        await stage.settle()
        assert stage.told() == ("False", "TemplateInvalid")
        assert "spec.autoscaling.minReplicas" in stage.message()


async def test_the_autoscalers_own_word_is_in_the_status(stage: RegistryStage) -> None:
    async with stage.running():
        create(stage, storage=S3, autoscaling=BOUNDS)
        await stage.settle()
        assert stage.told("AutoscalingActive") == ("Unknown", "AutoscalerStarting")

        told = {"type": "ScalingActive", "status": "False", "reason": "X", "message": "no metrics"}
        stage.api.set_status(AUTOSCALER, KEY, {"conditions": [told]})
        await stage.settle(10)
        assert stage.told("AutoscalingActive") == ("False", "MetricsUnavailable")
        assert stage.told() == ("True", "Ready")

        stage.api.set_status(AUTOSCALER, KEY, {"conditions": [{**told, "status": "True"}]})
        await stage.settle(10)
        assert stage.told("AutoscalingActive") == ("True", "Autoscaling")


async def test_an_autoscaler_or_a_budget_that_is_deleted_or_bent_is_put_right(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        create(stage, storage=S3, autoscaling=BOUNDS)
        await stage.settle()
        for resource in (AUTOSCALER, POD_DISRUPTION_BUDGET):
            stage.api.delete(resource, KEY)
        await stage.settle()
        stage.api.change(AUTOSCALER, KEY, lambda body: body["spec"].update(maxReplicas=50))
        stage.api.change(
            POD_DISRUPTION_BUDGET, KEY, lambda body: body["spec"].update(maxUnavailable=0)
        )
        await stage.settle()

        assert stage.one(AUTOSCALER)["spec"]["maxReplicas"] == 6
        assert bound(stage) == {"maxUnavailable": 1}
