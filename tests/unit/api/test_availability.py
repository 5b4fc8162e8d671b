"""How many pods: budgets and autoscaling as they are written, and as they are merged."""

from typing import Any

import pytest
from pydantic import ValidationError

from registry_operator.api.availability import Autoscaling, DisruptionBudget
from registry_operator.api.effective import effective


@pytest.mark.parametrize("count", [0, 1, 100, "0%", "5%", "50%", "100%"])
def test_a_budget_takes_numbers_and_shares(count: int | str) -> None:
    assert DisruptionBudget.model_validate({"minAvailable": count}).min_available == count


@pytest.mark.parametrize("count", [-1, 101, "101%", "5", "050%", "half", 0.5, True])
def test_a_budget_takes_nothing_else(count: Any) -> None:
    with pytest.raises(ValidationError):
        DisruptionBudget.model_validate({"maxUnavailable": count})


def test_autoscaling_comes_out_as_it_went_in() -> None:
    written = {
        "minReplicas": 2,
        "maxReplicas": 5,
        "targetCPUUtilizationPercentage": 70,
        "targetMemoryUtilizationPercentage": 80,
        "metrics": [{"type": "External", "external": {"anything": {"at": "all"}}}],
        "behavior": {
            "scaleUp": {"policies": [{"type": "Percent", "value": 50, "periodSeconds": 60}]},
            "scaleDown": {"selectPolicy": "Disabled", "tolerance": "0.05"},
        },
    }

    assert Autoscaling.model_validate(written, extra="forbid").wire() == written


def test_without_the_most_there_is_no_autoscaling() -> None:
    with pytest.raises(ValidationError):
        Autoscaling.model_validate({"minReplicas": 2})


def test_autoscaling_is_merged_and_a_budget_is_replaced() -> None:
    template = {
        "autoscaling": {"minReplicas": 2, "maxReplicas": 5},
        "disruptionBudget": {"minAvailable": 1},
    }
    registry = {"autoscaling": {"maxReplicas": 9}, "disruptionBudget": {"maxUnavailable": 2}}
    spec = effective(registry, template).spec

    assert spec is not None
    assert spec.autoscaling == Autoscaling(min_replicas=2, max_replicas=9)
    assert spec.disruption_budget == DisruptionBudget(max_unavailable=2)


def test_null_gives_autoscaling_up() -> None:
    spec = effective({"autoscaling": None}, {"autoscaling": {"maxReplicas": 5}}).spec

    assert spec is not None
    assert spec.autoscaling is None


def test_bounds_that_two_authors_put_out_of_order_are_a_problem_of_both() -> None:
    template = {"autoscaling": {"minReplicas": 4, "maxReplicas": 6}}
    (found,) = effective({"autoscaling": {"maxReplicas": 3}}, template).problems

    assert found.field == "spec.autoscaling.minReplicas"
    assert "maxReplicas" in found.message
