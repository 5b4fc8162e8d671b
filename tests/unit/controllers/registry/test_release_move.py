"""Moves between releases."""

from controllers.registry.release_move import Advice, advise
from registry_operator.testing.builders import a_registry
from tests.unit.controllers.registry.changing import NEW, OLD, template_of
from tests.unit.controllers.registry.snapshots import a_snapshot, serving


def test_a_change_that_keeps_the_image_is_no_move() -> None:
    assert advise(serving(a_registry(image=NEW)), template_of(NEW)) == Advice()


def test_without_a_configuration_there_is_no_move_yet() -> None:
    assert advise(a_snapshot(a_registry(image=NEW, storage=None)), template_of(OLD)) == Advice()


def test_forward_is_allowed_and_back_is_refused_in_words_that_name_the_way_out() -> None:
    assert advise(serving(a_registry(image=NEW)), template_of(OLD)).refusal == ""

    refused = advise(serving(a_registry(image=OLD)), template_of(NEW))
    assert "DowngradeRefused" in refused.refusal
    assert "spec.upgrade.policy" in refused.refusal


def test_where_any_move_is_allowed_it_is_only_told() -> None:
    registry = a_registry(image=OLD, upgrade={"policy": "Any"})
    found = advise(serving(registry), template_of(NEW))

    assert found.refusal == ""
    assert "DowngradeRefused" in found.words
