"""The committed CRD on a real API server: what is accepted, what a user reads when it is not."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hack.cluster.cluster import Cluster
from hack.cluster.error import ClusterError
from registry_operator.api.crd import DEFINITIONS, crd
from registry_operator.api.effective import effective
from registry_operator.api.names import API_VERSION
from registry_operator.api.registry import Registry
from registry_operator.api.service import Service

pytestmark = pytest.mark.integration

_SAMPLES = Path(__file__).parents[3] / "config" / "samples"


def _registry(spec: object, *, name: str = "t", **top: object) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    return {
        "apiVersion": API_VERSION,
        "kind": "Registry",
        "metadata": metadata,
        "spec": spec,
        **top,
    }


def _a_template(spec: object) -> dict[str, Any]:
    metadata = {"name": "base"}
    return {
        "apiVersion": API_VERSION,
        "kind": "RegistryTemplate",
        "metadata": metadata,
        "spec": spec,
    }


def _dry_run(cluster: Cluster, body: Mapping[str, Any], *flags: str) -> dict[str, Any]:
    """The object as the API server would store it; raises ClusterError with what a user would read."""
    answer: dict[str, Any] = json.loads(
        cluster.kubectl(
            *("apply", "--dry-run=server", *flags, "-f", "-", "-o", "json"), stdin=json.dumps(body)
        )
    )

    return answer


def test_the_crd_is_structural_and_its_rules_are_within_cost(cluster: Cluster) -> None:
    for definition in DEFINITIONS:
        name = crd(definition)["metadata"]["name"]
        found = json.loads(cluster.kubectl("get", "crd", name, "-o", "json"))

        states = {c["type"]: c["status"] for c in found["status"]["conditions"]}
        assert states["NamesAccepted"] == states["Established"] == "True"
        assert states.get("NonStructuralSchema", "False") == "False"


@pytest.mark.parametrize("sample", sorted(_SAMPLES.glob("registry*.yaml")), ids=lambda p: p.stem)
def test_a_sample_applies_unchanged_under_strict_validation(cluster: Cluster, sample: Path) -> None:
    said = cluster.kubectl(
        "apply", "--dry-run=server", "--validate=strict", "-f", str(sample), "-o", "name"
    )

    assert "registry.registry-operator.dev/" in said


@pytest.mark.parametrize("spec", [{}, {"replicas": 2}, {"service": {"port": 80}}])
def test_what_is_left_out_stays_out(cluster: Cluster, spec: dict[str, Any]) -> None:
    """So that a template may set it."""
    assert _dry_run(cluster, _registry(spec))["spec"] == spec


_NULLS = {
    "image": None,
    "imagePullPolicy": None,
    "imagePullSecrets": None,
    "resources": {"limits": None},
    "storage": None,
    "service": {"type": None, "port": None, "loadBalancerSourceRanges": None},
    "config": {"log": None},
    "podTemplate": {"metadata": {"labels": None}},
    "nodeSelector": None,
    "tolerations": None,
    "affinity": {"nodeAffinity": None},
    "topologySpreadConstraints": None,
    "paused": None,
    "deletionPolicy": None,
}


def test_null_is_kept_so_that_it_can_remove_what_a_template_says(cluster: Cluster) -> None:
    stored = _dry_run(cluster, _registry(_NULLS), "--server-side")["spec"]
    template = {"image": "registry:2", "service": {"type": "NodePort"}, "paused": True}
    found = effective(stored, template).spec

    assert stored == _NULLS
    assert found is not None
    assert (found.image, found.service, found.paused) == ("registry:3.1.2", Service(), False)


def test_null_is_kept_by_create_and_dropped_by_client_side_apply(cluster: Cluster) -> None:
    body = json.dumps(_registry(_NULLS, name="created"))
    cluster.kubectl("create", "-f", "-", stdin=body)
    stored = json.loads(cluster.kubectl("get", "reg", "created", "-o", "json"))["spec"]
    cluster.kubectl("delete", "reg", "created")
    applied = _dry_run(cluster, _registry(_NULLS))["spec"]

    assert stored == _NULLS
    assert "image" not in applied
    assert applied["service"] == {}


def test_null_in_a_live_object_is_kept_by_server_side_apply(cluster: Cluster) -> None:
    body = _registry({"replicas": 2}, name="nulled")
    cluster.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(body))
    body["spec"] = {"replicas": 2, "image": None, "config": None}
    cluster.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(body))
    stored = json.loads(cluster.kubectl("get", "reg", "nulled", "-o", "json"))["spec"]
    cluster.kubectl("delete", "reg", "nulled")

    assert stored == {"replicas": 2, "image": None, "config": None}


def test_null_replicas_are_dropped(cluster: Cluster) -> None:
    assert _dry_run(cluster, _registry({"replicas": None, "paused": True}))["spec"] == {
        "paused": True
    }


def test_a_template_takes_what_a_registry_takes_and_refuses_what_it_refuses(
    cluster: Cluster,
) -> None:
    spec = {"replicas": 2, "storage": {"emptyDir": {}}, "config": {"log": {"level": "debug"}}}
    assert _dry_run(cluster, _a_template(spec))["spec"] == spec
    with pytest.raises(ClusterError, match="image must be an image reference"):
        _dry_run(cluster, _a_template({"image": "https://x"}))


@pytest.mark.parametrize("bound", [1, 12, "1%", "25%", "100%"])
def test_a_template_takes_a_number_or_a_share_of_registries(
    cluster: Cluster, bound: object
) -> None:
    spec = {"rollout": {"maxUnavailable": bound}}

    assert _dry_run(cluster, _a_template(spec))["spec"] == spec


@pytest.mark.parametrize("bound", [0, -1, "0%", "101%", "3", "a few", 1_000_001])
def test_a_template_refuses_what_would_let_none_change_or_means_nothing(
    cluster: Cluster, bound: object
) -> None:
    with pytest.raises(ClusterError, match=r"spec\.rollout\.maxUnavailable"):
        _dry_run(cluster, _a_template({"rollout": {"maxUnavailable": bound}}))


def test_a_registry_has_no_roll_out_of_others(cluster: Cluster) -> None:
    with pytest.raises(ClusterError, match=r'unknown field "spec\.rollout"'):
        _dry_run(cluster, _registry({"rollout": {"maxUnavailable": 1}}))


def test_a_registry_that_only_names_a_template_is_accepted(cluster: Cluster) -> None:
    body = _registry({}, template="defaults")
    del body["spec"]

    assert _dry_run(cluster, body)["template"] == "defaults"


def test_what_the_server_stores_is_read_back_by_the_model(cluster: Cluster) -> None:
    spec = {
        "storage": {"s3": {"bucket": "images", "secretRef": {"name": "keys"}}},
        "resources": {"limits": {"cpu": 1, "memory": "1.5Gi"}},
        "config": {"log": {"fields": {"a": [1, {"b": "c"}]}}},
        "tolerations": [{"operator": "Exists"}],
    }

    stored = _dry_run(cluster, _registry(spec))
    read = Registry.model_validate(stored, extra="forbid").spec

    assert read.storage is not None
    assert read.storage.s3 is not None
    assert read.storage.s3.secret_ref is not None
    assert read.storage.s3.secret_ref.access_key_field == "accessKey"
    assert read.resources is not None
    assert read.resources.wire() == spec["resources"]
    assert read.config == spec["config"]


_S3 = {"bucket": "images"}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "two storage kinds": (
        _registry({"storage": {"emptyDir": {}, "s3": _S3}}),
        "spec.storage: Invalid value: storage names more than one kind: keep one of",
    ),
    "one class without the other": (
        _registry({"storage": {"bucketClassName": "x"}}),
        "storage.bucketAccessClass belongs to storage.bucketClassName or storage.bucketClaimName",
    ),
    "port 0": (
        _registry({"service": {"port": 0}}),
        "spec.service.port in body should be greater than or equal to 1",
    ),
    "port 65536": (
        _registry({"service": {"port": 65536}}),
        "spec.service.port in body should be less than or equal to 65535",
    ),
    "a node port without one": (
        _registry({"service": {"type": "ClusterIP", "nodePort": 30000}}),
        "service.nodePort needs service.type NodePort or LoadBalancer: change the type or remove",
    ),
    "an address range that is none": (
        _registry({"service": {"type": "LoadBalancer", "loadBalancerSourceRanges": ["ten"]}}),
        "service.loadBalancerSourceRanges must hold address ranges such as 10.0.0.0/8",
    ),
    "negative replicas": (
        _registry({"replicas": -1}),
        "spec.replicas in body should be greater than or equal to 0",
    ),
    "an image with a scheme": (
        _registry({"image": "https://example.com/registry:3"}),
        'spec.image: Invalid value: "https://example.com/registry:3": image must be an image reference',
    ),
    "no image": (_registry({"image": ""}), "image must be an image reference such as registry:3"),
    "a bucket with a scheme": (
        _registry({"storage": {"s3": {"bucket": "s3://images"}}}),
        "storage.s3.bucket must be the bare name of a bucket",
    ),
    "no bucket": (
        _registry({"storage": {"s3": {}}}),
        "spec.storage.s3: Invalid value: storage.s3 names exactly one bucket: set bucket to its name",
    ),
    "an endpoint without scheme": (
        _registry({"storage": {"s3": {**_S3, "endpoint": "minio:9000"}}}),
        "storage.s3.endpoint must be a URL without path, such as https://s3.example.com",
    ),
    "credentials in the endpoint": (
        _registry({"storage": {"s3": {**_S3, "endpoint": "https://key:secret@minio"}}}),
        "storage.s3.endpoint must be a URL without path",
    ),
    "a label that selectors rely on": (
        _registry({"podTemplate": {"metadata": {"labels": {"app.kubernetes.io/name": "x"}}}}),
        "podTemplate.metadata.labels sets a label that the operator selects pods by: remove",
    ),
    "a quantity that is none": (
        _registry({"resources": {"limits": {"cpu": "much"}}}),
        "spec.resources.limits.cpu in body should match",
    ),
    "half an affinity": (
        _registry(
            {
                "affinity": {
                    "podAffinity": {
                        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1}]
                    }
                }
            }
        ),
        "preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm: Required value",
    ),
    "an unknown policy": (
        _registry({"deletionPolicy": "delete"}),
        "spec.deletionPolicy in body should match '^(Retain|Delete)$'",
    ),
    "a name that no Service can have": (
        _registry({}, name="my.registry"),
        "metadata.name becomes the name of a Service: use at most 52 lower-case letters",
    ),
    "a name too long for children": (
        _registry({}, name="r" * 53),
        "metadata.name becomes the name of a Service: use at most 52 lower-case letters",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_field_and_cure(cluster: Cluster, case: str) -> None:
    body, message = BAD[case]

    with pytest.raises(ClusterError) as refused:
        _dry_run(cluster, body)

    assert message in str(refused.value)


def test_an_unknown_field_is_refused_when_asked_and_dropped_otherwise(cluster: Cluster) -> None:
    body = _registry({"replica": 3})

    with pytest.raises(ClusterError, match=r'unknown field "spec.replica"'):
        _dry_run(cluster, body, "--validate=strict")

    assert "replica" not in _dry_run(cluster, body, "--validate=ignore")["spec"]


def test_the_class_of_a_live_load_balancer_cannot_change(cluster: Cluster) -> None:
    def with_class(name: str) -> str:
        service = {"type": "LoadBalancer", "loadBalancerClass": name}
        return json.dumps(_registry({"service": service}, name="balanced"))

    cluster.kubectl("apply", "-f", "-", stdin=with_class("example.com/a"))
    with pytest.raises(ClusterError, match="cannot change while the Service is a load balancer"):
        cluster.kubectl("apply", "-f", "-", stdin=with_class("example.com/b"))

    cluster.kubectl("patch", "reg", "balanced", "--type=merge", "-p", '{"spec": {"service": null}}')
    cluster.kubectl("apply", "-f", "-", stdin=with_class("example.com/b"))
    found = cluster.kubectl("get", "reg", "balanced", "-o", "jsonpath={.spec.service}")
    cluster.kubectl("delete", "reg", "balanced")

    assert "example.com/b" in found


_COLUMNS = [
    "NAME",
    "READY",
    "REASON",
    "REPLICAS",
    "READYREPLICAS",
    "VERSION",
    "UPGRADE",
    "ENDPOINT",
    "SINCE",
    "AGE",
]
_STATUS = {
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "reason": "Serving",
            "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
    ],
    "replicas": 2,
    "readyReplicas": 2,
    "version": "3.1.2",
    "endpoint": "shown.default.svc:5000",
}


def test_kubectl_shows_whether_it_is_up_where_which_version_and_since_when(
    cluster: Cluster,
) -> None:
    body = _registry({"replicas": 2}, name="shown")
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(body))
    cluster.kubectl(
        *("patch", "reg", "shown", "--subresource=status", "--type=merge"),
        *("-p", json.dumps({"status": _STATUS})),
    )

    header, row = cluster.kubectl("get", "reg", "shown").splitlines()
    cluster.kubectl("delete", "reg", "shown")

    assert header.split() == _COLUMNS
    assert row.split()[:7] == (
        ["shown", "True", "Serving", "2", "2", "3.1.2", "shown.default.svc:5000"]
    )


def test_kubectl_scale_sets_replicas_where_there_were_none_and_nothing_else(
    cluster: Cluster,
) -> None:
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(_registry({}, name="scaled")))

    cluster.kubectl("scale", "registry", "scaled", "--replicas=3")
    spec = json.loads(cluster.kubectl("get", "reg", "scaled", "-o", "json"))["spec"]
    cluster.kubectl("delete", "reg", "scaled")

    assert spec == {"replicas": 3}


def test_a_status_is_written_by_the_subresource_only(cluster: Cluster) -> None:
    body = _registry({}, name="reported", status={"version": "9"})

    stored = _dry_run(cluster, body)

    assert "status" not in stored


def test_our_kinds_are_listed_by_their_category(cluster: Cluster) -> None:
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(_registry({}, name="listed")))

    listed = cluster.kubectl("get", "registry-operator", "-o", "name")
    cluster.kubectl("delete", "reg", "listed")

    assert listed.split() == ["registry.registry-operator.dev/listed"]
