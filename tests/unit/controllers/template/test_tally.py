"""Counting who uses which template."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.template.tally import Tally, Users, changes_numbers
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.change import Applied, Change, Removed
from registry_operator.testing.builders import NAMESPACE, a_registry, an_object

NOBODY = Users(0, 0)


def a_user(
    name: str = "a",
    *,
    template: str | None = "base",
    generation: int | None = 1,
    status: str = "True",
    reason: str = "TemplateApplied",
) -> Object:
    told: dict[str, Any] = {}
    if generation is not None:
        told["template"] = {"name": template, "generation": generation}
        told["conditions"] = [{"type": "TemplateApplied", "status": status, "reason": reason}]
    return an_object(a_registry(name, template=template, status=told))


def see(tally: Tally, obj: Object) -> None:
    tally.see(Applied(None, obj))


def key(name: str) -> ObjectKey:
    return ObjectKey(NAMESPACE, name)


def test_who_names_no_template_is_not_counted() -> None:
    tally = Tally()

    see(tally, a_user(template=None))
    assert tally.of("base", 1) == NOBODY


def test_a_new_user_is_counted_and_up_to_date_once_he_says_so() -> None:
    tally = Tally()
    see(tally, a_user(generation=None))
    assert tally.of("base", 1) == Users(1, 0)

    see(tally, a_user())
    assert tally.of("base", 1) == Users(1, 1)
    assert tally.of("base", 2) == Users(1, 0)


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (None, a_user(), True),
        (a_user(), a_user(), False),
        (a_user(), a_user(generation=2), True),
        (a_user(), a_user(template="other"), True),
        (a_user(), a_user(status="False", reason="TemplateInvalid"), True),
        (a_user(template=None), a_user("a", template=None, generation=2), False),
        (a_user(), None, True),
        (a_user(template=None), None, False),
    ],
)
def test_only_what_changes_the_numbers_is_worth_a_look(
    before: Object | None, after: Object | None, *, changes: bool
) -> None:
    change: Change
    if after is not None:
        change = Applied(before, after)
    else:
        assert before is not None
        change = Removed(before)

    assert changes_numbers(change) is changes


def test_who_takes_another_template_is_counted_there() -> None:
    tally = Tally()
    see(tally, a_user())

    see(tally, a_user(template="other"))
    assert tally.of("base", 1) == NOBODY
    assert tally.of("other", 1).registries == 1


def test_the_generation_of_another_template_does_not_count() -> None:
    tally = Tally()
    body = a_registry("a", template="other", status={"template": {"name": "base", "generation": 1}})
    see(tally, an_object(body))

    assert tally.of("other", 1) == Users(1, 0)


def test_who_is_gone_is_not_counted() -> None:
    tally = Tally()
    see(tally, a_user())

    tally.see(Removed(a_user()))
    assert tally.of("base", 1) == NOBODY


def test_who_refuses_is_named_up_to_three() -> None:
    tally = Tally()
    for name in "dcba":
        see(tally, a_user(name, status="False", reason="TemplateInvalid"))

    named = (key("a"), key("b"), key("c"))
    assert tally.of("base", 1) == Users(4, 0, refusals=4, refusing=named)


def test_how_far_a_change_has_come_is_counted_and_whose_failed_is_named() -> None:
    tally = Tally()
    reasons = ("CanaryRunning", "RollingOut", "RolloutWaiting", "UpgradeFailed", "RollingBack")
    for name, reason in zip("abcde", reasons, strict=True):
        see(tally, a_user(name, status="False", reason=reason))

    failing = (key("d"), key("e"))
    assert tally.of("base", 1) == Users(5, 0, updating=2, waiting=1, failures=2, failing=failing)
    see(tally, a_user("d"))
    assert tally.of("base", 1).failing == (key("e"),)


@pytest.mark.parametrize("reason", ["Paused", "UpgradePaused", "UpgradeAborted"])
def test_a_pause_is_no_refusal(reason: str) -> None:
    tally = Tally()
    see(tally, a_user(status="False", reason=reason))

    assert tally.of("base", 1) == Users(1, 0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from(["base", "other", None]),
            st.sampled_from([None, 1, 2]),
            st.sampled_from(["True", "False"]),
            st.booleans(),
        )
    )
)
def test_the_numbers_are_those_of_a_count_from_scratch(changes: list[Any]) -> None:
    tally = Tally()
    held: dict[str, Object] = {}
    for name, template, generation, status, is_gone in changes:
        obj = a_user(name, template=template, generation=generation, status=status)
        if is_gone:
            held.pop(name, None)
            tally.see(Removed(obj))
        else:
            held[name] = obj
            see(tally, obj)

    anew = Tally()
    for obj in held.values():
        see(anew, obj)
    for template in ("base", "other"):
        for generation in (1, 2):
            assert tally.of(template, generation) == anew.of(template, generation)
