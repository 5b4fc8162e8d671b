"""The Deployment: pods that are admitted anywhere, find their files, and tell the truth."""

from dataclasses import replace
from typing import Any

import pytest

from controllers.registry.deployment import desired
from controllers.registry.inputs import Referent, RegistryInputs
from controllers.registry.pod_template import HTTP_SECRET_ANNOTATION
from registry_operator.api.names import LABEL_INSTANCE, child_labels, selector_labels
from registry_operator.runtime.outcome import Blocked, Stalled
from registry_operator.testing.builders import CLAIM, S3, a_registry, an_object
from registry_operator.testing.claims import a_volume_claim
from tests.unit.controllers.registry.pod_security import violations
from tests.unit.controllers.registry.snapshots import body_of, holding, serving

KEYS = holding(accessKey="A", secretKey="B")


def a_spec(registry: dict[str, Any] | None = None) -> dict[str, Any]:
    spec: dict[str, Any] = body_of(desired(serving(registry, credentials=KEYS)))["spec"]
    return spec


def a_template(**spec: Any) -> dict[str, Any]:
    template: dict[str, Any] = a_spec(a_registry(**spec))["template"]
    return template


def a_pod_spec(**spec: Any) -> dict[str, Any]:
    pod: dict[str, Any] = a_template(**spec)["spec"]
    return pod


def a_container(**spec: Any) -> dict[str, Any]:
    (container,) = a_pod_spec(**spec)["containers"]
    return dict(container)


@pytest.mark.parametrize("spec", [{}, {"storage": S3}, {"image": "registry:2.8.3"}])
def test_its_pods_pass_pod_security_restricted(spec: dict[str, Any]) -> None:
    assert violations(a_pod_spec(**spec)) == []


def test_pod_security_is_judged_at_all() -> None:
    pod = a_pod_spec()
    pod["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    pod["volumes"].append({"name": "x", "hostPath": {"path": "/"}})

    assert violations(pod) == ["volume {'hostPath'}", "allowPrivilegeEscalation"]


def test_its_pods_have_an_identity_without_token_and_no_service_links() -> None:
    pod = a_pod_spec()

    assert pod["serviceAccountName"] == "images"
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


def test_liveness_and_start_up_do_not_depend_on_the_storage_and_readiness_does() -> None:
    container = a_container()

    for probe in ("livenessProbe", "startupProbe"):
        assert container[probe]["tcpSocket"] == {"port": "http"}
        assert "httpGet" not in container[probe]
    assert container["readinessProbe"]["httpGet"]["path"] == "/"


def test_draining_ends_within_the_grace_period() -> None:
    pod = a_pod_spec()
    sleep = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]

    assert pod["terminationGracePeriodSeconds"] >= sleep + 60


def test_the_file_is_mounted_where_the_command_reads_it() -> None:
    snapshot = serving()
    pod = body_of(desired(snapshot))["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    config = snapshot.children.configurations[0].name

    assert container["command"] == ["registry"]
    assert container["args"] == ["serve", "/etc/registry-operator/config.yml"]
    assert container["volumeMounts"][0]["mountPath"] == "/etc/registry-operator"
    assert pod["volumes"][0]["secret"] == {"secretName": config, "defaultMode": 0o440}


def test_the_http_secret_is_read_by_reference() -> None:
    env = {one["name"]: one for one in a_container()["env"]}

    assert env["REGISTRY_HTTP_SECRET"]["valueFrom"]["secretKeyRef"] == {
        "name": "images-http-secret",
        "key": "http-secret",
    }


def test_a_new_http_secret_rolls_the_pods() -> None:
    snapshot = serving()
    before = body_of(desired(snapshot))["spec"]["template"]
    other = replace(snapshot.children, http_secret=snapshot.children.service_account)
    after = body_of(desired(replace(snapshot, children=other)))["spec"]["template"]

    assert before["metadata"]["annotations"][HTTP_SECRET_ANNOTATION] == "uid-images-http-secret"
    assert before != after


def test_an_empty_dir_is_mounted_as_data_and_a_bucket_needs_none() -> None:
    storage = {"emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}
    pod = a_pod_spec(storage=storage)
    assert pod["volumes"][1] == {"name": "data", "emptyDir": storage["emptyDir"]}
    assert pod["containers"][0]["volumeMounts"][1]["mountPath"] == "/var/lib/registry"

    pod = a_pod_spec(storage=S3)
    assert [volume["name"] for volume in pod["volumes"]] == ["config"]
    assert len(pod["containers"][0]["volumeMounts"]) == 1


def on_claim(**storage: Any) -> dict[str, Any]:
    """The spec of the Deployment of a Registry on a claim that is bound."""
    registry = a_registry(storage=storage)
    claim = an_object(a_volume_claim(registry, accessModes=["ReadWriteMany"]))
    state = Referent(known=True, found=claim)
    spec: dict[str, Any] = body_of(desired(serving(registry, volume_claim=state)))["spec"]
    return spec


def test_a_claim_is_mounted_by_pods_that_never_overlap() -> None:
    spec = on_claim(persistentVolumeClaim={"claimName": "theirs"})
    pod = spec["template"]["spec"]

    assert spec["strategy"] == {"type": "Recreate"}
    assert pod["volumes"][1] == {"name": "data", "persistentVolumeClaim": {"claimName": "theirs"}}
    assert pod["containers"][0]["volumeMounts"][1] == {
        "name": "data",
        "mountPath": "/var/lib/registry",
    }
    assert pod["securityContext"]["fsGroup"] == 65532


def test_pods_of_a_shared_volume_replace_each_other_one_by_one() -> None:
    spec = on_claim(persistentVolumeClaim={"claimName": "theirs"}, shareVolume=True)

    assert spec["strategy"]["type"] == "RollingUpdate"


def test_a_volume_that_is_only_read_is_mounted_so() -> None:
    pod = on_claim(persistentVolumeClaim={"claimName": "theirs", "readOnly": True})["template"][
        "spec"
    ]

    assert pod["volumes"][1]["persistentVolumeClaim"]["readOnly"] is True
    assert pod["containers"][0]["volumeMounts"][1]["readOnly"] is True


def test_pods_on_a_claim_pass_pod_security_restricted() -> None:
    assert violations(on_claim(**NAMED)["template"]["spec"]) == []
    ephemeral = {"volumeClaimTemplate": {"spec": CLAIM["persistentVolumeClaimTemplate"]}}
    assert violations(a_pod_spec(storage={"ephemeral": ephemeral})) == []


NAMED = {"persistentVolumeClaim": {"claimName": "theirs"}}


def test_its_selector_never_changes_and_matches_its_pods() -> None:
    spec = a_spec()

    assert spec["selector"]["matchLabels"] == selector_labels("images")
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()


def test_a_roll_out_never_serves_with_fewer_pods() -> None:
    assert a_spec()["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


@pytest.mark.parametrize("replicas", [0, 1, 7])
def test_replicas_are_as_specified(replicas: int) -> None:
    assert a_spec(a_registry(storage=S3, replicas=replicas))["replicas"] == replicas


def test_metadata_of_the_user_is_added_and_cannot_replace_ours() -> None:
    metadata = {
        "labels": {"team": "a", LABEL_INSTANCE: "forged"},
        "annotations": {"x": "y", HTTP_SECRET_ANNOTATION: "forged"},
    }
    told = a_template(podTemplate={"metadata": metadata})["metadata"]

    assert told["labels"] == {"team": "a", **child_labels("images")}
    assert told["annotations"]["x"] == "y"
    assert told["annotations"][HTTP_SECRET_ANNOTATION] != "forged"
    assert a_template(podTemplate={})["metadata"]["labels"] == child_labels("images")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("imagePullSecrets", [{"name": "pull"}]),
        ("nodeSelector", {"disk": "ssd"}),
        ("tolerations", [{"key": "a", "operator": "Exists"}]),
        ("priorityClassName", "important"),
    ],
)
def test_where_pods_run_is_the_users_to_say(field: str, value: Any) -> None:
    assert a_pod_spec(**{field: value})[field] == value
    assert field not in a_pod_spec()


def test_image_pull_policy_and_resources_are_passed_on() -> None:
    resources = {"limits": {"memory": "1Gi"}, "requests": {"cpu": "100m"}}
    container = a_container(image="registry:3.1.1", imagePullPolicy="Always", resources=resources)

    assert container["image"] == "registry:3.1.1"
    assert container["imagePullPolicy"] == "Always"
    assert container["resources"] == resources
    assert "imagePullPolicy" not in a_container()
    assert "resources" not in a_container()


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ({"configurations": ()}, "WaitingForConfiguration"),
        ({"http_secret": None}, "WaitingForIdentity"),
        ({"service_account": None}, "WaitingForIdentity"),
    ],
)
def test_what_its_pods_refer_to_comes_first(missing: dict[str, Any], reason: str) -> None:
    outcome = desired(serving(**missing))

    assert isinstance(outcome, Blocked)
    assert outcome.reason == reason


def test_a_configuration_that_cannot_be_made_stops_it() -> None:
    outcome = desired(_with_spec(serving(), storage=None))

    assert isinstance(outcome, Stalled)
    assert outcome.reason == "StorageNotSpecified"


def _with_spec(snapshot: RegistryInputs, **changed: Any) -> RegistryInputs:
    return replace(snapshot, spec=snapshot.wanted.model_copy(update=changed))
