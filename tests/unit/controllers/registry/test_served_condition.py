"""What the status says of the checks, and how rarely it is written."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controllers.registry.served import Served, judge
from controllers.registry.served_condition import (
    REASON,
    applied,
    block,
    is_due,
    recall,
    trouble,
)
from controllers.registry.status import conditions
from registry_operator.api.health_check import HealthCheckStatus
from registry_operator.distribution.check import Result, Verdict
from registry_operator.testing.builders import EMPTY_DIR, a_registry
from tests.unit.controllers.registry.snapshots import serving

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
PASSED = Result(Verdict.PASSED, "", "", 0.05, "deletion is off")
FAILED = Result(Verdict.FAILED, "push", "POST of an upload was answered 500", 0.1)


def held(*results: Result, begin: Served | None = None, now: datetime = NOW) -> Served:
    found = begin or Served("uid")
    for minute, result in enumerate(results):
        found = judge(found, result, now + timedelta(minutes=minute))
    return found


def test_a_registry_that_serves_is_told_with_its_figures() -> None:
    assert block({}, held(PASSED), NOW) == {
        "result": "Passed",
        "since": "2026-01-01T12:00:00Z",
        "limited": "deletion is off",
        "lastTime": "2026-01-01T12:00:00Z",
        "lastSuccess": "2026-01-01T12:00:00Z",
        "latencyMilliseconds": 50,
        "observedSince": "2026-01-01T12:00:00Z",
        "availability": {"hour": "100", "day": "100", "month": "100"},
    }


def test_what_fails_is_told_with_its_step_and_the_outage() -> None:
    told = block({}, held(PASSED, FAILED, FAILED), NOW + timedelta(minutes=2))
    assert (told["result"], told["step"], told["message"]) == ("Failed", "push", FAILED.message)
    assert told["lastSuccess"] == "2026-01-01T12:00:00Z"
    assert told["outages"] == [{"begun": "2026-01-01T12:02:00Z"}]


def test_nothing_is_said_where_no_check_ever_came_through() -> None:
    unreachable = Result(Verdict.UNREACHABLE, "/", "no answer came in time", 20.0)
    assert block({}, held(unreachable, unreachable), NOW) == {}


def written(served: Served, *, days: int, begin: datetime = NOW, block_: Any = None) -> int:
    """How often the block is written in so many days of a check each minute that passes."""
    told, writes = block_ or block({}, served, begin), 0
    for minute in range(1, days * 1440):
        now = begin + timedelta(minutes=minute)
        served = judge(served, PASSED, now)
        after = block(told, served, now)
        writes += after != told
        told = after
    return writes


def test_while_all_is_well_nothing_is_written_for_days() -> None:
    assert written(held(PASSED), days=3) == 0


def test_after_an_outage_figures_are_written_ever_more_rarely() -> None:
    served = held(PASSED, FAILED, FAILED, PASSED)
    assert 5 <= written(served, days=1, begin=NOW + timedelta(minutes=3)) <= 25
    assert written(served, days=8, begin=NOW + timedelta(minutes=3)) <= 40


def test_what_was_told_is_known_again_after_a_restart() -> None:
    served = held(PASSED, FAILED, FAILED)
    later = NOW + timedelta(minutes=2)
    told = block({}, served, later)
    found = recall("uid", {"healthCheck": told})

    assert found.fails
    assert found.history == served.history
    assert block(told, found, later) == told
    assert (
        held(PASSED, begin=found, now=later).history
        == held(PASSED, begin=served, now=later).history
    )


@pytest.mark.parametrize(
    "told",
    [None, "x", {}, {"result": "Wrong"}, {"result": "Passed", "observedSince": "yesterday"}],
)
def test_a_status_that_can_not_be_read_is_begun_anew(told: Any) -> None:
    assert recall("uid", {"healthCheck": told}) == Served("uid")
    assert recall("uid", {}) == Served("uid")


def test_the_block_is_one_that_the_definition_knows() -> None:
    told = block({}, held(PASSED, FAILED, FAILED, PASSED), NOW + timedelta(minutes=3))
    known = HealthCheckStatus.model_validate(told, extra="forbid")
    assert known.wire() == told


def test_ready_pods_that_serve_nobody_are_not_available_and_the_message_says_what_to_do() -> None:
    inputs = serving(a_registry(storage=EMPTY_DIR), served=held(FAILED, FAILED))
    found = {one.type: one for one in conditions(inputs, {})}
    for type_ in ("Available", "Ready"):
        assert (found[type_].status, found[type_].reason) == ("False", REASON)
        assert FAILED.message in found[type_].message
        assert "See whether the store is full" in found[type_].message


@pytest.mark.parametrize("step", ["/", "/v2/", "push", "pull", "delete"])
def test_every_step_has_a_cure(step: str) -> None:
    inputs = serving(a_registry(storage=EMPTY_DIR), served=held(*[replace(FAILED, step=step)] * 2))
    found = trouble(inputs)
    assert found is not None
    assert "ee the log of the pods" in found.message


def test_where_no_pod_is_ready_that_is_told_and_no_check() -> None:
    inputs = serving(a_registry(storage=EMPTY_DIR), served=held(FAILED, FAILED), endpoint_slices=())
    available = next(one for one in conditions(inputs, {}) if one.type == "Available")
    assert available.reason != REASON


def test_one_that_serves_or_of_which_nothing_is_known_has_no_trouble() -> None:
    for served in (None, Served("uid"), held(PASSED), held(FAILED)):
        assert trouble(serving(a_registry(storage=EMPTY_DIR), served=served)) is None


def test_the_block_goes_where_checks_are_not_wanted_and_stays_where_the_spec_does_not_hold() -> (
    None
):
    off = a_registry(storage=EMPTY_DIR, healthCheck={"enabled": False})
    assert applied(serving(off, served=held(PASSED)), now=NOW) == {}
    on = serving(a_registry(storage=EMPTY_DIR), served=held(PASSED))
    assert applied(replace(on, spec=None), now=NOW)["healthCheck"]["result"] == "Passed"


def test_the_status_is_due_when_the_block_says_something_else() -> None:
    served = held(PASSED)
    registry = a_registry(storage=EMPTY_DIR)
    assert is_due(serving(registry, served=served), now=NOW)
    registry["status"] = {"healthCheck": dict(block({}, served, NOW))}
    assert not is_due(serving(registry, served=served), now=NOW)
