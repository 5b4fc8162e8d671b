"""What a template makes of a Registry, and what is told where it makes nothing of it."""

from typing import Any

import pytest

from controllers.kinds import REGISTRY_TEMPLATE
from controllers.registry.template import Template, by_template, look_up, name_of, specify
from registry_operator.runtime.outcome import Blocked, Stalled
from registry_operator.runtime.store import Store
from registry_operator.runtime.writer import Failure
from registry_operator.testing.builders import EMPTY_DIR, S3, a_registry, a_template, an_object


def template_of(generation: int = 1, uid: str = "u", **spec: Any) -> Template:
    body = a_template(**spec)
    body["metadata"] |= {"uid": uid, "generation": generation}
    return Template("base", an_object(body))


def test_the_name_is_the_one_at_the_top_and_no_other() -> None:
    assert name_of(an_object(a_registry(template="base"))) == "base"
    assert name_of(an_object(a_registry())) is None
    assert name_of(an_object(a_registry(config={"template": "x"}))) is None
    assert list(by_template(an_object(a_registry(template="base")))) == ["base"]
    assert list(by_template(an_object(a_registry()))) == []


def test_what_the_registry_leaves_out_comes_from_the_template() -> None:
    owner = an_object(a_registry(template="base", storage=None, replicas=5))
    found = specify(owner, template_of(replicas=3, image="registry:2", storage=S3))

    assert found.refusal is None
    assert found.spec is not None
    assert (found.spec.replicas, found.spec.image) == (5, "registry:2")
    assert found.spec.storage is not None
    assert found.spec.storage.kind == "s3"


def test_a_registry_without_a_template_is_what_it_says() -> None:
    found = specify(an_object(a_registry(replicas=2)), None)

    assert found.spec is not None
    assert (found.spec.replicas, found.spec.image) == (2, "registry:3.1.2")


def test_a_registry_without_a_spec_is_its_template() -> None:
    body = a_registry(template="base")
    del body["spec"]
    found = specify(an_object(body), template_of(storage=EMPTY_DIR))

    assert found.spec is not None
    assert found.spec.storage is not None


def test_a_template_that_is_missing_is_named() -> None:
    found = specify(an_object(a_registry(template="base")), Template("base"))

    assert found.spec is None
    assert isinstance(found.refusal, Blocked)
    assert found.refusal.reason == "TemplateNotFound"
    assert found.refusal.message.startswith("RegistryTemplate base does not exist: create it")
    assert "unchanged" in found.refusal.message


def test_templates_that_cannot_be_read_say_why() -> None:
    refusal = specify(an_object(a_registry()), Template("base", unreadable="no right")).refusal

    assert refusal is not None
    assert refusal.reason == "TemplateUnreadable"
    assert "no right" in refusal.message


@pytest.mark.parametrize(
    ("own", "shared", "reason", "text"),
    [
        ({"replicas": "x"}, None, "SpecInvalid", "spec.replicas: Input should be a valid integer"),
        ({"replicas": "x"}, {}, "SpecInvalid", "spec.replicas (set by: registry): "),
        ({}, {"replicas": "x"}, "TemplateInvalid", "spec.replicas (set by: template): "),
        (
            {"service": {"type": "ClusterIP"}},
            {"service": {"nodePort": 30000}},
            "TemplateInvalid",
            "spec.service.nodePort (set by: template): needs service.type NodePort or LoadBalancer",
        ),
        (
            {"service": {"nodePort": 30000}},
            {"service": {"type": "ClusterIP"}},
            "SpecInvalid",
            "spec.service.nodePort (set by: registry): needs",
        ),
        ({"service": {"nodePort": 30000}}, None, "SpecInvalid", "spec.service.nodePort: needs"),
    ],
)
def test_who_is_to_blame_is_told(
    own: dict[str, Any], shared: dict[str, Any] | None, reason: str, text: str
) -> None:
    below = None if shared is None else template_of(**shared)
    refusal = specify(an_object(a_registry(**own)), below).refusal

    assert isinstance(refusal, Stalled)
    assert refusal.reason == reason
    assert text in refusal.message


def test_states_of_a_template_are_told_apart_by_uid_and_generation() -> None:
    assert template_of() == template_of(replicas=9)
    assert template_of(generation=2) != template_of()
    assert template_of(uid="other") != template_of()
    assert Template("base") != template_of()
    assert Template("base", unreadable="x") != Template("base")


def test_a_template_is_looked_up_by_name() -> None:
    store = Store(REGISTRY_TEMPLATE)
    writer = store.writer()
    found = template_of().found
    assert found is not None
    writer.replace([found], "1")

    assert look_up("base", store).found is found
    assert look_up("other", store) == Template("other")


def test_nothing_is_said_to_be_missing_before_it_could_be_read() -> None:
    store = Store(REGISTRY_TEMPLATE)
    writer = store.writer()
    assert look_up("base", store).unreadable == "they are being read"

    writer.failed(Failure("Forbidden", "the right to list is missing"))
    assert look_up("base", store).unreadable == "the right to list is missing"
