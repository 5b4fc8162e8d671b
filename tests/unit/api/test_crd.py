"""The CustomResourceDefinitions as wholes."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from registry_operator.api.crd import DEFINITIONS, crd, to_yaml
from registry_operator.api.definition import Column, Definition
from registry_operator.api.types import Model

REGISTRY = crd(DEFINITIONS[0])
_VERSION = REGISTRY["spec"]["versions"][0]
_SCHEMA = _VERSION["schema"]["openAPIV3Schema"]
_FORBIDDEN = {
    "$ref",
    "$defs",
    "const",
    "title",
    "oneOf",
    "allOf",
    "uniqueItems",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "discriminator",
}


def _schemas(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from _schemas(inner, f"{path}.{name}")

    for part in ("items", "additionalProperties"):
        if isinstance(schema.get(part), dict):
            yield from _schemas(schema[part], f"{path}.{part}")


ALL = dict(_schemas(_SCHEMA))


class _Thing(Model):
    """A thing."""


def test_a_kind_needs_no_more_than_model_names_and_columns() -> None:
    thing = Definition(
        model=_Thing,
        kind="Thing",
        plural="things",
        namespaced=False,
        columns=(Column("Age", ".metadata.creationTimestamp", type="date"),),
    )

    made = crd(thing)

    assert made["metadata"]["name"] == "things.registry-operator.dev"
    assert made["spec"]["scope"] == "Cluster"
    assert made["spec"]["names"] == {
        "kind": "Thing",
        "listKind": "ThingList",
        "plural": "things",
        "singular": "thing",
    }
    assert made["spec"]["versions"][0]["subresources"] == {"status": {}}


def test_the_registry_can_be_scaled_and_reports_by_status() -> None:
    assert _VERSION["subresources"] == {
        "status": {},
        "scale": {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        },
    }


@pytest.mark.parametrize("path", ["specReplicasPath", "statusReplicasPath", "labelSelectorPath"])
def test_scale_points_at_fields_that_exist(path: str) -> None:
    assert _VERSION["subresources"]["scale"][path] in ALL


def test_columns_point_at_fields_that_exist() -> None:
    for column in _VERSION["additionalPrinterColumns"]:
        field = column["jsonPath"].partition("[")[0]
        assert field in ALL or field == ".metadata.creationTimestamp"


def test_only_the_columns_that_explain_are_wide() -> None:
    narrow = [c["name"] for c in _VERSION["additionalPrinterColumns"] if "priority" not in c]

    assert narrow == [
        *("Ready", "Reason", "Replicas", "ReadyReplicas", "Version", "Upgrade", "Endpoint"),
        *("Since", "Age"),
    ]


def test_no_schema_holds_a_keyword_that_the_api_server_drops_or_refuses() -> None:
    assert {path: schema for path, schema in ALL.items() if schema.keys() & _FORBIDDEN} == {}


def test_every_schema_has_a_type() -> None:
    typed = (
        *("type", "x-kubernetes-int-or-string"),
        "x-kubernetes-preserve-unknown-fields",
    )

    assert [path for path, schema in ALL.items() if not any(key in schema for key in typed)] == []


def test_every_list_and_map_is_bounded() -> None:
    unbounded = [
        path
        for path, schema in ALL.items()
        if (schema.get("type") == "array" and "maxItems" not in schema)
        or ("additionalProperties" in schema and "maxProperties" not in schema)
    ]

    assert unbounded == []


def test_every_field_of_ours_is_described() -> None:
    selectors = (
        ".spec.storage.persistentVolumeClaimTemplate.selector.",
        ".spec.storage.ephemeral.volumeClaimTemplate.spec.selector.",
    )
    placing = (".spec.affinity.", ".spec.tolerations.", ".spec.topologySpreadConstraints.")
    core = (*placing, *selectors)
    plain = {"apiVersion", "kind", "metadata", "items", "additionalProperties", "name", "type"}
    silent = [
        path
        for path, schema in ALL.items()
        if not (path.startswith((*core, ".status.conditions.")) or "description" in schema)
    ]

    assert [path for path in silent if path.rpartition(".")[2] not in plain] == []


def test_the_api_server_writes_no_default_into_what_a_user_wrote() -> None:
    assert [path for path, schema in ALL.items() if "default" in schema] == []


def test_defaults_are_told_down_to_the_leaves() -> None:
    told = {
        path: s["description"].rpartition(" Defaults to ")[2].removesuffix(".")
        for path, s in ALL.items()
        if " Defaults to " in s.get("description", "")
    }

    assert told == {
        ".spec.replicas": "1",
        ".spec.image": "registry:3.1.2",
        ".spec.healthCheck.enabled": "true",
        ".spec.healthCheck.intervalSeconds": "60",
        ".spec.healthCheck.timeoutSeconds": "20",
        ".spec.service.type": "ClusterIP",
        ".spec.service.port": "5000",
        ".spec.upgrade.policy": "Supported",
        ".spec.upgrade.canary": "true",
        ".spec.upgrade.rollback": "true",
        ".spec.upgrade.compareTraffic": "true",
        ".spec.upgrade.paused": "false",
        ".spec.upgrade.progressDeadlineSeconds": "600",
        ".spec.storage.s3.secretRef.accessKeyField": "accessKey",
        ".spec.storage.s3.secretRef.secretKeyField": "secretKey",
        ".spec.storage.gcs.secretRef.key": "key.json",
        ".spec.storage.azure.secretRef.accountKeyField": "accountKey",
        **{
            f".spec.storage.{cloud}.caBundle.{source}.key": "ca.crt"
            for cloud in ("s3", "gcs", "azure")
            for source in ("configMapRef", "secretRef")
        },
        ".spec.autoscaling.minReplicas": "1",
        ".spec.disruptionBudget.enabled": "true",
        ".spec.paused": "false",
        ".spec.deletionPolicy": "Retain",
    }


def test_what_may_be_left_out_may_be_null_and_what_is_required_may_not() -> None:
    assert ALL[".spec.image"]["nullable"] is True
    assert ALL[".spec.storage.s3.secretRef"]["nullable"] is True
    assert ALL[".spec.storage.s3.region"]["nullable"] is True
    assert "nullable" not in ALL[".spec.storage.gcs.bucket"]


def test_replicas_may_not_be_null_as_the_scale_subresource_fails_on_it() -> None:
    assert "nullable" not in ALL[".spec.replicas"]


def test_no_message_of_a_rule_is_longer_than_the_api_server_takes() -> None:
    rules = [rule for s in ALL.values() for rule in s.get("x-kubernetes-validations", [])]

    assert len(rules) >= 10
    for rule in rules:
        assert "\n" not in rule["message"]
        assert len(rule["message"]) <= 2048


def test_the_crd_stays_small_enough_for_client_side_apply() -> None:
    assert len(to_yaml(REGISTRY)) < 200_000


def test_yaml_is_the_same_object_and_the_same_text() -> None:
    text = to_yaml(REGISTRY)

    assert yaml.safe_load(text) == REGISTRY
    assert to_yaml(crd(DEFINITIONS[0])) == text
