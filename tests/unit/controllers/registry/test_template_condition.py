"""What the status tells of a template."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from controllers.registry.inputs import RegistryInputs
from controllers.registry.status import conditions, report
from controllers.registry.template import Template
from controllers.registry.template_condition import applied, told
from registry_operator.runtime.conditions import Condition
from registry_operator.testing.builders import a_registry, a_template, an_object
from tests.unit.controllers.registry.snapshots import a_snapshot, serving

BEFORE: dict[str, Any] = {"template": {"name": "base", "generation": 2}}

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def with_template(inputs: RegistryInputs, generation: int = 3, **spec: Any) -> RegistryInputs:
    body = a_template(**spec)
    body["metadata"] |= {"uid": "u", "generation": generation}
    return replace(inputs, template=Template("base", an_object(body)))


def missing(registry: dict[str, Any]) -> RegistryInputs:
    return a_snapshot(registry, template=Template("base"))


def one(inputs: RegistryInputs) -> Condition:
    (found,) = told(inputs)
    return found


def test_of_no_template_nothing_is_told() -> None:
    assert told(serving()) == []
    assert applied(serving()) == {}


def test_a_template_that_is_applied_is_told_with_its_generation() -> None:
    inputs = with_template(serving(a_registry(template="base")))

    assert (one(inputs).status, one(inputs).reason) == ("True", "TemplateApplied")
    assert one(inputs).message == "generation 3 of template base is applied"
    assert report(inputs, [], now=NOW)["template"] == {"name": "base", "generation": 3}


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        (missing(a_registry(template="base", status=BEFORE)), "TemplateNotFound"),
        (with_template(serving(a_registry(status=BEFORE, paused=True))), "Paused"),
        (
            with_template(serving(a_registry(status=BEFORE, config={"no": "key"}))),
            "KeyUnknown",
        ),
    ],
)
def test_what_runs_is_told_to_be_of_the_generation_before_while_a_template_cannot_be_used(
    inputs: RegistryInputs, reason: str
) -> None:
    assert (one(inputs).status, one(inputs).reason) == ("False", reason)
    assert report(inputs, [], now=NOW)["template"] == {"name": "base", "generation": 2}


def test_a_template_that_was_never_applied_is_not_told() -> None:
    assert "template" not in report(missing(a_registry(template="base")), [], now=NOW)


def test_who_serves_without_his_template_is_available_and_not_ready() -> None:
    registry = a_registry(template="base")
    bare = missing(registry)
    inputs = replace(serving(registry), spec=None, refusal=bare.refusal, template=bare.template)
    found = {one.type: (one.status, one.reason) for one in conditions(inputs, {})}

    assert found == {
        "Ready": ("False", "TemplateNotFound"),
        "Available": ("True", "Serving"),
        "ConfigurationValid": ("False", "TemplateNotFound"),
        "Reconciling": ("True", "TemplateNotFound"),
        "TemplateApplied": ("False", "TemplateNotFound"),
    }


def test_who_never_served_is_not_available_either() -> None:
    found = {one.type: one.status for one in conditions(missing(a_registry(template="base")), {})}

    assert found["Available"] == "False"
