import orjson
import pytest

from registry_operator.kube.discovery import ApiGroups, decode_groups
from registry_operator.kube.errors import CodecError
from registry_operator.kube.resource import Resource

PREFERENCE = ["v2", "v1", "v1beta2", "v1beta1", "v1alpha1", "foo10"]


def groups_of(*resources: Resource) -> ApiGroups:
    return ApiGroups(frozenset(resources))


def a_widget(version: str) -> Resource:
    return Resource("example.org", version, "Widget", "widgets")


def test_what_is_served_is_known_by_group_version_and_name() -> None:
    groups = groups_of(a_widget("v1"))

    assert groups.serves(a_widget("v1"))
    assert not groups.serves(a_widget("v2"))
    assert groups.find("example.org", "Gadget") is None


@pytest.mark.parametrize("best", range(len(PREFERENCE)))
def test_the_preferred_version_is_found(best: int) -> None:
    groups = groups_of(*(a_widget(version) for version in PREFERENCE[best:]))

    assert groups.find("example.org", "Widget") == a_widget(PREFERENCE[best])


def test_a_resource_without_a_kind_is_kept_apart() -> None:
    body = {
        "kind": "APIGroupDiscoveryList",
        "items": [
            {
                "metadata": {"name": "g"},
                "versions": [
                    {
                        "version": "v1",
                        "resources": [{"resource": "things", "scope": "Cluster"}],
                    }
                ],
            }
        ],
    }
    found = decode_groups(orjson.dumps(body))

    assert found == {Resource("g", "v1", "", "things", namespaced=False)}


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"kind": "APIVersions"}', b'{"kind":"APIGroupDiscoveryList","items":[1]}'],
)
def test_what_is_no_discovery_is_refused(body: bytes) -> None:
    with pytest.raises(CodecError):
        decode_groups(body)
