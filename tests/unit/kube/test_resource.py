import pytest

from registry_operator.kube.resource import ObjectKey, Resource

SECRETS = Resource("", "v1", "Secret", "secrets")
DEPLOYMENTS = Resource("apps", "v1", "Deployment", "deployments")
NODES = Resource("", "v1", "Node", "nodes", namespaced=False)


def test_words_are_those_of_kubectl() -> None:
    assert str(SECRETS) == "secrets"
    assert str(DEPLOYMENTS) == "deployments.apps"
    assert SECRETS.api_version == "v1"
    assert DEPLOYMENTS.api_version == "apps/v1"


@pytest.mark.parametrize(
    ("resource", "arguments", "path"),
    [
        (SECRETS, (), "/api/v1/secrets"),
        (SECRETS, ("ns",), "/api/v1/namespaces/ns/secrets"),
        (SECRETS, ("ns", "a"), "/api/v1/namespaces/ns/secrets/a"),
        (DEPLOYMENTS, ("ns", "a", "status"), "/apis/apps/v1/namespaces/ns/deployments/a/status"),
        (NODES, (None, "n"), "/api/v1/nodes/n"),
        (NODES, ("", "system:a b"), "/api/v1/nodes/system:a%20b"),
    ],
)
def test_paths_are_those_of_the_api(
    resource: Resource, arguments: tuple[str | None, ...], path: str
) -> None:
    assert resource.path(*arguments) == path


@pytest.mark.parametrize("name", ["..", ".", "a/b", "../../nodes", "a%2fb", ""])
def test_a_name_cannot_lead_to_another_url(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be part of a URL path"):
        SECRETS.path("ns", name)


@pytest.mark.parametrize(
    ("resource", "arguments", "message"),
    [
        (NODES, ("ns",), "cluster-scoped"),
        (SECRETS, (None, "a"), "needs a namespace"),
        (SECRETS, ("ns", None, "status"), "needs a name"),
    ],
)
def test_paths_that_cannot_be_are_refused(
    resource: Resource, arguments: tuple[str | None, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        resource.path(*arguments)


@pytest.mark.parametrize("text", ["ns/name", "name"])
def test_a_key_reads_what_it_writes(text: str) -> None:
    assert str(ObjectKey.parse(text)) == text


@pytest.mark.parametrize("text", ["", "/", "a/", "/a", "a/b/c"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="neither"):
        ObjectKey.parse(text)


def test_keys_are_ordered_by_namespace_then_name() -> None:
    keys = [ObjectKey("b", "a"), ObjectKey("a", "z"), ObjectKey("a", "b")]

    assert [str(key) for key in sorted(keys)] == ["a/b", "a/z", "b/a"]
