"""What of a status is told at once, and how long the rest waits."""

from typing import Any

import pytest

from controllers.registry.pacing import Pacer, is_news, is_turn
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.outcome import Blocked, Done, Outcome
from registry_operator.runtime.outcomes import Recorded

KEY = ObjectKey("team-a", "images")


def a_status(
    ready: str = "False", reason: str = "PodsStarting", *, generation: int = 1, **others: str
) -> dict[str, Any]:
    """A status whose other conditions are false for the given reasons."""
    conditions = [{"type": "Ready", "status": ready, "reason": reason, "message": "x"}]
    conditions += [
        {"type": type_, "status": "False", "reason": why, "message": ""}
        for type_, why in others.items()
    ]
    return {"observedGeneration": generation, "conditions": conditions}


def news(before: dict[str, Any], after: dict[str, Any], *outcomes: Outcome) -> bool:
    return is_news(before, after, [Recorded(one, 1) for one in outcomes])


STARTING = a_status()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, STARTING),
        (STARTING, a_status("True", "Ready")),
        (a_status("True", "Ready"), a_status("False", "RollingOut")),
        (STARTING, a_status(generation=2)),
        (STARTING, a_status("False", "QuotaExceeded")),
        (STARTING, a_status("False", "ImageInvalid")),
        (STARTING, a_status(StorageReady="CredentialsRejected")),
        (a_status("False", "QuotaExceeded"), STARTING),
        (a_status("False", "QuotaExceeded"), a_status("False", "PodCrashing")),
    ],
)
def test_turns_troubles_and_generations_are_told_at_once(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert news(before, after, Done())


@pytest.mark.parametrize(
    "after",
    [
        STARTING | {"replicas": 1},
        a_status("False", "PodsNotReady"),
        a_status("False", "RollingOut", Available="PodsNotReady"),
    ],
)
def test_progress_is_not(after: dict[str, Any]) -> None:
    assert not news(STARTING, after, Done())


def test_the_wording_of_a_trouble_is_not() -> None:
    before, after = a_status("False", "QuotaExceeded"), a_status("False", "QuotaExceeded")
    after["conditions"][0]["message"] = "in other words"

    assert not news(before, after)


@pytest.mark.parametrize("reason", ["WaitingForConfiguration", "WaitingForIdentity"])
def test_nothing_is_while_reconcilers_only_wait_for_each_other(reason: str) -> None:
    assert not news({}, STARTING, Done(), Blocked(reason, ""))
    assert news({}, STARTING, Done(), Blocked("BucketNotReady", ""))


def test_one_registry_waits_for_some_seconds() -> None:
    pacer = Pacer()
    assert pacer.wait(KEY, now=100.0) == 5.0
    assert pacer.wait(KEY, now=103.0) == 2.0
    assert pacer.wait(KEY, now=106.0) == 0.0

    pacer.told(KEY)
    assert pacer.wait(KEY, now=110.0) == 5.0


def test_a_fleet_waits_for_longer_but_not_for_ever() -> None:
    pacer = Pacer()
    keys = [ObjectKey("team-a", f"images-{number}") for number in range(1000)]
    waits = [pacer.wait(key, now=0.0) for key in keys]

    assert (waits[0], waits[9], waits[99], waits[999]) == (5.0, 10.0, 100.0, 120.0)
    assert pacer.wait(keys[0], now=0.0) == 120.0


def test_the_last_of_a_fleet_waits_as_long_as_the_others_did_and_who_comes_later_does_not() -> None:
    pacer = Pacer()
    keys = [ObjectKey("team-a", f"images-{number}") for number in range(100)]
    for key in keys:
        pacer.wait(key, now=0.0)
    for key in keys[1:]:
        pacer.told(key)
    assert len(pacer) == 1
    assert pacer.wait(keys[0], now=99.0) == 1.0

    assert pacer.wait(keys[1], now=200.0) == 5.0


def test_a_turn_of_a_change_of_the_pods_is_one_and_its_wording_is_not() -> None:
    before = STARTING | {"upgrade": {"phase": "Canary", "message": "x"}}

    assert is_turn(before, STARTING | {"upgrade": {"phase": "Rolling"}})
    assert is_turn(before, STARTING)
    assert not is_turn(before, STARTING | {"upgrade": {"phase": "Canary", "message": "y"}})


def test_a_turn_waits_only_where_many_progress() -> None:
    pacer = Pacer()
    assert pacer.wait(KEY, now=0.0, turns=True) == 0.0
    for number in range(20):
        pacer.wait(ObjectKey("team-a", f"r{number}"), now=1.0)
    assert pacer.wait(KEY, now=1.0, turns=True) > 0.0
