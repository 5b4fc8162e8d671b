"""The HorizontalPodAutoscaler: bounds and metrics as asked for, and never of pods on one volume."""

from dataclasses import replace
from typing import Any

import pytest

from controllers.registry.autoscaler import desired
from controllers.registry.inputs import RegistryInputs
from registry_operator.testing.builders import (
    CLAIM,
    EMPTY_DIR,
    S3,
    a_deployment,
    a_registry,
    an_object,
)
from tests.unit.controllers.registry.snapshots import body_of, serving

BOUNDS = {"minReplicas": 2, "maxReplicas": 5}
CPU = {
    "type": "ContainerResource",
    "containerResource": {
        "name": "cpu",
        "container": "registry",
        "target": {"type": "Utilization", "averageUtilization": 80},
    },
}


def world(**spec: Any) -> RegistryInputs:
    return serving(a_registry(**{"storage": S3, **spec}))


def made(**autoscaling: Any) -> dict[str, Any]:
    spec: dict[str, Any] = body_of(desired(world(autoscaling=BOUNDS | autoscaling)))["spec"]
    return spec


def test_it_scales_the_deployment_between_the_bounds() -> None:
    spec = made()

    assert spec["scaleTargetRef"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "images",
    }
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 5)
    assert "behavior" not in spec


def test_without_a_metric_the_processor_is_measured_of_our_container_alone() -> None:
    assert made()["metrics"] == [CPU]


def test_metrics_of_all_kinds_go_together() -> None:
    other = {"type": "Pods", "pods": {"metric": {"name": "x"}, "target": {"type": "Value"}}}
    spec = made(
        targetCPUUtilizationPercentage=50, targetMemoryUtilizationPercentage=70, metrics=[other]
    )
    cpu, memory, last = spec["metrics"]

    assert cpu["containerResource"]["target"]["averageUtilization"] == 50
    assert memory["containerResource"]["name"] == "memory"
    assert memory["containerResource"]["target"]["averageUtilization"] == 70
    assert last == other
    assert made(metrics=[other])["metrics"] == [other]


def test_how_fast_it_scales_is_passed_on() -> None:
    behavior = {
        "scaleDown": {
            "stabilizationWindowSeconds": 600,
            "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}],
        },
        "scaleUp": {"selectPolicy": "Disabled"},
    }

    assert made(behavior=behavior)["behavior"] == behavior


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"replicas": 0, "autoscaling": BOUNDS},
        {"storage": EMPTY_DIR, "autoscaling": BOUNDS},
        {"storage": {"persistentVolumeClaim": {"claimName": "x"}}, "autoscaling": BOUNDS},
        {"storage": CLAIM, "autoscaling": BOUNDS},
    ],
)
def test_there_is_none_where_none_is_asked_for_or_pods_share_nothing(spec: dict[str, Any]) -> None:
    assert desired(world(**spec)) == ()


def test_a_volume_that_is_shared_may_be_scaled() -> None:
    claim = {"persistentVolumeClaim": {"claimName": "x"}, "shareVolume": True}

    assert desired(world(storage=claim, autoscaling=BOUNDS)) != ()


def test_there_is_none_before_there_is_a_deployment() -> None:
    inputs = world(autoscaling=BOUNDS)
    bare = replace(inputs, children=replace(inputs.children, deployment=None))

    assert desired(bare) == ()


def test_a_deployment_that_still_runs_on_one_volume_is_not_scaled() -> None:
    registry = a_registry(storage=S3, autoscaling=BOUNDS)
    body = a_deployment(registry)
    body["spec"]["strategy"] = {"type": "Recreate"}

    assert desired(serving(registry, deployment=an_object(body))) == ()
