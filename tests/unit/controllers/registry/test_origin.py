"""Whether a change of the pods is the Registry's own, or its template's."""

from typing import Any

import pytest

from controllers.registry.origin import ANNOTATION, CHANGES, Origin, origin_of, template_behind
from controllers.registry.template import Template
from registry_operator.testing.builders import a_deployment, a_registry, a_template, an_object

OWN: dict[str, Any] = {"resources": {"limits": {"memory": "1Gi"}}}
SHARED: dict[str, Any] = {"image": "registry:3.0.0"}


def origin(own: dict[str, Any], shared: dict[str, Any], *, name: str = "base") -> Origin:
    found = origin_of(an_object(a_registry(**own)), template(name, **shared))
    assert found is not None
    return found


def template(name: str = "base", **spec: Any) -> Template:
    return Template(name, an_object(a_template(name, **spec)))


def behind(now: Origin, **annotations: str) -> str:
    body = a_deployment(a_registry())
    body["metadata"]["annotations"] = annotations
    return template_behind(an_object(body), template(), now)


THEN = {ANNOTATION: origin(OWN, SHARED).text()}


def test_without_a_template_every_change_is_the_owners() -> None:
    assert origin_of(an_object(a_registry()), None) is None
    assert template_behind(an_object(a_deployment(a_registry())), None, None) == ""


def test_a_change_is_the_templates_where_only_that_says_something_else() -> None:
    assert behind(origin(OWN, {"image": "registry:3.1.2"}), **THEN) == "base"


@pytest.mark.parametrize("shared", [SHARED, {"image": "registry:3.1.2"}])
def test_a_change_is_the_owners_where_he_says_something_else(shared: dict[str, Any]) -> None:
    assert behind(origin({}, shared), **THEN) == ""


def test_another_template_is_the_owners_choice() -> None:
    assert behind(origin(OWN, SHARED, name="other"), **THEN) == ""


def test_keys_that_are_rotated_wait_for_nobody() -> None:
    assert behind(origin(OWN, SHARED), **THEN) == ""


def test_what_was_begun_for_a_template_stays_so() -> None:
    assert behind(origin(OWN, SHARED), **THEN, **{CHANGES: "base"}) == "base"
    assert behind(origin(OWN, SHARED), **THEN, **{CHANGES: "other"}) == ""


def test_where_nobody_knows_what_the_pods_were_made_of_it_is_taken_for_the_templates() -> None:
    assert behind(origin(OWN, SHARED)) == "base"


@pytest.mark.parametrize(
    "spec",
    [
        {"replicas": 7},
        {"service": {"port": 80}},
        {"upgrade": {"canary": False}},
        {"rollout": {"maxUnavailable": 1}},
    ],
)
def test_what_makes_no_other_pods_makes_no_difference(spec: dict[str, Any]) -> None:
    assert origin(OWN, SHARED | spec) == origin(OWN, SHARED)
