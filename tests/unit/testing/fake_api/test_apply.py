"""Server-side apply, as KEP-555 has it."""

from typing import Any

import pytest

from registry_operator.kube.errors import Conflict
from registry_operator.testing.fake_api.apply import (
    Endpoint,
    Manager,
    applied,
    managed_fields,
    owners_of,
    updated,
)
from registry_operator.testing.fake_api.schema.model import Schema, structural

Body = dict[str, Any]

US = Manager("us", "Apply")
THEM = Manager("them", "Apply")
USER = Manager("kubectl", "Update")

_NAMED = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
_PORTS = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port", "protocol"]}
_ANY = {"x-kubernetes-preserve-unknown-fields": True}
SCHEMA = structural(
    {
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                    "finalizers": {
                        "type": "array",
                        "items": {"type": "string"},
                        "x-kubernetes-list-type": "set",
                    },
                },
            },
            "spec": {
                "type": "object",
                "properties": {
                    "a": {"type": "integer"},
                    "b": {"type": "integer"},
                    "c": {"type": "object", "properties": {"d": {"type": "integer"}}},
                    "args": {"type": "array", "items": {"type": "integer"}},
                    "selector": {"type": "object", "x-kubernetes-map-type": "atomic", **_ANY},
                    "parts": {"type": "array", "items": {"type": "object", **_ANY}, **_NAMED},
                    "ports": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {
                                "port": {"type": "integer"},
                                "protocol": {"type": "string", "default": "TCP"},
                            },
                            **_ANY,
                        },
                        **_PORTS,
                    },
                },
            },
            "status": {"type": "object", **_ANY},
        },
    }
)
ENDPOINT = Endpoint(SCHEMA, {"f:status": {}})


def store(body: Body, owners: Any) -> Body:
    """The body as the server stores it: who owns what stands in it."""
    managed = managed_fields(owners, None, api_version="v1", now="now")
    return body | {"metadata": body.get("metadata", {}) | {"managedFields": managed}}


def apply(
    live: Body, intent: Body, *, manager: Manager = US, force: bool = True, schema: Schema = SCHEMA
) -> Body:
    endpoint = Endpoint(schema, ENDPOINT.ignored)
    return store(*applied(endpoint, live, intent, manager=manager, force=force))


def update(old: Body, new: Body, *, manager: Manager = USER) -> Body:
    return store(new, updated(ENDPOINT, old, new, owners_of(old), manager=manager))


def parts(*names: str) -> Body:
    return {"spec": {"parts": [{"name": name, "image": f"{name}:1"} for name in names]}}


def names(body: Body) -> list[str]:
    return [item["name"] for item in body["spec"]["parts"]]


def test_what_is_applied_is_laid_over_what_is_there() -> None:
    body = apply({"spec": {"a": 1, "b": 1}}, {"spec": {"b": 2, "c": {"d": 3}}})

    assert body["spec"] == {"a": 1, "b": 2, "c": {"d": 3}}
    assert owners_of(body)[US] == {"f:spec": {"f:b": {}, "f:c": {"f:d": {}}}}


def test_a_field_that_is_no_longer_wanted_goes() -> None:
    body = apply({}, {"spec": {"a": 1, "c": {"d": 1}}})
    body = apply(body, {"spec": {"a": 1}})

    assert body["spec"] == {"a": 1}


def test_a_field_that_somebody_else_wants_too_stays() -> None:
    body = apply({}, {"spec": {"a": 1, "b": 1}})
    body = apply(body, {"spec": {"b": 1}}, manager=THEM)
    body = apply(body, {"spec": {"a": 1}})

    assert body["spec"] == {"a": 1, "b": 1}


def test_force_takes_a_field_over() -> None:
    body = apply({}, {"spec": {"a": 1}}, manager=THEM)
    body = apply(body, {"spec": {"a": 2}})

    assert body["spec"] == {"a": 2}
    assert set(owners_of(body)) == {US}


def test_without_force_another_owner_is_a_conflict_only_where_values_differ() -> None:
    body = apply({}, {"spec": {"a": 1, "b": 1}}, manager=THEM)
    apply(body, {"spec": {"a": 1}}, force=False)

    with pytest.raises(Conflict, match=r'1 conflict: conflict with "them": \.spec\.b'):
        apply(body, {"spec": {"a": 1, "b": 2}}, force=False)


def test_what_was_there_before_anybody_managed_it_belongs_to_somebody() -> None:
    with pytest.raises(Conflict, match="before-first-apply"):
        apply({"spec": {"a": 1}}, {"spec": {"a": 2}}, force=False)


@pytest.mark.parametrize(
    ("live", "intent", "expected"),
    [
        (["a"], ["b"], ["a", "b"]),
        (["a", "sidecar"], ["b", "a"], ["b", "a", "sidecar"]),
        (["first", "a", "b"], ["b", "a"], ["first", "b", "a"]),
        (["a", "middle", "b"], ["a", "b"], ["a", "middle", "b"]),
        (["a", "middle", "b"], ["b", "new", "a"], ["middle", "b", "new", "a"]),
        ([], ["b", "a"], ["b", "a"]),
    ],
)
def test_items_of_others_stay_among_ours_which_keep_our_order(
    live: list[str], intent: list[str], expected: list[str]
) -> None:
    body = apply({}, parts(*live), manager=THEM)

    assert names(apply(body, parts(*intent))) == expected


def test_an_item_goes_with_its_owner_and_takes_its_defaults_along() -> None:
    body = apply({}, parts("a", "b"))
    body["spec"]["parts"][1]["defaulted"] = True
    body = apply(body, parts("a"))

    assert body["spec"] == parts("a")["spec"]


def test_an_item_that_others_apply_too_keeps_their_part() -> None:
    body = apply({}, parts("a"))
    theirs = {"spec": {"parts": [{"name": "a", "extra": 1}]}}
    body = apply(body, theirs, manager=THEM)
    body = apply(body, {"spec": {"a": 1}})

    assert body["spec"] == {"parts": [{"name": "a", "extra": 1}], "a": 1}


def test_ports_are_named_by_number_and_protocol_even_where_that_is_left_out() -> None:
    live = {"spec": {"ports": [{"port": 1, "protocol": "TCP", "nodePort": 9}]}}
    body = apply(live, {"spec": {"ports": [{"port": 1, "name": "http"}]}})

    assert body["spec"]["ports"] == [{"port": 1, "protocol": "TCP", "nodePort": 9, "name": "http"}]


def test_finalizers_are_a_set() -> None:
    live = {"metadata": {"name": "x", "finalizers": ["theirs"]}}
    body = apply(live, {"metadata": {"name": "x", "finalizers": ["ours"]}})
    assert body["metadata"]["finalizers"] == ["theirs", "ours"]

    body = apply(body, {"metadata": {"name": "x"}})
    assert body["metadata"]["finalizers"] == ["theirs"]


def test_lists_and_maps_that_are_atomic_are_replaced_whole() -> None:
    live = {"spec": {"args": [1, 2], "selector": {"a": "b"}}}
    body = apply(live, {"spec": {"args": [3], "selector": {"c": "d"}}})

    assert body["spec"] == {"args": [3], "selector": {"c": "d"}}
    assert owners_of(body)[US] == {"f:spec": {"f:args": {}, "f:selector": {}}}


def test_identity_and_what_another_endpoint_is_for_belong_to_nobody() -> None:
    intent = {
        "apiVersion": "v1",
        "kind": "X",
        "metadata": {"name": "x", "labels": {"a": "b"}},
        "status": {"ready": True},
    }

    assert owners_of(apply({}, intent))[US] == {"f:metadata": {"f:labels": {"f:a": {}}}}


def test_an_update_owns_what_it_changed_and_takes_it_from_others() -> None:
    body = apply({}, {"spec": {"a": 1, "b": 1, "c": {"d": 1}}})
    body = update(body, {"spec": {"a": 2, "b": 1}})

    assert owners_of(body) == {
        USER: {"f:spec": {"f:a": {}}},
        US: {"f:spec": {"f:b": {}}},
    }


def test_an_update_owns_what_it_made_with_all_that_holds_it() -> None:
    body = update({}, {"spec": {"c": {"d": 1}, "parts": [{"name": "a"}]}})

    assert owners_of(body)[USER] == {
        "f:spec": {
            ".": {},
            "f:c": {".": {}, "f:d": {}},
            "f:parts": {".": {}, 'k:{"name":"a"}': {".": {}, "f:name": {}}},
        }
    }


def test_a_drifted_field_is_set_right_by_the_next_apply() -> None:
    body = apply({}, {"spec": {"a": 1}})
    body = update(body, {"spec": {"a": 2}})
    body = apply(body, {"spec": {"a": 1}})

    assert body["spec"] == {"a": 1}
    assert set(owners_of(body)) == {US}


def test_owners_are_written_as_managed_fields() -> None:
    manager = Manager("us", "Apply", "status")
    intent = parts("a") | {"metadata": {"finalizers": ["f"]}}
    (entry,) = apply({}, intent, manager=manager)["metadata"]["managedFields"]

    assert entry == {
        "manager": "us",
        "operation": "Apply",
        "subresource": "status",
        "apiVersion": "v1",
        "time": "now",
        "fieldsType": "FieldsV1",
        "fieldsV1": {
            "f:metadata": {"f:finalizers": {'v:"f"': {}}},
            "f:spec": {"f:parts": {'k:{"name":"a"}': {".": {}, "f:image": {}, "f:name": {}}}},
        },
    }


def test_who_owns_what_it_owned_keeps_its_time() -> None:
    body = apply({}, {"spec": {"a": 1}})
    body = apply(body, {"spec": {"b": 1}}, manager=THEM)
    entries = managed_fields(
        owners_of(body) | {THEM: {"f:spec": {}}}, body, api_version="v1", now="later"
    )

    assert {entry["manager"]: entry["time"] for entry in entries} == {"us": "now", "them": "later"}
