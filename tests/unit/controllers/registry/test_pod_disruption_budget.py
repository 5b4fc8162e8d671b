"""The PodDisruptionBudget: drains take a few pods at a time, and never none for ever."""

from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.registry.pod_disruption_budget import blocks, desired
from registry_operator.api.names import selector_labels
from registry_operator.testing.builders import S3, a_registry
from tests.unit.controllers.registry.snapshots import a_snapshot, body_of

ONE = {"maxUnavailable": 1}


def made(**spec: Any) -> dict[str, Any] | None:
    """The spec of the budget, if there is one."""
    bodies = desired(a_snapshot(a_registry(storage=S3, **spec)))
    return body_of(bodies)["spec"] if bodies else None


def bound(**spec: Any) -> dict[str, Any] | None:
    budget = made(**spec)
    fields = ("minAvailable", "maxUnavailable")
    return budget and {name: budget[name] for name in fields if name in budget}


def test_several_pods_have_a_budget_of_one_at_a_time() -> None:
    assert bound(replicas=2) == ONE


@pytest.mark.parametrize("replicas", [0, 1])
def test_a_single_pod_has_none_whatever_is_asked_for(replicas: int) -> None:
    assert made(replicas=replicas) is None
    assert made(replicas=replicas, disruptionBudget={"minAvailable": 1}) is None


def test_a_budget_can_be_turned_off() -> None:
    assert made(replicas=3, disruptionBudget={"enabled": False}) is None


@pytest.mark.parametrize(
    "budget",
    [{"minAvailable": 2}, {"minAvailable": "50%"}, {"maxUnavailable": 2}, {"maxUnavailable": "1%"}],
)
def test_what_lets_nodes_be_drained_is_passed_on(budget: dict[str, Any]) -> None:
    assert bound(replicas=3, disruptionBudget=budget) == budget


@pytest.mark.parametrize(
    "budget",
    [{"minAvailable": 3}, {"minAvailable": "67%"}, {"maxUnavailable": 0}, {"maxUnavailable": "0%"}],
)
def test_what_would_block_drains_for_ever_gives_way_to_one_at_a_time(
    budget: dict[str, Any],
) -> None:
    assert bound(replicas=3, disruptionBudget=budget) == ONE


def test_autoscaled_pods_are_judged_at_their_fewest() -> None:
    budget = {"minAvailable": 2}

    assert (
        bound(autoscaling={"minReplicas": 3, "maxReplicas": 9}, disruptionBudget=budget) == budget
    )
    assert bound(autoscaling={"minReplicas": 2, "maxReplicas": 9}, disruptionBudget=budget) == ONE


def test_autoscaled_pods_that_may_be_several_have_a_budget() -> None:
    assert bound(autoscaling={"maxReplicas": 2}) == ONE
    assert made(autoscaling={"maxReplicas": 1}) is None
    assert made(replicas=0, autoscaling={"maxReplicas": 5}) is None


def test_it_selects_the_pods_that_serve_and_no_others() -> None:
    budget = made(replicas=2)

    assert budget is not None
    assert budget["selector"] == {"matchLabels": dict(selector_labels("images"))}


def test_a_pod_that_is_not_ready_never_blocks_a_drain() -> None:
    budget = made(replicas=2)

    assert budget is not None
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


COUNTS = st.integers(0, 100) | st.integers(0, 100).map("{}%".format)
BUDGETS = st.none() | st.one_of(
    COUNTS.map(lambda count: {"minAvailable": count}),
    COUNTS.map(lambda count: {"maxUnavailable": count}),
)


@st.composite
def scales(draw: st.DrawFn) -> dict[str, Any]:
    if draw(st.booleans()):
        return {"replicas": draw(st.integers(0, 100))}
    least = draw(st.integers(1, 100))
    most = draw(st.integers(least, 100))
    return {"autoscaling": {"minReplicas": least, "maxReplicas": most}}


def allowed(budget: dict[str, Any], pods: int) -> int:
    """How many evictions the disruption controller allows of so many pods, all ready.

    k8s.io/kubernetes/pkg/controller/disruption: shares are rounded up, both of them.
    """

    def number(value: int | str) -> int:
        return value if isinstance(value, int) else ceil(int(value[:-1]) * pods / 100)

    if "maxUnavailable" in budget:
        must = max(0, pods - number(budget["maxUnavailable"]))
    else:
        must = number(budget["minAvailable"])
    return pods - must


@given(scales(), BUDGETS)
def test_no_budget_that_is_made_blocks_a_drain_at_any_number_of_pods(
    scale: dict[str, Any], asked: dict[str, Any] | None
) -> None:
    budget = made(**scale, disruptionBudget=asked)
    bounds = scale.get("autoscaling")
    first = bounds["minReplicas"] if bounds else scale["replicas"]
    last = bounds["maxReplicas"] if bounds else scale["replicas"]

    assert (budget is None) == (last < 2)
    if budget is not None:
        assert min(allowed(budget, pods) for pods in range(first, last + 1)) >= 1


@given(scales(), BUDGETS)
def test_what_a_user_asks_for_is_only_changed_where_it_would_block(
    scale: dict[str, Any], asked: dict[str, Any] | None
) -> None:
    spec = {**scale, "disruptionBudget": asked}
    inputs = a_snapshot(a_registry(storage=S3, **spec))
    if desired(inputs) and asked is not None and not blocks(inputs.wanted):
        assert bound(**spec) == asked
