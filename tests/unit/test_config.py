"""What users install fits together: names, settings, rights and limits, without a cluster's help."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner

from controllers.registry.sharing import place_of
from registry_operator import cli
from registry_operator.api.registry import Registry
from registry_operator.kube.object import Object
from registry_operator.runtime.debug import loopback
from registry_operator.runtime.lease import Election
from registry_operator.runtime.operator import Settings
from registry_operator.settings import RunSettings

_ROOT = Path(__file__).resolve().parents[2]
_CONFIG = _ROOT / "config"
_OVERLAYS = ("development", "staging", "production", "test")
_NAMESPACE = "registry-operator-system"


def _documents(path: Path) -> list[dict[str, Any]]:
    return [body for body in yaml.safe_load_all(path.read_text()) if body]


def _kustomization(folder: Path) -> dict[str, Any]:
    (body,) = _documents(folder / "kustomization.yaml")

    return body


def _one(kind: str, name: str, *, below: Path = _CONFIG) -> dict[str, Any]:
    (found,) = [
        body
        for path in sorted(below.rglob("*.yaml"))
        if "overlays" not in path.relative_to(below).parts
        for body in _documents(path)
        if (body["kind"], body.get("metadata", {}).get("name")) == (kind, name)
    ]

    return found


def _deployment() -> dict[str, Any]:
    return _one("Deployment", "registry-operator")


def _pod() -> dict[str, Any]:
    pod: dict[str, Any] = _deployment()["spec"]["template"]["spec"]

    return pod


def _container() -> dict[str, Any]:
    (container,) = _pod()["containers"]
    assert isinstance(container, dict)

    return container


def _environments() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "base", _container()
    for path in (_CONFIG / "overlays").rglob("*.yaml"):
        for body in _documents(path):
            if body["kind"] == "Deployment":
                (container,) = body["spec"]["template"]["spec"]["containers"]
                yield path.parent.name, container


@pytest.mark.parametrize("path", sorted(_CONFIG.rglob("kustomization.yaml")), ids=str)
def test_a_kustomization_names_only_what_exists(path: Path) -> None:
    body = _kustomization(path.parent)
    named = [*body["resources"], *(patch["path"] for patch in body.get("patches", []))]

    assert [name for name in named if not (path.parent / name).exists()] == []


@pytest.mark.parametrize(
    "folder", ["rbac", "manager", "samples", *map("overlays/{}".format, _OVERLAYS)]
)
def test_every_file_of_a_folder_is_used(folder: str) -> None:
    body = _kustomization(_CONFIG / folder)
    named = {*body["resources"], *(patch["path"] for patch in body.get("patches", []))}
    files = {path.name for path in (_CONFIG / folder).glob("*.yaml")} - {"kustomization.yaml"}

    assert files <= named


def test_every_generated_crd_is_installed() -> None:
    files = {path.name for path in (_ROOT / "crds").glob("*.yaml")} - {"kustomization.yaml"}

    assert files == set(_kustomization(_ROOT / "crds")["resources"])


@pytest.mark.parametrize("overlay", _OVERLAYS)
def test_an_overlay_installs_crds_rights_and_the_operator(overlay: str) -> None:
    resources = _kustomization(_CONFIG / "overlays" / overlay)["resources"]

    assert resources[:3] == ["../../crd", "../../rbac", "../../manager"]


def test_the_namespace_enforces_the_restricted_pod_security_standard() -> None:
    labels = _one("Namespace", _NAMESPACE)["metadata"]["labels"]

    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_pod_meets_the_restricted_pod_security_standard() -> None:
    pod, own = _pod()["securityContext"], _container()["securityContext"]

    assert pod["runAsNonRoot"] is True
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert own == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_user_is_the_one_that_the_image_names() -> None:
    context = _pod()["securityContext"]
    user = f"USER {context['runAsUser']}:{context['runAsGroup']}"

    assert user in (_ROOT / "Containerfile").read_text().splitlines()


def test_only_the_operators_pod_gets_a_token() -> None:
    account = _one("ServiceAccount", "registry-operator")

    assert account["automountServiceAccountToken"] is False
    assert _pod()["automountServiceAccountToken"] is True
    assert _pod()["serviceAccountName"] == account["metadata"]["name"]


@pytest.mark.parametrize("overlay", _OVERLAYS)
def test_settings_of_an_overlay_are_understood_by_the_command(overlay: str) -> None:
    variables = {
        entry["name"]: entry["value"]
        for where, container in _environments()
        if where in {"base", overlay}
        for entry in container.get("env", [])
        if "value" in entry
    }
    known = {option.envvar for option in cli.run.params if isinstance(option, click.Option)}

    with CliRunner().isolation(env=variables):
        settings = cli.run.make_context("run", list(_container()["args"][1:])).params

    assert variables.keys() <= known
    assert settings["leader_elect"] is True
    assert settings["log_format"] == ("console" if overlay == "development" else "json")


def test_the_operator_learns_its_namespace_and_always_elects_a_leader() -> None:
    environment = {entry["name"]: entry for entry in _container()["env"]}

    field = environment["POD_NAMESPACE"]["valueFrom"]["fieldRef"]["fieldPath"]
    assert field == "metadata.namespace"
    assert environment["REGISTRY_OPERATOR_LEADER_ELECT"]["value"] == "true"


@pytest.mark.parametrize(
    ("probe", "path"),
    [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")],
)
def test_probes_ask_the_health_port(probe: str, path: str) -> None:
    ports = {port["name"]: port["containerPort"] for port in _container()["ports"]}
    request = _container()[probe]["httpGet"]

    assert (request["path"], ports[request["port"]]) == (path, 8081)


def test_stopping_leaves_more_time_than_the_operator_takes() -> None:
    grace, lease_and_events = Settings(name="any").grace, 15

    assert _pod()["terminationGracePeriodSeconds"] >= grace + lease_and_events


def test_the_lease_is_let_go_when_the_kubelet_gives_up_on_a_process_that_does_not_answer() -> None:
    probe = _container()["livenessProbe"]
    failures = probe.get("failureThreshold", 3)  # Kubernetes' default

    assert Election("a", "system", "operator").silence == failures * probe["periodSeconds"]


def test_the_metrics_service_selects_the_operators_pods_and_only_the_metrics_port() -> None:
    service = _one("Service", "registry-operator-metrics")
    labels = _deployment()["spec"]["template"]["metadata"]["labels"]

    assert service["spec"]["selector"].items() <= labels.items()
    assert [port["targetPort"] for port in service["spec"]["ports"]] == ["metrics"]


def test_the_state_is_served_to_the_pod_itself_and_to_nobody_else() -> None:
    address = RunSettings().for_runtime(own_namespace="x").debug
    assert address is not None
    addresses = loopback(address.host)
    ports = {port["containerPort"] for port in _container()["ports"]}
    everything = [text for path in _CONFIG.rglob("*.yaml") for text in path.read_text().split()]

    assert addresses == ("127.0.0.1", "::1")
    assert address.port not in ports
    assert str(address.port) not in everything


@pytest.mark.parametrize("kind", ["ClusterRoleBinding", "RoleBinding"])
def test_rights_are_bound_to_the_operators_account(kind: str) -> None:
    (binding,) = [
        body
        for path in (_CONFIG / "rbac").glob("*.yaml")
        for body in _documents(path)
        if body["kind"] == kind
    ]

    role = _one(binding["roleRef"]["kind"], binding["roleRef"]["name"])
    subject = {"kind": "ServiceAccount", "name": "registry-operator", "namespace": _NAMESPACE}
    assert role["rules"]
    assert binding["subjects"] == [subject]


def test_no_right_of_the_operator_is_a_wildcard() -> None:
    rules = _one("ClusterRole", "registry-operator")["rules"]
    words = {word for rule in rules for words in rule.values() for word in words}

    assert "*" not in words


def test_leader_election_has_no_rights_outside_the_operators_namespace() -> None:
    groups = {
        group
        for rule in _one("ClusterRole", "registry-operator")["rules"]
        for group in rule.get("apiGroups", [])
    }

    assert "coordination.k8s.io" not in groups


def test_production_has_two_replicas_of_which_evictions_take_one_at_most() -> None:
    folder = _CONFIG / "overlays" / "production"
    budget = _one("PodDisruptionBudget", "registry-operator", below=folder)["spec"]
    labels = _deployment()["spec"]["template"]["metadata"]["labels"]

    assert _kustomization(folder)["replicas"] == [{"name": "registry-operator", "count": 2}]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"].items() <= labels.items()


def test_production_lets_in_metrics_from_labelled_namespaces_and_probes_only() -> None:
    folder = _CONFIG / "overlays" / "production"
    policy = _one("NetworkPolicy", "registry-operator", below=folder)["spec"]
    by_port = {port["port"]: rule for rule in policy["ingress"] for port in rule["ports"]}

    assert set(by_port) == {"metrics", "probes"}
    assert by_port["metrics"]["from"] == [
        {
            "namespaceSelector": {
                "matchLabels": {"registry-operator.dev/monitoring": "enabled"},
            }
        }
    ]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}


def _samples() -> list[dict[str, Any]]:
    return [
        body
        for path in sorted((_CONFIG / "samples").glob("registry*.yaml"))
        for body in _documents(path)
    ]


def test_every_sample_registry_is_valid() -> None:
    registries = [body for body in _samples() if body["kind"] == "Registry"]
    kinds = {
        storage.kind
        for body in registries
        if (storage := Registry.model_validate(body).spec.storage) is not None
    }

    assert kinds == {"bucket", "s3", "gcs", "azure", "emptyDir"}


def test_the_secret_of_a_sample_has_the_keys_that_its_registry_asks_for() -> None:
    secrets = {body["metadata"]["name"]: body for body in _samples() if body["kind"] == "Secret"}
    asked: dict[str, set[str]] = {}
    for body in _samples():
        if body["kind"] == "Registry":
            storage = Registry.model_validate(body).spec.storage
            reference = storage.cloud.secret_ref if storage and storage.cloud else None
            if reference is not None:
                keys = reference.model_dump(exclude={"name"})
                asked[reference.name] = set(keys.values())

    assert asked == {name: set(body["stringData"]) for name, body in secrets.items()}


def test_registries_of_the_samples_do_not_share_a_folder_of_a_bucket() -> None:
    places = [
        place_of(body["spec"], Object.of(body)) for body in _samples() if body["kind"] == "Registry"
    ]
    told = [place for place in places if place is not None]

    assert len(told) == len(set(told))
