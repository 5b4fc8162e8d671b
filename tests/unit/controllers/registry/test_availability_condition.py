"""What a status tells of drains and of autoscaling."""

from typing import Any

import pytest

from controllers.registry.availability_condition import refusal, told
from controllers.registry.inputs import RegistryInputs
from controllers.registry.status import conditions
from registry_operator.runtime.conditions import Condition
from registry_operator.testing.builders import (
    EMPTY_DIR,
    S3,
    a_deployment,
    a_registry,
    an_object,
    owned_metadata,
)
from tests.unit.controllers.registry.snapshots import holding, serving

BOUNDS = {"minReplicas": 2, "maxReplicas": 5}
KEYS = holding(accessKey="A", secretKey="B")


def world(
    *, active: dict[str, Any] | None = None, made: bool = True, runs: int = 2, **spec: Any
) -> RegistryInputs:
    """A Registry whose autoscaler says of itself what `active` says."""
    registry = a_registry(**{"storage": S3, **spec})
    status = {"conditions": [{"type": "AbleToScale", "status": "True"}]}
    if active is not None:
        status["conditions"].append({"type": "ScalingActive", **active})
    found = an_object({"metadata": owned_metadata(registry), "status": status}) if made else None
    bare = serving(registry, credentials=KEYS)
    deployment = a_deployment(
        registry, replicas=runs, config=getattr(bare.configuration, "secret_name", "x")
    )
    return serving(registry, autoscaler=found, deployment=an_object(deployment), credentials=KEYS)


def one(type_: str, inputs: RegistryInputs) -> Condition:
    (found,) = (condition for condition in told(inputs) if condition.type == type_)
    return found


def said(type_: str, **given: Any) -> tuple[str, str]:
    found = one(type_, world(**given))
    return found.status, found.reason


def test_nothing_is_told_where_nothing_is_asked_for() -> None:
    assert told(world()) == []
    assert told(world(replicas=3)) == []


def test_a_budget_is_in_force_or_not_needed() -> None:
    budget = {"disruptionBudget": {"minAvailable": 1}}

    assert said("DisruptionBudgetValid", replicas=2, **budget) == ("True", "BudgetInForce")
    assert said("DisruptionBudgetValid", replicas=1, **budget) == ("True", "BudgetNotNeeded")


@pytest.mark.parametrize(
    ("spec", "ways"),
    [
        (
            {"replicas": 3, "disruptionBudget": {"minAvailable": 3}},
            ["minAvailable is 3", "as few as 3", "set minAvailable to 2 or less"],
        ),
        (
            {"replicas": 3, "disruptionBudget": {"maxUnavailable": "0%"}},
            ["maxUnavailable is 0%", "use maxUnavailable: 1"],
        ),
        (
            {"autoscaling": {"maxReplicas": 5}, "disruptionBudget": {"minAvailable": "50%"}},
            ["minAvailable is 50%", "as few as 1", "raise spec.autoscaling.minReplicas"],
        ),
    ],
)
def test_a_budget_that_blocks_drains_says_what_to_change(
    spec: dict[str, Any], ways: list[str]
) -> None:
    found = one("DisruptionBudgetValid", world(**spec))

    assert (found.status, found.reason) == ("False", "BudgetBlocksDrains")
    for way in ways:
        assert way in found.message


def test_a_budget_that_is_not_kept_to_keeps_the_registry_from_being_ready() -> None:
    inputs = world(runs=3, replicas=3, disruptionBudget={"minAvailable": 3})
    found = {condition.type: condition for condition in conditions(inputs, {})}

    assert (found["Ready"].status, found["Ready"].reason) == ("False", "BudgetBlocksDrains")
    assert found["Stalled"].reason == "BudgetBlocksDrains"
    assert found["Available"].status == "True"


def test_a_budget_that_is_turned_off_is_never_refused() -> None:
    wanted = world(replicas=2, disruptionBudget={"enabled": False, "minAvailable": 2}).wanted

    assert refusal(wanted) is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"active": {"status": "True"}}, ("True", "Autoscaling")),
        ({"active": None}, ("Unknown", "AutoscalerStarting")),
        ({"made": False}, ("Unknown", "AutoscalerStarting")),
        ({"storage": EMPTY_DIR}, ("False", "AutoscalerStarting")),
        ({"replicas": 0, "runs": 0}, ("False", "ScaledToZero")),
        ({"runs": 0}, ("False", "ScaledToZero")),
        ({"active": {"status": "False", "message": "no metrics"}}, ("False", "MetricsUnavailable")),
    ],
)
def test_autoscaling_is_told_as_its_controller_sees_it(
    given: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert said("AutoscalingActive", autoscaling=BOUNDS, **given) == expected


def test_metrics_that_cannot_be_read_are_told_with_the_cure_and_the_registry_stays_ready() -> None:
    inputs = world(active={"status": "False", "message": "no metrics"}, autoscaling=BOUNDS)
    found = one("AutoscalingActive", inputs)
    ready = conditions(inputs, {})[0]

    assert "no metrics" in found.message
    assert "metrics-server" in found.message
    assert (ready.type, ready.status) == ("Ready", "True")


def test_an_autoscaled_registry_is_ready_with_whatever_number_the_autoscaler_says() -> None:
    for runs in (2, 4):
        ready = conditions(world(runs=runs, autoscaling=BOUNDS), {})[0]
        assert (ready.status, ready.reason) == ("True", "Ready")


def test_a_deployment_that_was_scaled_to_nothing_is_told_so() -> None:
    inputs = world(runs=0, autoscaling=BOUNDS)
    found = {condition.type: condition for condition in conditions(inputs, {})}

    assert (found["Ready"].status, found["Ready"].reason) == ("True", "ScaledToZero")
    assert "the Deployment was scaled to 0" in found["Ready"].message
