"""What the command `render` prints."""

from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from hypothesis import given

from registry_operator.rendering import RenderError, manifests, rendered
from tests.unit.api.test_effective import SPECS

TEMPLATE = """\
apiVersion: registry-operator.dev/v1alpha1
kind: RegistryTemplate
metadata: {name: base}
spec:
  replicas: 3
  image: registry:2
  storage: {bucketClassName: my-s3-class, bucketAccessClass: my-s3-access-class}
  tolerations: [{operator: Exists}]
"""
REGISTRY = """\
apiVersion: registry-operator.dev/v1alpha1
kind: Registry
metadata: {name: images, namespace: team-a}
template: base
spec: {replicas: 5}
"""


def nobody(name: str) -> Mapping[str, Any]:
    raise AssertionError(name)


def test_each_field_is_followed_by_where_it_came_from() -> None:
    (one,) = rendered(manifests([TEMPLATE, REGISTRY]), nobody)

    assert (
        one.as_yaml()
        == """\
# team-a/images, template base
spec:
  replicas: 5  # registry
  image: registry:2  # template base
  storage:
    bucketClassName: my-s3-class  # template base
    bucketAccessClass: my-s3-access-class  # template base
  service:
    type: ClusterIP  # default
    port: 5000  # default
  tolerations:  # template base
  - operator: Exists
  paused: false  # default
  upgrade:
    policy: Supported  # default
    canary: true  # default
    rollback: true  # default
    compareTraffic: true  # default
    paused: false  # default
    progressDeadlineSeconds: 600  # default
  healthCheck:
    enabled: true  # default
    intervalSeconds: 60  # default
    timeoutSeconds: 20  # default
  deletionPolicy: Retain  # default
"""
    )


def test_the_same_is_had_as_data() -> None:
    (one,) = rendered(manifests([f"{TEMPLATE}---\n{REGISTRY}"]), nobody)
    data = one.as_json()

    assert data["spec"]["replicas"] == 5
    assert data["sources"]["replicas"] == "registry"
    assert data["sources"]["storage.bucketClassName"] == "template"
    assert data["sources"]["service.port"] == "default"
    assert data["problems"] == []


def test_a_template_that_is_in_no_file_is_fetched() -> None:
    def fetch(name: str) -> Mapping[str, Any]:
        return {"spec": {"image": f"registry:{len(name)}"}}

    (one,) = rendered(manifests([REGISTRY]), fetch)

    assert one.explained.spec["image"] == "registry:4"


def test_every_registry_is_rendered_and_nothing_else_is_looked_at() -> None:
    other = "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n"
    alone = REGISTRY.replace("images", "alone").replace("template: base\n", "")
    listed = f"apiVersion: v1\nkind: List\nitems:\n- {alone!r}\n".replace(repr(alone), "{}")
    found = rendered(manifests([TEMPLATE, other, REGISTRY, alone, listed, "---\n"]), nobody)

    assert [one.name for one in found] == ["team-a/images", "team-a/alone"]
    assert found[1].as_yaml().startswith("# team-a/alone\nspec:\n")


def test_lists_of_kubectl_are_taken_apart() -> None:
    items = [yaml.safe_load(TEMPLATE), yaml.safe_load(REGISTRY)]
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items})

    assert len(rendered(manifests([text]), nobody)) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "this is no YAML"),
        ("- 1", "a manifest is a mapping, not list"),
        (TEMPLATE, "there is no Registry of registry-operator.dev/v1alpha1"),
    ],
)
def test_what_cannot_be_rendered_says_why(text: str, told: str) -> None:
    with pytest.raises(RenderError, match=told):
        rendered(manifests([text]), nobody)


@given(SPECS, SPECS)
def test_what_is_printed_is_the_effective_spec(own: dict[str, Any], below: dict[str, Any]) -> None:
    registry = {**yaml.safe_load(REGISTRY), "spec": own}
    (one,) = rendered([registry], lambda _: {"spec": below})

    assert yaml.safe_load(one.as_yaml()) == {"spec": one.explained.spec}
