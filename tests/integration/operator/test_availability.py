"""Budgets and autoscalers before a real API server: who owns the number of pods, what drains do."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from controllers.kinds import (
    AUTOSCALER,
    DEPLOYMENT,
    POD,
    POD_DISRUPTION_BUDGET,
    REGISTRY,
    SERVICE,
)
from hack.cluster.error import ClusterError
from hack.e2e import installation
from hack.world import World

pytestmark = pytest.mark.integration

_BOUNDS = {"minReplicas": 2, "maxReplicas": 4}
_REFUSED: dict[str, dict[str, Any]] = {
    "disruptionBudget has minAvailable and maxUnavailable: keep one of them": {
        "disruptionBudget": {"minAvailable": 1, "maxUnavailable": "50%"}
    },
    "spec.disruptionBudget.minAvailable": {"disruptionBudget": {"minAvailable": "101%"}},
    "spec.autoscaling.maxReplicas: Required value": {"autoscaling": {"minReplicas": 2}},
    "autoscaling.minReplicas must not be above autoscaling.maxReplicas": {
        "autoscaling": {"minReplicas": 3, "maxReplicas": 2}
    },
    "spec.service.trafficDistribution": {"service": {"trafficDistribution": "PreferClose"}},
}


def create(world: World, **spec: Any) -> None:
    """A Registry whose pods share a bucket, one of its own."""
    world.create_registry(
        "images", {"storage": {"gcs": {"bucket": f"bucket-{world.namespace}"}}, **spec}
    )


def deployment_of(world: World) -> Mapping[str, Any]:
    found = world.get(DEPLOYMENT, "images")
    assert found is not None
    return found


def replicas(world: World) -> int:
    number: int = deployment_of(world)["spec"]["replicas"]
    return number


def owners(world: World) -> set[str]:
    """The managers who have a say in the number of pods."""
    listed = deployment_of(world)["metadata"]["managedFields"]
    return {one["manager"] for one in listed if "f:replicas" in one["fieldsV1"].get("f:spec", {})}


def until_scaled(world: World, number: int) -> None:
    world.until(lambda: replicas(world) == number, about=f"{number} pods are asked for", seconds=60)


def until_ready(world: World) -> None:
    world.until(lambda: world.is_ready("images"), about="it is ready", seconds=60)


def test_pods_are_spread_and_their_budget_bounds_evictions(world: World) -> None:
    create(world, replicas=2)
    until_ready(world)
    pods = world.items(POD, owner="images")

    assert len({pod["spec"]["nodeName"] for pod in pods}) == 2
    world.until(
        lambda: (
            (world.get(POD_DISRUPTION_BUDGET, "images") or {})
            .get("status", {})
            .get("disruptionsAllowed")
        ),
        about="the disruption controller allows one",
    )
    refused = []
    with no_room(world):
        for pod in pods:
            try:
                evict(world, pod["metadata"]["name"])
            except ClusterError as error:
                refused.append(str(error))
    assert len(refused) == 1
    assert "429" in refused[0]

    before = {pod["metadata"]["uid"] for pod in pods}
    world.until(
        lambda: len(before & {p["metadata"]["uid"] for p in world.items(POD, owner="images")}) == 1,
        about="one pod is replaced",
        seconds=60,
    )
    until_ready(world)


@contextmanager
def no_room(world: World) -> Iterator[None]:
    """No node takes a pod meanwhile: simulated ones are replaced faster than two are evicted."""
    nodes = [node["metadata"]["name"] for node in world.cluster.api.get("/api/v1/nodes")["items"]]
    world.cluster.kubectl("cordon", *nodes)
    try:
        yield
    finally:
        world.cluster.kubectl("uncordon", *nodes)


def evict(world: World, name: str) -> None:
    """As a drain does it. Raises ClusterError when a budget is against it."""
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"namespace": world.namespace, "name": name},
    }
    world.cluster.api.post(f"{POD.path(world.namespace, name)}/eviction", body)


def test_a_budget_that_would_block_is_never_stored(world: World) -> None:
    create(world, replicas=3, disruptionBudget={"minAvailable": "100%"})
    world.until(
        lambda: world.condition("images", "Ready").get("reason") == "BudgetBlocksDrains",
        about="it is told",
        seconds=60,
    )
    assert (world.get(POD_DISRUPTION_BUDGET, "images") or {})["spec"]["maxUnavailable"] == 1

    world.patch(
        REGISTRY,
        "images",
        {"spec": {"disruptionBudget": {"minAvailable": None, "maxUnavailable": "50%"}}},
    )
    until_ready(world)
    assert (world.get(POD_DISRUPTION_BUDGET, "images") or {})["spec"]["maxUnavailable"] == "50%"


def test_replicas_come_to_belong_to_the_autoscaler_and_nothing_is_written_for_it(
    world: World,
) -> None:
    create(world, replicas=1)
    until_ready(world)
    world.patch(REGISTRY, "images", {"spec": {"autoscaling": _BOUNDS}})
    until_scaled(world, 2)
    world.settle(installation.USER)
    assert owners(world) == {"kube-controller-manager"}

    world.patch(REGISTRY, "images", {"spec": {"config": {"log": {"level": "debug"}}}})
    until_ready(world)
    world.settle(installation.USER)
    assert replicas(world) == 2

    world.patch(REGISTRY, "images", {"spec": {"autoscaling": {"minReplicas": 3}}})
    until_scaled(world, 3)
    until_ready(world)
    mark = world.cluster.audit.mark()
    world.settle(installation.USER, quiet=5)
    written = world.writes_by(installation.USER, since=mark)
    assert [one for one in written if one.resource.startswith("apps/deployments")] == []

    world.patch(REGISTRY, "images", {"spec": {"autoscaling": None, "replicas": 1}})
    until_scaled(world, 1)
    world.until(lambda: world.get(AUTOSCALER, "images") is None, about="the autoscaler goes")
    world.until(lambda: world.get(POD_DISRUPTION_BUDGET, "images") is None, about="the budget goes")
    until_ready(world)


def test_a_new_registry_begins_with_the_fewest_and_a_user_may_scale_its_deployment(
    world: World,
) -> None:
    create(world, autoscaling=_BOUNDS)
    until_ready(world)
    assert replicas(world) == 2

    world.patch(DEPLOYMENT, "images", {"spec": {"replicas": 4}})
    world.settle(installation.USER)
    assert replicas(world) == 4
    assert world.condition("images", "Ready")["status"] == "True"
    said = world.condition("images", "AutoscalingActive")
    assert (said["status"], said["reason"]) == ("False", "MetricsUnavailable")

    world.patch(REGISTRY, "images", {"spec": {"replicas": 0}})
    until_scaled(world, 0)
    world.patch(REGISTRY, "images", {"spec": {"replicas": 1}})
    until_scaled(world, 2)


def test_where_clients_are_sent_is_passed_on(world: World) -> None:
    create(world, service={"trafficDistribution": "PreferSameNode"})
    world.until(lambda: world.get(SERVICE, "images"), about="the Service is made")
    service = world.get(SERVICE, "images") or {}
    assert service["spec"]["trafficDistribution"] == "PreferSameNode"


def test_what_cannot_be_meant_is_refused_at_once(world: World) -> None:
    for words, spec in _REFUSED.items():
        with pytest.raises(ClusterError, match=re.escape(words)):
            create(world, **spec)
