"""Reading a Registry."""

from typing import Any

import pytest
from pydantic import ValidationError

from registry_operator.api.registry import Registry, RegistrySpec

_SAMPLE: dict[str, Any] = {
    "apiVersion": "registry-operator.dev/v1alpha1",
    "kind": "Registry",
    "metadata": {"name": "my-registry"},
    "spec": {
        "replicas": 3,
        "image": "registry:2",
        "storage": {
            "bucketClassName": "my-s3-class",
            "bucketAccessClass": "my-s3-access-class",
        },
        "resources": {
            "requests": {"cpu": "500m", "memory": "1Gi"},
            "limits": {"cpu": "1", "memory": "2Gi"},
        },
        "service": {"type": "ClusterIP", "port": 5000},
    },
}


def test_the_sample_of_the_requirements_is_read_without_a_rest() -> None:
    spec = Registry.model_validate(_SAMPLE, extra="forbid").spec

    assert (spec.replicas, spec.image) == (3, "registry:2")
    assert spec.storage is not None
    assert spec.storage.kind == "bucket"
    assert spec.resources is not None
    assert spec.resources.wire() == _SAMPLE["spec"]["resources"]


def test_an_empty_specification_has_every_default() -> None:
    spec = Registry.model_validate({"metadata": {"name": "a"}}).spec

    assert spec == RegistrySpec()
    assert (spec.replicas, spec.image, spec.paused) == (1, "registry:3.1.2", False)
    assert (spec.service.type, spec.service.port) == ("ClusterIP", 5000)
    assert spec.deletion_policy == "Retain"
    assert spec.storage is None


def test_a_template_is_named_at_the_top() -> None:
    assert Registry.model_validate({**_SAMPLE, "template": "base"}).template == "base"


def test_metadata_is_kept_as_it_is() -> None:
    metadata = {"name": "a", "labels": {"x": "y"}, "managedFields": [{"anything": 1}]}

    assert Registry.model_validate({**_SAMPLE, "metadata": metadata}).metadata == metadata


def test_json_of_the_server_is_read_like_a_mapping() -> None:
    raw = b'{"metadata": {"name": "a"}, "spec": {"replicas": 2, "config": {"log": {"level": "debug"}}}}'

    spec = Registry.model_validate_json(raw).spec

    assert spec.replicas == 2
    assert spec.config == {"log": {"level": "debug"}}


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"replicas": -1}, "spec.replicas"),
        ({"replicas": 101}, "spec.replicas"),
        ({"replicas": "3"}, "spec.replicas"),
        ({"imagePullPolicy": "Sometimes"}, "spec.imagePullPolicy"),
        ({"imagePullSecrets": [{"name": ""}]}, "spec.imagePullSecrets.0.name"),
        ({"service": {"port": 0}}, "spec.service.port"),
        ({"service": {"port": 65536}}, "spec.service.port"),
        ({"service": {"nodePort": 70000}}, "spec.service.nodePort"),
        ({"service": {"type": "ExternalName"}}, "spec.service.type"),
        ({"config": []}, "spec.config"),
        ({"paused": "yes"}, "spec.paused"),
        ({"deletionPolicy": "delete"}, "spec.deletionPolicy"),
        (
            {"podTemplate": {"metadata": {"labels": {"a": "b c"}}}},
            "spec.podTemplate.metadata.labels.a",
        ),
        ({"tolerations": [{"effect": "Never"}]}, "spec.tolerations.0.effect"),
    ],
)
def test_a_bad_value_is_told_by_its_path(spec: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Registry.model_validate({"metadata": {"name": "a"}, "spec": spec})

    assert ".".join(str(part) for part in refused.value.errors()[0]["loc"]) == field


def test_another_kind_is_not_read_as_a_registry() -> None:
    with pytest.raises(ValidationError):
        Registry.model_validate({**_SAMPLE, "kind": "Cache"})
