"""Server-side apply, as KEP-555 has it."""

from typing import Any

import pytest

from registry_operator.kube.errors import Conflict
from registry_operator.testing.fake_api.apply import (
    Manager,
    Owners,
    applied,
    managed_fields,
    merged,
    owned_paths,
    updated,
)

US = Manager("us", "Apply")
THEM = Manager("them", "Apply")
USER = Manager("kubectl", "Update")


def apply(
    live: dict[str, Any], intent: dict[str, Any], owners: Owners, *, manager: Manager = US
) -> tuple[dict[str, Any], Owners]:
    return applied(live, intent, owners, manager=manager, force=True)


def containers(*names: str) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": name, "image": f"{name}:1"} for name in names]}}


def test_what_is_applied_is_laid_over_what_is_there() -> None:
    body, owners = apply({"spec": {"a": 1, "b": 1}}, {"spec": {"b": 2, "c": {"d": 3}}}, {})

    assert body == {"spec": {"a": 1, "b": 2, "c": {"d": 3}}}
    assert len(owners[US]) == 2


def test_a_field_that_is_no_longer_wanted_goes() -> None:
    body, owners = apply({}, {"spec": {"a": 1, "b": {"c": 1}}}, {})
    body, owners = apply(body, {"spec": {"a": 1}}, owners)

    assert body == {"spec": {"a": 1}}


def test_a_field_that_somebody_else_wants_too_stays() -> None:
    body, owners = apply({}, {"spec": {"a": 1, "b": 1}}, {})
    body, owners = apply(body, {"spec": {"b": 1}}, owners, manager=THEM)
    body, owners = apply(body, {"spec": {"a": 1}}, owners)

    assert body == {"spec": {"a": 1, "b": 1}}


def test_force_takes_a_field_over() -> None:
    body, owners = apply({}, {"spec": {"a": 1}}, {}, manager=THEM)
    body, owners = apply(body, {"spec": {"a": 2}}, owners)

    assert body == {"spec": {"a": 2}}
    assert set(owners) == {US}


def test_without_force_another_owner_is_a_conflict_only_where_values_differ() -> None:
    body, owners = apply({}, {"spec": {"a": 1, "b": 1}}, {}, manager=THEM)
    applied(body, {"spec": {"a": 1}}, owners, manager=US, force=False)

    with pytest.raises(Conflict, match="1 conflicts"):
        applied(body, {"spec": {"a": 1, "b": 2}}, owners, manager=US, force=False)


def test_list_maps_are_merged_by_their_keys() -> None:
    body, owners = apply({}, containers("a", "sidecar"), {}, manager=THEM)
    body, owners = apply(body, containers("b", "a"), owners)

    assert [item["name"] for item in body["spec"]["containers"]] == ["b", "a", "sidecar"]


def test_an_item_goes_with_its_owner_and_takes_its_defaults_along() -> None:
    body, owners = apply({}, containers("a", "b"), {})
    body["spec"]["containers"][1]["defaulted"] = True
    body, owners = apply(body, containers("a"), owners)

    assert body == containers("a")


def test_an_item_that_others_use_keeps_their_part() -> None:
    body, owners = apply({}, containers("a"), {})
    theirs = {"spec": {"containers": [{"name": "a", "extra": 1}]}}
    body, owners = apply(body, theirs, owners, manager=THEM)
    body, owners = apply(body, {"spec": {"x": 1}}, owners)

    assert body == {"spec": {"containers": [{"name": "a", "extra": 1}], "x": 1}}


def test_ports_are_named_by_number_and_protocol() -> None:
    live = {"spec": {"ports": [{"port": 1, "protocol": "TCP", "nodePort": 9}]}}
    body, _ = apply(live, {"spec": {"ports": [{"port": 1, "name": "http"}]}}, {})

    assert body["spec"]["ports"] == [{"port": 1, "protocol": "TCP", "nodePort": 9, "name": "http"}]
    inside = {"ports": [{"containerPort": 5000}, {"containerPort": 5001}]}
    assert len(owned_paths(inside)) == 4


def test_finalizers_are_a_set() -> None:
    live = {"metadata": {"name": "x", "finalizers": ["theirs"]}}
    body, owners = apply(live, {"metadata": {"finalizers": ["ours"]}}, {})
    assert body["metadata"]["finalizers"] == ["theirs", "ours"]

    body, _ = apply(body, {"metadata": {}}, owners)
    assert body["metadata"]["finalizers"] == ["theirs"]


def test_other_lists_are_replaced_whole() -> None:
    assert merged({"args": [1, 2]}, {"args": [3]}) == {"args": [3]}
    assert merged({"volumes": [{"a": 1}]}, {"volumes": [{"b": 1}]}) == {"volumes": [{"b": 1}]}


def test_identity_belongs_to_nobody() -> None:
    body = {
        "apiVersion": "v1",
        "kind": "X",
        "metadata": {"name": "x", "uid": "u", "labels": {"a": "b"}},
    }

    assert owned_paths(body) == {(("f", "metadata"), ("f", "labels"), ("f", "a"))}


def test_an_update_owns_what_it_changed_and_takes_it_from_others() -> None:
    body, owners = apply({}, {"spec": {"a": 1, "b": 1, "c": 1}}, {})
    new = {"spec": {"a": 2, "b": 1}}
    owners = updated(body, new, owners, manager=USER)

    assert owners[USER] == {(("f", "spec"), ("f", "a"))}
    assert owners[US] == {(("f", "spec"), ("f", "b"))}


def test_a_drifted_field_is_set_right_by_the_next_apply() -> None:
    body, owners = apply({}, {"spec": {"a": 1}}, {})
    drifted = {"spec": {"a": 2}}
    owners = updated(body, drifted, owners, manager=USER)
    body, owners = apply(drifted, {"spec": {"a": 1}}, owners)

    assert body == {"spec": {"a": 1}}
    assert set(owners) == {US}


def test_owners_are_written_as_managed_fields() -> None:
    intent = containers("a") | {"metadata": {"finalizers": ["f"]}}
    _, owners = apply({}, intent, {}, manager=Manager("us", "Apply", "status"))
    (entry,) = managed_fields(owners, api_version="v1")

    assert entry["fieldsV1"] == {
        "f:metadata": {"f:finalizers": {'v:"f"': {}}},
        "f:spec": {"f:containers": {'k:{"name":"a"}': {".": {}, "f:image": {}, "f:name": {}}}},
    }
    assert (entry["manager"], entry["operation"], entry["subresource"]) == ("us", "Apply", "status")
