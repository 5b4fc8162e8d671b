"""How many Registries of one template may change at a time."""

from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from controllers.kinds import DEPLOYMENT, REGISTRY, REGISTRY_TEMPLATE
from controllers.registry import origin
from controllers.registry.budget import Budgets, bound_of
from controllers.registry.inputs import RegistryInputs
from controllers.registry.template import Template
from controllers.registry.upgrade_plan import Admission
from registry_operator.api.registry_template import Count, most_of
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.store import Store
from registry_operator.testing.builders import (
    NAMESPACE,
    a_deployment,
    a_registry,
    a_template,
    an_object,
)
from tests.unit.controllers.registry.changing import changing

CHANGING = changing()


@pytest.mark.parametrize(
    ("bound", "registries", "most"),
    [
        *((1, 10, 1), (30, 10, 30)),
        *(("25%", 8, 2), ("25%", 7, 1), ("25%", 10_000, 2_500)),
        *(("1%", 5, 1), ("25%", 0, 1), ("100%", 9, 9)),
    ],
)
def test_a_share_is_rounded_down_to_one_at_least(bound: Count, registries: int, most: int) -> None:
    assert most_of(bound, registries) == most


@pytest.mark.parametrize("spec", [{}, {"rollout": None}, {"rollout": {"maxUnavailable": "x"}}])
def test_a_template_that_says_nothing_usable_has_the_default(spec: dict[str, Any]) -> None:
    assert bound_of(spec) == "25%"
    assert bound_of({"rollout": {"maxUnavailable": 3}}) == 3


def key(name: str) -> ObjectKey:
    return ObjectKey(NAMESPACE, name)


class Fleet:
    """Registries `a`, `b`, … of one template, whose Deployments are written by hand."""

    def __init__(self, size: int, bound: Count = 2) -> None:
        self.registries, self.deployments = Store(REGISTRY), Store(DEPLOYMENT)
        self.templates = Store(REGISTRY_TEMPLATE)
        stores = (self.registries, self.templates, self.deployments)
        self.budgets = Budgets(*stores)
        self.called: list[str] = []
        self.budgets.on_room(lambda one: self.called.append(one.name))
        self._registries, self._templates, self._deployments = (one.writer() for one in stores)
        self._version = 0
        self.bound(bound)
        self.names = [chr(ord("a") + number) for number in range(size)]
        for name in self.names:
            self.join(name)

    def _next(self) -> str:
        self._version += 1
        return str(self._version)

    def bound(self, bound: Count) -> None:
        body = a_template(rollout={"maxUnavailable": bound})
        body["metadata"]["resourceVersion"] = self._next()
        self._templates.upsert(an_object(body))

    def join(self, name: str, template: str | None = "base") -> None:
        body = a_registry(name, template=template)
        body["metadata"]["resourceVersion"] = self._next()
        self._registries.upsert(an_object(body))

    def deploy(self, name: str, changes: str = "base", *, canary: bool = False) -> None:
        body = a_deployment(a_registry(name))
        annotations = {origin.CHANGES: changes} if changes else {}
        body["metadata"] |= {"annotations": annotations, "resourceVersion": self._next()}
        if canary:
            body["metadata"]["name"] += "-canary"
        self._deployments.upsert(an_object(body))

    def may(self, name: str) -> bool:
        registry = self.registries.get(key(name))
        assert registry is not None
        return self.budgets.admission(registry).is_given

    def decide(self, name: str) -> ExitStack:
        """A decision about a Registry whose template has changed; closed, it is written."""
        inputs, admitted = self.inputs(name), self.may(name)
        inputs = replace(inputs, admission=Admission(is_given=admitted, bound=2))
        written = ExitStack()
        body = {"metadata": {"annotations": {origin.CHANGES: "base"}}}
        written.enter_context(self.budgets.announced(inputs, [body] if admitted else []))
        return written

    def begin(self, *names: str) -> None:
        for name in names:
            with self.decide(name):
                self.deploy(name)

    def wait(self, *names: str) -> None:
        for name in names:
            assert not self.may(name)
            self.decide(name).close()

    def inputs(self, name: str) -> RegistryInputs:
        owner = an_object(a_registry(name, template="base"))
        template = Template("base", an_object(a_template()))
        return replace(
            CHANGING,
            owner=owner,
            template=template,
            origin=origin.origin_of(owner, template),
            planner=lambda _: CHANGING.configuration,
            templater=lambda _: CHANGING.pod_template,
        )


def test_as_many_may_begin_as_the_template_says_and_the_others_wait() -> None:
    fleet = Fleet(5)
    fleet.begin("a", "b")

    assert [fleet.may(name) for name in fleet.names] == [True, True, False, False, False]


def test_two_writes_that_are_under_way_at_once_are_counted_before_they_are_seen() -> None:
    fleet = Fleet(3)
    with fleet.decide("a"), fleet.decide("b"):
        assert not fleet.may("c")
    # Neither was made: both were refused.
    assert fleet.may("c")


def test_of_a_write_whose_end_nobody_knows_the_next_decision_tells() -> None:
    fleet = Fleet(3, bound=1)
    with pytest.raises(TimeoutError), fleet.decide("a"):
        raise TimeoutError
    assert not fleet.may("b")
    assert fleet.may("a")
    fleet.decide("a").close()
    assert fleet.may("b")


def test_who_waits_is_called_by_name_when_another_is_done() -> None:
    fleet = Fleet(5)
    fleet.begin("a", "b")
    fleet.wait("e", "c", "d")
    fleet.deploy("a", changes="")
    assert fleet.called == ["c"]
    fleet.deploy("b", changes="")
    assert fleet.called == ["c", "d"]
    assert not fleet.may("e")


def test_room_that_was_promised_is_not_given_to_another() -> None:
    fleet = Fleet(4, bound=1)
    fleet.begin("a")
    fleet.wait("b", "c")
    fleet.deploy("a", changes="")

    assert [fleet.may(name) for name in "bcd"] == [True, False, False]


def test_who_was_called_and_has_no_use_for_it_leaves_it_to_the_next() -> None:
    fleet = Fleet(3, bound=1)
    fleet.begin("a")
    fleet.wait("b", "c")
    fleet.deploy("a", changes="")
    held = fleet.inputs("b")
    held = replace(held, spec=held.wanted.model_copy(update={"paused": True}))
    with fleet.budgets.announced(held, []):
        assert fleet.called == ["b", "c"]


def test_a_registry_with_a_canary_is_one_and_counts_until_both_are_done() -> None:
    fleet = Fleet(2, bound=1)
    fleet.begin("a")
    fleet.deploy("a", canary=True)
    fleet.wait("b")
    fleet.deploy("a", changes="")
    assert fleet.called == []
    fleet.deploy("a", changes="", canary=True)

    assert fleet.called == ["b"]
    assert fleet.budgets.stats().changing == 0


def test_another_bound_and_another_follower_make_room_at_once() -> None:
    fleet = Fleet(4, bound="25%")
    fleet.begin("a")
    fleet.wait("b", "c")
    fleet.bound("50%")
    assert fleet.called == ["b"]
    for name in "efgh":
        fleet.join(name)
    assert fleet.called == ["b", "c"]


def test_who_leaves_the_template_waits_no_more_and_counts_no_more() -> None:
    fleet = Fleet(3, bound=1)
    fleet.begin("a")
    fleet.wait("b", "c")
    fleet.join("b", template=None)
    assert fleet.may("b")
    fleet.deploy("a", changes="other")

    assert fleet.called == ["c"]


def test_another_process_counts_the_same_by_the_deployments_alone() -> None:
    fleet = Fleet(3, bound=1)
    fleet.deploy("b")
    assert [fleet.may(name) for name in "abc"] == [False, True, False]


def test_hundreds_go_one_after_another_by_their_names() -> None:
    fleet = Fleet(0, bound="25%")
    names = [f"r{number:04}" for number in range(400)]
    for name in names:
        fleet.join(name)
    fleet.begin(*names[:100])
    fleet.wait(*names[100:])
    for number, name in enumerate(names[:100]):
        fleet.deploy(name, changes="")
        assert fleet.called[-1] == names[100 + number]
