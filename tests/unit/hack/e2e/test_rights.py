"""What the operator may do, against what it did."""

from hack.cluster.audit import Request
from hack.e2e import installation
from hack.e2e.rights import Right, forbidden, granted, unused

_RULES = [
    {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "patch"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]},
    {
        "apiGroups": ["registry-operator.dev"],
        "resources": ["registries/status"],
        "verbs": ["patch"],
    },
]


def a_request(verb: str, resource: str, *, code: int = 200, authorized: bool = True) -> Request:
    return Request(
        verb=verb,
        resource=resource,
        namespace="team",
        name="images",
        user="operator",
        code=code,
        user_agent="",
        authorized=authorized,
    )


def test_a_rule_gives_every_verb_on_every_resource() -> None:
    assert granted(_RULES) == {
        Right("apps/deployments", "get"),
        Right("apps/deployments", "patch"),
        Right("secrets", "list"),
        Right("registry-operator.dev/registries/status", "patch"),
    }


def test_a_right_that_no_request_used_is_found() -> None:
    requests = [a_request("get", "apps/deployments"), a_request("list", "secrets")]

    assert unused(granted(_RULES), requests) == [
        Right("apps/deployments", "patch"),
        Right("registry-operator.dev/registries/status", "patch"),
    ]


def test_an_apply_that_made_an_object_used_the_right_to_create_it() -> None:
    rights = granted([{"apiGroups": [""], "resources": ["services"], "verbs": ["create"]}])

    assert unused(rights, [a_request("patch", "services", code=201)]) == []
    assert unused(rights, [a_request("patch", "services", code=200)]) == list(rights)


def test_only_refusals_of_the_authorizer_count_as_forbidden() -> None:
    requests = [
        a_request("create", "services", code=403, authorized=False),
        a_request("create", "secrets", code=403),  # a quota, a webhook
    ]

    assert forbidden(requests) == [Right("services", "create")]


def test_the_rights_of_the_installation_are_read_from_its_roles() -> None:
    rights = installation.rights()

    assert Right("coordination.k8s.io/leases", "update") in rights
    assert Right("registry-operator.dev/registries", "watch") in rights
