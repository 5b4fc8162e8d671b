"""A refused write is not tried again before its time."""

from registry_operator.runtime.outcome import After
from registry_operator.runtime.refusals import Refusals

REFUSED = After(30, "QuotaExceeded", "raise it")


def test_the_same_intent_waits_for_the_rest_of_the_time() -> None:
    refusals = Refusals()
    refusals.note("child", "intent", REFUSED, now=100)

    assert refusals.standing("child", "intent", now=110) == After(20, "QuotaExceeded", "raise it")
    assert refusals.standing("child", "intent", now=130) is None


def test_another_intent_another_child_or_a_forgotten_one_may_be_tried_at_once() -> None:
    refusals = Refusals()
    refusals.note("child", "intent", REFUSED, now=100)

    assert refusals.standing("child", "changed", now=100) is None
    assert refusals.standing("other", "intent", now=100) is None
    refusals.forget("child")
    assert refusals.standing("child", "intent", now=100) is None


def test_expired_refusals_are_dropped() -> None:
    refusals = Refusals()
    refusals.note("child", "intent", REFUSED, now=100)
    refusals.note("other", "intent", REFUSED, now=131)

    assert len(refusals) == 1
