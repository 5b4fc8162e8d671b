"""Who names which claim, and whom a change of it concerns."""

from controllers.registry.claims import Claims
from registry_operator.kube.resource import ObjectKey
from registry_operator.testing.builders import (
    NAMESPACE,
    a_registry,
    an_object,
)
from registry_operator.testing.claims import a_bucket_claim, a_users_claim

THEIRS = an_object(a_users_claim())


def key(name: str) -> ObjectKey:
    return ObjectKey(NAMESPACE, name)


def test_all_who_name_a_claim_are_concerned_and_nobody_else() -> None:
    claims = Claims()
    claims.name(key("b"), THEIRS.key)
    claims.name(key("a"), THEIRS.key)
    claims.name(key("c"), key("another"))

    assert claims.concerned(THEIRS) == (key("a"), key("b"))


def test_whose_claim_it_is_by_its_label_is_concerned_beside_them() -> None:
    claims = Claims()
    own = an_object(a_bucket_claim(a_registry()))
    assert claims.concerned(own) == (key("images"),)

    claims.name(key("a"), own.key)
    assert claims.concerned(own) == (key("a"), key("images"))


def test_who_names_another_or_none_is_not_concerned_any_more() -> None:
    claims = Claims()
    claims.name(key("a"), THEIRS.key)
    claims.name(key("a"), key("another"))
    assert claims.concerned(THEIRS) == ()
    assert len(claims) == 1

    claims.name(key("a"), None)
    claims.name(key("b"), None)
    assert len(claims) == 0
