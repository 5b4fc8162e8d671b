"""The spread of the pods: soft by default, and the user's own word otherwise."""

from typing import Any

import pytest

from controllers.registry.spreading import constraints
from registry_operator.api.names import selector_labels
from registry_operator.testing.builders import a_registry
from tests.unit.controllers.registry.snapshots import a_snapshot

OWN = {"matchLabels": dict(selector_labels("images"))}
ZONE = {"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}


def spread(**spec: Any) -> list[dict[str, Any]]:
    inputs = a_snapshot(a_registry(**spec))
    return constraints(inputs.owner, inputs.wanted)


def test_pods_are_spread_over_nodes_and_zones_where_nobody_says_otherwise() -> None:
    topologies = [one["topologyKey"] for one in spread()]

    assert topologies == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]


def test_the_spread_keeps_no_pod_from_starting_and_counts_each_revision_by_itself() -> None:
    for constraint in spread():
        assert constraint["whenUnsatisfiable"] == "ScheduleAnyway"
        assert constraint["maxSkew"] == 1
        assert constraint["labelSelector"] == OWN
        assert constraint["matchLabelKeys"] == ["pod-template-hash"]


@pytest.mark.parametrize("replicas", [0, 1, 5])
def test_scaling_does_not_change_the_spread_as_that_would_roll_the_pods(replicas: int) -> None:
    assert spread(replicas=replicas) == spread()


def test_an_empty_list_spreads_nothing() -> None:
    assert spread(topologySpreadConstraints=[]) == []


def test_what_the_user_says_replaces_the_default_and_counts_the_own_pods() -> None:
    assert spread(topologySpreadConstraints=[ZONE]) == [{**ZONE, "labelSelector": OWN}]


def test_a_selector_of_the_user_stays() -> None:
    theirs = {**ZONE, "labelSelector": {"matchLabels": {"a": "b"}}}

    assert spread(topologySpreadConstraints=[theirs]) == [theirs]
