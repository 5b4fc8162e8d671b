"""What holds after each check, and who is checked at all."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controllers.registry.check_target import should_serve, target
from controllers.registry.inputs import Children
from controllers.registry.outages import Outage
from controllers.registry.served import Served, judge, rest
from registry_operator.distribution.check import Check, Result, Verdict
from registry_operator.runtime.outcome import Blocked
from registry_operator.testing.builders import (
    EMPTY_DIR,
    a_registry,
    a_service,
    an_endpoint_slice,
    an_object,
    deleting,
)
from tests.unit.controllers.registry.snapshots import a_snapshot

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
PASSED = Result(Verdict.PASSED, "", "", 0.05)
FAILED = Result(Verdict.FAILED, "push", "POST of an upload was answered 500", 0.1)
UNREACHABLE = Result(Verdict.UNREACHABLE, "/", "no answer came in time", 20.0)
FRESH = Served("uid")


def after(*results: Result, begin: Served = FRESH) -> Served:
    """A check each minute."""
    held = begin
    for minute, result in enumerate(results):
        held = judge(held, result, NOW + timedelta(minutes=minute))
    return held


def test_a_check_that_passes_says_so_at_once() -> None:
    held = after(PASSED)
    assert (held.verdict, held.since, held.last_success) == (Verdict.PASSED, NOW, NOW)
    assert held.milliseconds == 50
    assert not held.fails


def test_one_failure_is_not_held_against_it_and_the_next_one_is() -> None:
    assert not after(PASSED, FAILED).fails
    held = after(PASSED, FAILED, FAILED)
    assert held.fails
    assert (held.step, held.message) == ("push", FAILED.message)
    assert held.since == NOW + timedelta(minutes=2)
    assert held.last_success == NOW


def test_failures_with_a_pass_between_them_are_not_in_a_row() -> None:
    assert not after(PASSED, FAILED, PASSED, FAILED).fails


def test_one_that_passes_heals() -> None:
    held = after(FAILED, FAILED, PASSED)
    assert (held.verdict, held.step, held.message) == (Verdict.PASSED, "", "")
    assert held.history is not None
    begun = NOW + timedelta(minutes=1)
    assert held.history.outages == (Outage(begun, begun + timedelta(minutes=1)),)


def test_the_words_of_a_failure_stay_while_the_same_step_fails() -> None:
    other = replace(FAILED, message="PUT of a blob was answered 500")
    pull = Result(Verdict.FAILED, "pull", "GET of a blob was answered 404", 0.1)
    assert after(FAILED, FAILED, other, other).message == FAILED.message
    assert after(FAILED, FAILED, pull).message == pull.message


def test_who_was_never_reached_is_never_said_to_fail_and_has_no_figures() -> None:
    held = after(UNREACHABLE, UNREACHABLE, UNREACHABLE)
    assert held.verdict is Verdict.UNREACHABLE
    assert not held.fails
    assert held.history is None


def test_what_fails_is_not_held_once_it_can_not_be_reached_for_a_while() -> None:
    assert after(FAILED, FAILED, UNREACHABLE).fails
    held = after(FAILED, FAILED, UNREACHABLE, UNREACHABLE)
    assert not held.fails
    assert held.history is not None
    assert not held.history.is_down


def test_no_ready_pod_is_an_outage_for_clients_until_one_is_ready() -> None:
    gone = rest(after(PASSED), NOW + timedelta(minutes=5), absent=True)
    assert gone.history is not None
    assert gone.history.is_down
    back = judge(gone, PASSED, NOW + timedelta(minutes=6))
    assert back.history is not None
    assert not back.history.is_down


def test_who_is_not_asked_is_not_said_to_fail() -> None:
    held = rest(after(FAILED, FAILED), NOW + timedelta(minutes=5), absent=False)
    assert not held.fails
    assert held.history is not None
    assert not held.history.is_down


def test_before_it_ever_served_there_is_no_outage() -> None:
    assert rest(FRESH, NOW, absent=True).history is None


def inputs(registry: dict[str, Any] | None = None, *, ready: bool = True, **service: Any) -> Any:
    body = registry or a_registry(storage=EMPTY_DIR)
    found = a_service(body)
    found["spec"].update({"clusterIP": "10.1.2.3", "ports": [{"port": 80}], **service})
    slices = (an_object(an_endpoint_slice(body, ready=(ready,))),)
    return a_snapshot(body, children=Children(service=an_object(found), endpoint_slices=slices))


def test_a_registry_is_asked_at_the_address_and_port_of_its_service() -> None:
    assert target(inputs()) == Check("10.1.2.3", 80, seconds=20.0)


def test_its_prefix_and_the_time_that_it_is_given_are_minded() -> None:
    health = {"timeoutSeconds": 5}
    config = {"http": {"prefix": "/below/"}}
    found = target(inputs(a_registry(storage=EMPTY_DIR, config=config, healthCheck=health)))
    assert found == Check("10.1.2.3", 80, prefix="/below/", seconds=5.0)


@pytest.mark.parametrize(
    "registry",
    [
        a_registry(storage=EMPTY_DIR, paused=True),
        a_registry(storage=EMPTY_DIR, replicas=0),
        a_registry(storage=EMPTY_DIR, healthCheck={"enabled": False}),
        deleting(a_registry(storage=EMPTY_DIR)),
        a_registry(template="gone"),
    ],
    ids=["paused", "scaled to zero", "not wanted", "deleted", "refused"],
)
def test_who_should_not_serve_or_not_be_asked_is_not(registry: dict[str, Any]) -> None:
    found = inputs(registry)
    if registry.get("template"):
        refusal = Blocked("TemplateNotFound", "there is none")
        found = replace(found, spec=None, refusal=refusal)
    assert not should_serve(found)
    assert target(found) is None


def test_who_has_no_ready_pod_or_no_address_is_not_asked() -> None:
    assert target(inputs(ready=False)) is None
    assert target(inputs(clusterIP="None")) is None
    assert target(inputs(clusterIP="")) is None
    assert should_serve(inputs(ready=False))
