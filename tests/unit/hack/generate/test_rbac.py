"""The ClusterRole grants what is declared, and nothing else."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from hack.generate.rbac import Rule, cluster_role

_words = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=2)
_rules = st.lists(
    st.tuples(_words, _words, st.lists(st.sampled_from(["get", "list", "patch"]), min_size=1))
)


def _grants(rules: Sequence[Rule]) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for groups, resources, verbs in rules
        for group in groups
        for resource in resources
        for verb in verbs
    }


def _granted(declared: Sequence[Rule]) -> set[tuple[str, str, str]]:
    rules = cluster_role(declared)["rules"]
    return _grants([(r["apiGroups"], r["resources"], r["verbs"]) for r in rules])


@given(_rules)
def test_exactly_what_is_declared_is_granted(declared: list[Rule]) -> None:
    assert _granted(declared) == _grants(declared)


@given(_rules.flatmap(lambda rules: st.tuples(st.just(rules), st.permutations(rules))))
def test_the_order_of_declarations_does_not_show(both: tuple[list[Rule], list[Rule]]) -> None:
    assert cluster_role(both[0]) == cluster_role(both[1])


def test_resources_of_one_group_with_the_same_verbs_share_a_rule() -> None:
    declared: list[Rule] = [
        (["apps"], ["deployments"], ["watch", "get"]),
        (["apps"], ["replicasets"], ["get", "watch"]),
        ([""], ["pods"], ["get"]),
        ([""], ["pods"], ["list"]),
    ]

    assert cluster_role(declared)["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
        {
            "apiGroups": ["apps"],
            "resources": ["deployments", "replicasets"],
            "verbs": ["get", "watch"],
        },
    ]


def test_no_declaration_is_no_right() -> None:
    assert cluster_role([])["rules"] == []
