"""Registries of the Go project of the API group, on a real API server."""

import json
from typing import Any

import pytest

from hack.cluster.cluster import Cluster
from hack.cluster.error import ClusterError
from registry_operator.api.registry import Registry
from registry_operator.api.storage import Storage
from tests.go_project import STORAGES, a_go_registry

pytestmark = pytest.mark.integration

_FIELDS = {str(field.alias) for field in Storage.model_fields.values()}


def _dry_run(cluster: Cluster, body: dict[str, Any], *flags: str) -> dict[str, Any]:
    """The object as the API server would store it; raises ClusterError with what a user would read."""
    arguments = ("apply", "--dry-run=server", "--validate=strict", *flags, "-f", "-", "-o", "json")
    answer: dict[str, Any] = json.loads(cluster.kubectl(*arguments, stdin=json.dumps(body)))

    return answer


@pytest.mark.parametrize("flags", [(), ("--server-side",)], ids=["client-side", "server-side"])
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(
            kind, marks=pytest.mark.skipif(kind not in _FIELDS, reason="not a kind of storage yet")
        )
        for kind in STORAGES
    ],
)
def test_each_kind_of_storage_is_stored_as_it_was_written(
    cluster: Cluster, kind: str, flags: tuple[str, ...]
) -> None:
    body = a_go_registry(kind)
    stored = _dry_run(cluster, body, *flags)

    assert stored["spec"] == body["spec"]
    assert Registry.model_validate(stored, extra="forbid").spec.wire() == body["spec"]


def test_a_region_may_change_its_shape_and_back(cluster: Cluster) -> None:
    body = a_go_registry("s3")
    shapes: list[Any] = [body["spec"]["storage"]["s3"]["region"], "eu-central-1"]
    body["metadata"]["finalizers"] = []
    try:
        for shape in (*shapes, *shapes):
            body["spec"]["storage"]["s3"]["region"] = shape
            cluster.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(body))
            stored = json.loads(cluster.kubectl("get", "reg", "go-s3", "-o", "json"))

            assert stored["spec"]["storage"]["s3"]["region"] == shape
    finally:
        cluster.kubectl("delete", "reg", "go-s3", "--ignore-not-found")


BAD: dict[str, tuple[Any, str]] = {
    "a number": (5, "must not validate the schema (not)"),
    "a boolean": (True, "must not validate the schema (not)"),
    "a list": (["eu-central-1"], "must not validate the schema (not)"),
    "a long text": ("r" * 64, "spec.storage.s3.region: Too long: may not be more than 63 bytes"),
    "no key": ({"name": "bucket"}, "spec.storage.s3.region.key: Required value"),
    "no name": ({"key": "region"}, "spec.storage.s3.region.name: Required value"),
    "an empty name": (
        {"name": "", "key": "region"},
        "spec.storage.s3.region.name in body should be at least 1 chars long",
    ),
    "a key of another type": (
        {"name": "bucket", "key": 1},
        "spec.storage.s3.region.key in body must be of type string",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_region_that_is_neither_is_refused_by_field(cluster: Cluster, case: str) -> None:
    region, message = BAD[case]
    body = a_go_registry("s3")
    body["spec"]["storage"]["s3"]["region"] = region

    with pytest.raises(ClusterError) as refused:
        _dry_run(cluster, body)

    assert message in str(refused.value)


def test_claims_of_resources_are_refused_where_fields_are_checked(cluster: Cluster) -> None:
    body = a_go_registry("emptyDir")
    body["spec"]["resources"]["claims"] = [{"name": "gpu"}]

    with pytest.raises(ClusterError, match=r'unknown field "spec\.resources\.claims"'):
        _dry_run(cluster, body)
