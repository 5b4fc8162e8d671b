"""Disruption budgets and autoscalers: what the server completes, and what it refuses."""

from typing import Any

import pytest

from registry_operator.kube.errors import Invalid
from tests.behaviour.bodies import AUTOSCALERS, BUDGETS
from tests.behaviour.server import Body, Server


def a_body(server: Server, **spec: Any) -> Body:
    return {"metadata": server.metadata(), "spec": spec}


def an_autoscaler(server: Server, **spec: Any) -> Body:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}
    return a_body(server, scaleTargetRef=target, maxReplicas=5, **spec)


async def made(server: Server, **spec: Any) -> Body:
    created = await server.client.create(AUTOSCALERS, an_autoscaler(server, **spec))
    body: Body = created.body()["spec"]
    return body


async def test_an_autoscaler_that_says_no_more_looks_at_the_processor(server: Server) -> None:
    created = await server.client.create(AUTOSCALERS, an_autoscaler(server))
    target = {"type": "Utilization", "averageUtilization": 80}

    assert created.generation == 1
    assert created.body()["spec"] == {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"},
        "minReplicas": 1,
        "maxReplicas": 5,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }


async def test_an_autoscaler_that_names_its_metrics_has_no_others(server: Server) -> None:
    target = {"type": "Utilization", "averageUtilization": 50}
    measured = {"name": "memory", "container": "c", "target": target}
    metrics = [{"type": "ContainerResource", "containerResource": measured}]

    assert (await made(server, metrics=metrics))["metrics"] == metrics


async def test_who_says_how_to_scale_down_is_told_how_it_scales_up(server: Server) -> None:
    policies = [{"type": "Pods", "value": 1, "periodSeconds": 60}]
    everything = {"type": "Percent", "value": 100, "periodSeconds": 15}
    behavior = (await made(server, behavior={"scaleDown": {"policies": policies}}))["behavior"]

    assert behavior == {
        "scaleDown": {"policies": policies, "selectPolicy": "Max"},
        "scaleUp": {
            "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}, everything],
            "selectPolicy": "Max",
            "stabilizationWindowSeconds": 0,
        },
    }


async def test_an_autoscaler_with_bounds_out_of_order_is_refused(server: Server) -> None:
    with pytest.raises(Invalid, match=r"spec\.maxReplicas"):
        await made(server, minReplicas=6)


async def test_a_budget_is_stored_as_it_is_said(server: Server) -> None:
    selector = {"matchLabels": {"a": "b"}}
    said = {"maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow", "selector": selector}
    created = await server.client.create(BUDGETS, a_body(server, **said))

    assert created.body()["spec"] == said
    assert created.generation == 1


async def test_a_budget_that_speaks_of_both_is_refused(server: Server) -> None:
    body = a_body(server, minAvailable=1, maxUnavailable="50%", selector={})
    with pytest.raises(Invalid, match="minAvailable and maxUnavailable cannot be both set"):
        await server.client.create(BUDGETS, body)
