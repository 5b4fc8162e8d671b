"""What counts as drift: our fields only, by meaning, and map lists by their keys."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_operator.runtime.diff import differences, projection

SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a", "1000m", "1"])
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)
    ),
    max_leaves=12,
)
MAPS = st.dictionaries(st.sampled_from("abcd"), JSON, max_size=4)


@given(MAPS)
def test_an_object_never_differs_from_itself(body: dict[str, Any]) -> None:
    assert differences(body, body) == []


@given(MAPS, MAPS)
def test_fields_of_others_are_never_drift(intent: dict[str, Any], foreign: dict[str, Any]) -> None:
    observed = {f"x{name}": value for name, value in foreign.items()} | intent

    assert differences(intent, observed) == []
    assert projection(intent, observed) == projection(intent, intent)


@given(MAPS, st.sampled_from("abcd"))
def test_a_changed_field_is_drift_and_named(intent: dict[str, Any], name: str) -> None:
    intent = {**intent, name: "ours"}
    observed = {**intent, name: "theirs"}

    assert differences(intent, observed) == [name]
    assert projection(intent, observed) != projection(intent, intent)


@given(MAPS, MAPS)
def test_the_projection_speaks_of_exactly_our_fields(
    intent: dict[str, Any], observed: dict[str, Any]
) -> None:
    assert set(projection(intent, observed)) == set(intent)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"cpu": "1000m"}, {"cpu": "1"}),
        ({"memory": "1Gi"}, {"memory": "1024Mi"}),
        ({"emptyDir": {}}, {"emptyDir": {}}),
        ({"emptyDir": {}}, {"emptyDir": {"medium": "Memory"}}),
        ({"annotations": {}}, {}),
        ({"paused": False}, {}),
        ({"list": []}, {}),
        ({"text": ""}, {}),
        ({"number": 0}, {}),
        ({"nothing": None}, {}),
        ({"ranges": ["10.0.0.0/8"]}, {"ranges": ["10.0.0.0/8"]}),
        ({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "a", "effect": "NoSchedule"}]}),
        ({"finalizers": ["a"]}, {"finalizers": ["b", "a"]}),
        (
            {"ports": [{"port": 80}]},
            {"ports": [{"port": 80, "protocol": "TCP", "nodePort": 31000}]},
        ),
        ({"env": [{"name": "A", "value": ""}]}, {"env": [{"name": "B"}, {"name": "A"}]}),
    ],
)
def test_what_the_server_rewrites_or_adds_is_no_drift(
    ours: dict[str, Any], theirs: dict[str, Any]
) -> None:
    assert differences(ours, theirs) == []


@pytest.mark.parametrize(
    ("ours", "theirs", "path"),
    [
        ({"spec": {"replicas": 2}}, {"spec": {"replicas": 3}}, "spec.replicas"),
        ({"spec": {"replicas": 2}}, {}, "spec.replicas"),
        ({"spec": {"replicas": 2}}, {"spec": "text"}, "spec.replicas"),
        ({"paused": False}, {"paused": True}, "paused"),
        ({"cpu": "1"}, {"cpu": "2"}, "cpu"),
        ({"ranges": ["a"]}, {"ranges": ["a", "b"]}, "ranges"),
        ({"ranges": ["a", "b"]}, {"ranges": ["b", "a"]}, "ranges"),
        ({"finalizers": ["a"]}, {"finalizers": ["b"]}, "finalizers"),
        ({"finalizers": ["a"]}, {}, "finalizers"),
        ({"ports": [{"port": 80, "name": "x"}]}, {"ports": [{"port": 80, "name": "y"}]}, "ports[80].name"),
        ({"ports": [{"port": 80, "name": "x"}]}, {"ports": None}, "ports[80].port"),
        ({"containers": [{"name": "a", "image": "i"}]}, {"containers": [{"name": "b", "image": "i"}]}, "containers[a].name"),
        ({"volumes": [{"name": "a", "n": 1}]}, {"volumes": ["odd", {"name": "a"}]}, "volumes[a].n"),
        ({"ports": [{"port": 53, "protocol": "UDP"}]}, {"ports": [{"port": 53}]}, "ports[53,UDP].port"),
        ({"selector": {"a": "b"}}, {"selector": {"a": "b", "c": "d"}}, "selector.c"),
        ({"selector": {"a": "b"}}, {"selector": {"a": "x"}}, "selector.a"),
        ({"selector": {"a": "b"}}, {}, "selector.a"),
    ],
)  # fmt: skip
def test_drift_is_named_by_its_path(
    ours: dict[str, Any], theirs: dict[str, Any], path: str
) -> None:
    assert differences(ours, theirs)[0] == path
    assert projection(ours, theirs) != projection(ours, ours)


def test_the_projection_pairs_map_lists_and_sets_with_ours() -> None:
    intent = {"env": [{"name": "A", "value": "1"}], "finalizers": ["f"], "spec": {"a": 1}}
    observed = {
        "env": [{"name": "B", "value": "2"}, {"name": "A", "value": "x", "other": 1}],
        "finalizers": ["theirs", "f"],
        "spec": None,
    }

    assert projection(intent, observed) == {
        "env": [{"name": "A", "value": "x"}],
        "finalizers": ["f"],
        "spec": None,
    }


def test_names_in_scalar_lists_of_a_map_list_name_are_values() -> None:
    """`ports: [80]` of some other API is no map list."""
    assert differences({"ports": [80]}, {"ports": [81]}) == ["ports"]
