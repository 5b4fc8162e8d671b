"""The pods' own identity at a cloud: annotations, and pods that are made when they are there."""

from dataclasses import replace
from typing import Any

from controllers.registry import deployment, service_account
from controllers.registry.identity import ANNOTATION
from registry_operator.runtime.outcome import Blocked
from registry_operator.testing.builders import a_registry, a_service_account, an_object
from tests.unit.controllers.registry.snapshots import a_snapshot, body_of, serving

ROLE = "eks.amazonaws.com/role-arn"
CLIENT = "azure.workload.identity/client-id"


def a_registry_as(**annotations: str) -> dict[str, Any]:
    storage = {"s3": {"bucket": "b"}}
    return a_registry(storage=storage, serviceAccount={"annotations": annotations})


def a_template(registry: dict[str, Any]) -> dict[str, Any]:
    account = a_service_account(registry)
    wanted = registry["spec"].get("serviceAccount", {}).get("annotations", {})
    account["metadata"]["annotations"] = {**wanted, "of-others": "x"}
    snapshot = serving(registry, service_account=an_object(account))
    template: dict[str, Any] = body_of(deployment.desired(snapshot))["spec"]["template"]
    return template


def test_the_service_account_has_the_annotations_that_are_asked_for() -> None:
    body = body_of(service_account.desired(a_snapshot(a_registry_as(**{ROLE: "arn"}))))

    assert body["metadata"]["annotations"] == {ROLE: "arn"}
    assert "annotations" not in body_of(service_account.desired(a_snapshot()))["metadata"]


def test_annotations_of_the_operators_own_are_not_passed_on() -> None:
    registry = a_registry_as(**{"registry-operator.dev/intent": "forged"})

    assert "annotations" not in body_of(service_account.desired(a_snapshot(registry)))["metadata"]


def test_pods_are_made_once_the_service_account_has_its_annotations() -> None:
    registry = a_registry_as(**{ROLE: "arn"})
    waiting = deployment.desired(serving(registry))

    assert isinstance(waiting, Blocked)
    assert waiting.reason == "WaitingForIdentity"
    assert a_template(registry)["spec"]["serviceAccountName"] == "images"


def test_another_identity_makes_the_pods_anew_and_none_leaves_them_as_they_were() -> None:
    one, two = (
        a_template(a_registry_as(**{ROLE: arn}))["metadata"]["annotations"] for arn in ("a", "b")
    )

    assert one[ANNOTATION] != two[ANNOTATION]
    assert "arn" not in one[ANNOTATION]
    plain = a_registry(storage={"s3": {"bucket": "b"}})
    assert ANNOTATION not in a_template(plain)["metadata"]["annotations"]
    assert a_template(a_registry_as())["metadata"] == a_template(plain)["metadata"]


def test_pods_carry_the_label_of_azure_only_with_its_annotation() -> None:
    label = "azure.workload.identity/use"

    assert a_template(a_registry_as(**{CLIENT: "id"}))["metadata"]["labels"][label] == "true"
    assert label not in a_template(a_registry_as(**{ROLE: "arn"}))["metadata"]["labels"]


def test_the_selector_does_not_follow_the_identity() -> None:
    registry = a_registry_as(**{CLIENT: "id"})
    account = a_service_account(registry)
    account["metadata"]["annotations"] = {CLIENT: "id"}
    snapshot = serving(registry, service_account=an_object(account))
    with_it = body_of(deployment.desired(snapshot))["spec"]["selector"]

    plain = serving(a_registry(storage={"s3": {"bucket": "b"}}))
    assert with_it == body_of(deployment.desired(replace(plain)))["spec"]["selector"]
