import tracemalloc
from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_operator.kube.errors import CodecError
from registry_operator.kube.object import LAST_APPLIED, Object, newer, parse_resource_version
from registry_operator.kube.resource import ObjectKey, Resource

SECRETS = Resource("", "v1", "Secret", "secrets")
BODY: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {
        "name": "one",
        "namespace": "ns",
        "uid": "u",
        "resourceVersion": "12",
        "generation": 3,
        "labels": {"app": "x"},
        "annotations": {"note": "y"},
        "creationTimestamp": "2026-11-23T06:41:53Z",
        "finalizers": ["example.org/hold"],
        "ownerReferences": [
            {"apiVersion": "v1", "kind": "A", "name": "a", "uid": "ua"},
            {"apiVersion": "v1", "kind": "B", "name": "b", "uid": "ub", "controller": True},
        ],
    },
    "data": {"password": "aHVudGVyMg=="},
}


def test_the_head_is_decoded_typed() -> None:
    decoded = Object.of(BODY)

    assert decoded.key == ObjectKey("ns", "one")
    assert (decoded.name, decoded.namespace, decoded.uid) == ("one", "ns", "u")
    assert (decoded.resource_version, decoded.generation) == ("12", 3)
    assert (decoded.labels, decoded.annotations) == ({"app": "x"}, {"note": "y"})
    assert decoded.metadata.creation_timestamp == datetime(2026, 11, 23, 6, 41, 53, tzinfo=UTC)
    assert decoded.metadata.finalizers == ("example.org/hold",)
    assert [owner.name for owner in decoded.owner_references] == ["a", "b"]
    assert (decoded.api_version, decoded.kind) == ("v1", "Secret")
    assert decoded.size == len(decoded.raw)
    assert not decoded.is_deleting


def test_an_object_being_deleted_says_so() -> None:
    metadata = BODY["metadata"] | {"deletionTimestamp": "2026-11-23T06:41:53Z"}

    assert Object.of(BODY | {"metadata": metadata}).is_deleting


def test_the_controller_is_the_owner_that_says_so() -> None:
    controller = Object.of(BODY).controller()

    assert controller is not None
    assert controller.uid == "ub"
    assert Object.of({"metadata": {"name": "x"}}).controller() is None


def test_the_body_is_fresh_at_every_call() -> None:
    decoded = Object.of(BODY)
    decoded.body()["data"].clear()

    assert decoded.body() == BODY


def test_objects_are_equal_when_their_bytes_are() -> None:
    other = Object.of(BODY | {"data": {}})

    assert Object.of(BODY) == Object.of(BODY)
    assert len({Object.of(BODY), Object.of(BODY), other}) == 2
    assert Object.of(BODY) != "something else"


def test_the_repr_never_shows_the_content() -> None:
    assert repr(Object.of(BODY)) == "<Secret ns/one resourceVersion=12>"


def test_the_bytes_are_a_copy_of_their_own() -> None:
    page = bytearray(orjson.dumps(BODY))
    decoded = Object.decode(memoryview(page))
    page[:] = b" " * len(page)

    assert decoded.body() == BODY


def test_the_items_of_a_list_get_their_type() -> None:
    item = {name: value for name, value in BODY.items() if name not in {"kind", "apiVersion"}}
    decoded = Object.decode(msgspec.Raw(b" " + orjson.dumps(item)), resource=SECRETS)

    assert (decoded.api_version, decoded.kind) == ("v1", "Secret")
    assert decoded.body() == BODY
    assert Object.decode(decoded.raw, resource=SECRETS) == decoded


def test_what_thousands_of_objects_share_is_held_once() -> None:
    first, second = (Object.decode(orjson.dumps(BODY)) for _ in range(2))

    assert first.namespace is second.namespace
    assert first.metadata.namespace is first.key.namespace
    assert first.kind is second.kind
    assert first.key is first.key


@pytest.mark.parametrize("typed", [True, False])
def test_an_object_takes_little_more_than_its_bytes(*, typed: bool) -> None:
    """Labels, annotations and owners are views on them."""
    labels = {f"example.org/label-{number}": f"value-{number}" for number in range(10)}
    left_out = set() if typed else {"kind", "apiVersion"}
    item = {name: value for name, value in BODY.items() if name not in left_out}
    raw = orjson.dumps(item | {"metadata": BODY["metadata"] | {"labels": labels}})
    tracemalloc.start()
    try:
        kept = [Object.decode(raw, resource=SECRETS) for _ in range(1000)]
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert taken / len(kept) < kept[0].size + 900


def test_absent_labels_annotations_and_owners_are_empty() -> None:
    for metadata in ({"name": "x"}, {"name": "x", "labels": None, "ownerReferences": None}):
        decoded = Object.of({"metadata": metadata})
        assert (decoded.labels, decoded.annotations, decoded.owner_references) == ({}, {}, ())


def test_managed_fields_and_the_last_applied_text_are_dropped_on_demand() -> None:
    metadata = BODY["metadata"] | {
        "managedFields": [{"manager": "m"}],
        "annotations": {"note": "y", LAST_APPLIED: "{}"},
    }
    raw = orjson.dumps(BODY | {"metadata": metadata})

    assert Object.decode(raw, without_managed_fields=True).body() == BODY
    assert Object.decode(raw).body()["metadata"] == metadata
    assert Object.decode(orjson.dumps(BODY), without_managed_fields=True).body() == BODY


def test_managed_fields_go_where_there_are_no_annotations() -> None:
    raw = b'{"metadata": {"name": "x", "managedFields": []}}'

    assert Object.decode(raw, without_managed_fields=True).body() == {"metadata": {"name": "x"}}


@pytest.mark.parametrize("lean", [True, False])
@pytest.mark.parametrize("raw", [b"", b"[]", b'{"kind": "managedFields"}', b'{"managedFields": 1}'])
def test_what_is_no_object_is_refused(raw: bytes, *, lean: bool) -> None:
    with pytest.raises(CodecError, match="not an object"):
        Object.decode(raw, without_managed_fields=lean)


def test_what_cannot_be_json_is_refused() -> None:
    with pytest.raises(CodecError, match="cannot be written"):
        Object.of({"metadata": object()})


@given(st.integers(1, 10**30), st.integers(1, 10**30))
def test_resource_versions_are_ordered_as_numbers(a: int, b: int) -> None:
    assert newer(str(a), str(b)) == (a > b)


@pytest.mark.parametrize("text", ["", "0", "007", "-1", "1.5", "x", "²"])
def test_resource_versions_that_cannot_be_compared_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        parse_resource_version(text)
    with pytest.raises(ValueError, match="cannot be compared"):
        newer("1", text)
