"""The words for what a change of the pods is about."""

from typing import Any

import pytest

from controllers.registry import changes
from tests.unit.controllers.registry.changing import NEW, OLD, template_of

DEBUG = {"log": {"level": "debug"}}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({}, []),
        ({"config": DEBUG}, ["configuration"]),
        ({"resources": {"limits": {"memory": "1Gi"}}}, ["resources"]),
        ({"nodeSelector": {"disk": "fast"}}, ["nodeSelector"]),
        ({"podTemplate": {"metadata": {"labels": {"team": "a"}}}}, ["metadata"]),
    ],
)
def test_each_field_of_the_pods_has_a_word(spec: dict[str, Any], words: list[str]) -> None:
    assert changes.between(template_of(OLD), template_of(OLD, **spec)) == words


def test_an_image_and_what_is_written_for_its_release_are_told_together() -> None:
    found = changes.between(template_of("registry:2.8.3"), template_of(NEW, config=DEBUG))

    assert found == ["configuration", "image"]


def test_what_the_server_filled_in_is_no_change() -> None:
    held = dict(template_of(OLD))
    held["spec"] = {**held["spec"], "schedulerName": "default-scheduler"}

    assert changes.between(held, template_of(OLD)) == []
