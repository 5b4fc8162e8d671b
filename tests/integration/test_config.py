"""What users install is accepted by a real API server: every overlay, the samples, the pod."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from hack.cluster.cluster import Cluster
from hack.cluster.error import ClusterError

pytestmark = pytest.mark.integration

_CONFIG = Path(__file__).resolve().parents[2] / "config"
_NAMESPACE = "registry-operator-system"
_ACCOUNT = f"system:serviceaccount:{_NAMESPACE}:registry-operator"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A control plane on which the development overlay was installed as the README says."""
    running = Cluster.up(
        "config-test", profile="control-plane", controller_manager=False, scheduler=False
    )
    try:
        running.kubectl("apply", "-k", str(_CONFIG / "overlays" / "development"))
        crd = "customresourcedefinition/registries.registry-operator.dev"
        running.kubectl("wait", "--for=condition=Established", crd, "--timeout=30s")

        yield running
    finally:
        running.down()


@pytest.mark.parametrize("overlay", ["development", "staging", "production", "test"])
def test_an_overlay_is_accepted(cluster: Cluster, overlay: str) -> None:
    answer = cluster.kubectl(
        *("apply", "--server-side", "--force-conflicts", "--dry-run=server"),
        *("--validate=strict", "-k", str(_CONFIG / "overlays" / overlay)),
    )

    assert "deployment.apps/registry-operator serverside-applied" in answer


def test_installing_twice_changes_nothing(cluster: Cluster) -> None:
    answer = cluster.kubectl("apply", "-k", str(_CONFIG / "overlays" / "development"))

    assert [line for line in answer.splitlines() if not line.endswith(" unchanged")] == []


def test_samples_are_accepted(cluster: Cluster) -> None:
    answer = cluster.kubectl(
        *("apply", "--dry-run=server", "--validate=strict", "-k", str(_CONFIG / "samples"))
    )

    assert answer.count("registry.registry-operator.dev/") == 15
    assert answer.count("registrytemplate.registry-operator.dev/") == 1


def test_the_pod_is_admitted_where_restricted_is_enforced(cluster: Cluster) -> None:
    deployment = json.loads(
        cluster.kubectl("get", "deployment/registry-operator", "-n", _NAMESPACE, "-o", "json")
    )
    template = deployment["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", "spec": template["spec"]}
    create = ("create", "--dry-run=server", "-n", _NAMESPACE, "-f", "-")

    accepted = cluster.kubectl(*create, stdin=yaml.safe_dump(pod | {"metadata": {"name": "a"}}))
    template["spec"]["containers"][0]["securityContext"] = {"privileged": True}

    assert accepted.startswith("pod/a created")
    with pytest.raises(ClusterError, match="violates PodSecurity"):
        cluster.kubectl(*create, stdin=yaml.safe_dump(pod | {"metadata": {"name": "b"}}))


@pytest.mark.parametrize(
    ("verb", "resource", "namespace", "expected"),
    [
        ("create", "leases.coordination.k8s.io", _NAMESPACE, "yes"),
        ("update", "leases.coordination.k8s.io", _NAMESPACE, "yes"),
        ("create", "leases.coordination.k8s.io", "default", "no"),
        ("watch", "registries.registry-operator.dev", "default", "yes"),
        ("delete", "registries.registry-operator.dev", "default", "no"),
        ("patch", "deployments.apps", "default", "yes"),
        ("create", "pods", "default", "yes"),
        ("deletecollection", "pods", "default", "no"),
    ],
)
def test_the_operators_account_may_do_its_work_and_no_more(
    cluster: Cluster, verb: str, resource: str, namespace: str, expected: str
) -> None:
    question = ("auth", "can-i", verb, resource, "--as", _ACCOUNT, "-n", namespace)

    assert cluster.kubectl(*question, check=False).strip() == expected
