"""Revisions."""

from typing import Any

from controllers.registry import revision
from registry_operator.api.names import CANARY, LABEL_COMPONENT
from registry_operator.testing.builders import an_object
from tests.unit.controllers.registry.changing import NEW, OLD, deployed, history, revision_of


def test_the_same_template_is_the_same_revision() -> None:
    template: dict[str, Any] = {"metadata": {"annotations": {"a": "b"}}, "spec": {"x": 1}}
    other = {"spec": {"x": 1}, "metadata": {"annotations": {"a": "b"}}}

    assert revision.marked(template) == revision.marked(other)
    assert revision.of_template(revision.marked(template)) != revision.of_template(
        revision.marked({**template, "spec": {"x": 2}})
    )
    assert "annotations" in template["metadata"]
    assert revision.ANNOTATION not in template["metadata"]["annotations"]


def test_what_bears_no_mark_is_of_no_revision() -> None:
    assert revision.of(None) == revision.of_template({}) == ""


def test_an_earlier_template_is_found_as_it_was_without_the_hash_of_its_replica_set() -> None:
    kept = revision.held(an_object(deployed(NEW)), [an_object(history(OLD))], revision_of(OLD))

    assert kept is not None
    assert revision.of_template(kept) == revision_of(OLD)
    assert "pod-template-hash" not in kept["metadata"]["labels"]


def test_of_two_of_one_revision_the_first_counts_as_the_other_was_made_by_hand() -> None:
    by_hand = history(OLD, "images-9", creationTimestamp="2026-02-01T00:00:00Z")
    by_hand["spec"]["template"]["spec"] = {"containers": []}
    first = history(OLD, "images-1", creationTimestamp="2026-01-01T00:00:00Z")
    sets = [an_object(by_hand), an_object(first)]
    kept = revision.held(an_object(deployed(NEW)), sets, revision_of(OLD))

    assert kept is not None
    assert kept["spec"]["containers"]


def test_the_deployment_itself_has_it_where_its_replica_set_is_gone() -> None:
    assert revision.held(an_object(deployed(OLD)), [], revision_of(OLD)) is not None
    assert revision.held(an_object(deployed(NEW)), [], revision_of(OLD)) is None


def test_a_canarys_replica_set_is_no_way_back() -> None:
    body = history(OLD)
    body["metadata"]["labels"][LABEL_COMPONENT] = CANARY

    assert revision.held(an_object(deployed(NEW)), [an_object(body)], revision_of(OLD)) is None
