"""The spread of the pods: soft by default, and the user's own word otherwise."""

from typing import Any

import pytest

from controllers.registry.spreading import affinity, constraints
from registry_operator.api.names import selector_labels
from registry_operator.testing.builders import a_registry
from tests.unit.controllers.registry.snapshots import a_snapshot

OWN = {"matchLabels": dict(selector_labels("images"))}
REVISION = {"labelSelector": OWN, "matchLabelKeys": ["pod-template-hash"]}
RACK = {"maxSkew": 2, "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule"}
NODES: dict[str, Any] = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}
AWAY: dict[str, Any] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": []}}


def spread(**spec: Any) -> list[dict[str, Any]]:
    inputs = a_snapshot(a_registry(**spec))
    return constraints(inputs.owner, inputs.wanted)


def drawn(**spec: Any) -> dict[str, Any]:
    inputs = a_snapshot(a_registry(**spec))
    return affinity(inputs.owner, inputs.wanted)


def zones(drawn: dict[str, Any]) -> dict[str, Any]:
    (term,) = drawn["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    found: dict[str, Any] = term["podAffinityTerm"]
    return found


def test_pods_of_a_revision_are_spread_over_nodes_and_none_waits_for_one() -> None:
    assert spread() == [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            **REVISION,
        }
    ]


def test_pods_of_a_revision_prefer_different_zones_and_need_none() -> None:
    assert zones(drawn()) == {"topologyKey": "topology.kubernetes.io/zone", **REVISION}
    assert drawn().keys() == {"podAntiAffinity"}


def test_the_only_constraint_is_one_whose_label_every_node_has() -> None:
    """Nodes without the label of any constraint are passed over by the scheduler."""
    assert {one["topologyKey"] for one in spread()} == {"kubernetes.io/hostname"}


@pytest.mark.parametrize("replicas", [0, 1, 5])
def test_scaling_does_not_change_the_spread_as_that_would_roll_the_pods(replicas: int) -> None:
    assert spread(replicas=replicas) == spread()
    assert drawn(replicas=replicas) == drawn()


def test_an_empty_list_spreads_nothing() -> None:
    assert spread(topologySpreadConstraints=[]) == []
    assert drawn(topologySpreadConstraints=[]) == {}


def test_what_the_user_says_replaces_the_default_and_counts_the_own_pods() -> None:
    assert spread(topologySpreadConstraints=[RACK]) == [{**RACK, "labelSelector": OWN}]
    assert drawn(topologySpreadConstraints=[RACK]) == {}


def test_a_selector_of_the_user_stays() -> None:
    theirs = {**RACK, "labelSelector": {"matchLabels": {"a": "b"}}}

    assert spread(topologySpreadConstraints=[theirs]) == [theirs]


def test_affinity_to_nodes_stays_beside_the_zones() -> None:
    found = drawn(affinity=NODES)

    assert found["nodeAffinity"] == NODES["nodeAffinity"]
    assert zones(found) == zones(drawn())


def test_anti_affinity_of_the_user_replaces_that_of_the_zones_alone() -> None:
    assert drawn(affinity=AWAY) == AWAY
    assert spread(affinity=AWAY) == spread()
