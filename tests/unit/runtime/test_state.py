"""What the state says of keys and kinds, given what the parts say of themselves."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from registry_operator.runtime.cache import KindStats
from registry_operator.runtime.controller import ControllerStats
from registry_operator.runtime.queued import Queued, QueuedState
from registry_operator.runtime.reflector import ReflectorStats
from registry_operator.runtime.runs import RunStats
from registry_operator.runtime.state import (
    ControllerFacts,
    KeyFacts,
    Moment,
    cache_state,
    controller_state,
    to_json,
)
from registry_operator.runtime.store import Failure, StoreStats
from registry_operator.runtime.waiting import Wait
from registry_operator.runtime.workqueue import QueueStats
from tests.unit.runtime.controller_stage import A, B

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MOMENT = Moment(NOON, monotonic=100.0)
QUEUE = QueueStats(
    ready=1, held=0, delayed=1, processing=1, failing=0, longest_running=9.0, closed=False
)
STATS = ControllerStats(workers=4, active=1, reconciles=12, errors=2, queue=QUEUE)


RUN = RunStats(A, 7, 91.0, ("a.py:1 outer", "b.py:2 inner"))


WAIT = Wait("Blocked", "WaitingForSecret", "make it", 40.0, 5)


def queued(state: QueuedState = "ready", *, at: float = 99.0) -> Queued:
    return Queued(state, "NORMAL", at, 3)


def told(*keys: KeyFacts, left_out: int = 0) -> Any:
    state = controller_state(ControllerFacts("deployment", STATS, keys, left_out), MOMENT)
    return orjson.loads(to_json(state))


def test_a_moment_knows_the_time_of_day_of_what_was_and_will_be() -> None:
    assert MOMENT.when(70.0) == NOON - timedelta(seconds=30)
    assert MOMENT.when(130.0) == NOON + timedelta(seconds=30)


def test_a_key_is_told_once_with_all_that_is_known_of_it() -> None:
    state = told(KeyFacts(A, RUN, queued("held"), WAIT))

    assert state["keys"] == [
        {
            "key": "team-a/images",
            "running": {
                "reconcile_id": 7,
                "since": "2026-01-01T11:59:51Z",
                "stack": ["a.py:1 outer", "b.py:2 inner"],
            },
            "queued": {
                "state": "held",
                "priority": "NORMAL",
                "since": "2026-01-01T11:59:59Z",
                "due": None,
                "due_in_seconds": None,
                "failures": 3,
            },
            "waits_for": {
                "outcome": "Blocked",
                "reason": "WaitingForSecret",
                "message": "make it",
                "since": "2026-01-01T11:59:00Z",
                "runs": 5,
            },
        }
    ]


def test_a_delayed_key_says_when_it_is_due() -> None:
    (key,) = told(KeyFacts(A, queued=queued("delayed", at=103.25)))["keys"]

    assert key["queued"]["due"] == "2026-01-01T12:00:03.250000Z"
    assert key["queued"]["due_in_seconds"] == 3.25
    assert key["queued"]["since"] is None
    assert key["running"] is key["waits_for"] is None


def test_keys_keep_their_order_and_those_that_are_left_out_are_counted() -> None:
    state = told(KeyFacts(B, wait=WAIT), KeyFacts(A, RUN), left_out=7)

    assert [one["key"] for one in state["keys"]] == [str(B), str(A)]
    assert state["left_out"] == 7


def test_a_controller_tells_its_workers_and_its_queue() -> None:
    state = told()

    assert (state["name"], state["workers"], state["active"]) == ("deployment", 4, 1)
    assert (state["reconciles"], state["errors"]) == (12, 2)
    assert state["queue"]["delayed"] == 1
    assert state["keys"] == []


def test_a_kind_tells_what_it_holds_and_what_keeps_it_from_following() -> None:
    store = StoreStats(
        objects=3,
        bytes=900,
        pending=1,
        subscribers=9,
        resource_version="77",
        synced=True,
        available=True,
        error=Failure("Forbidden", "the right is missing"),
        stale_events=0,
        handler_failures=0,
        index_failures=0,
    )
    reflector = ReflectorStats(
        restarts={"Forbidden": 2},
        lists=1,
        watches=4,
        sync_seconds=0.12345,
        last_event_age=None,
        resource_version="77",
    )
    state = orjson.loads(
        to_json(
            cache_state(
                "secrets",
                KindStats(optional=False, settled=True, store=store, reflector=reflector),
            )
        )
    )

    assert (state["kind"], state["objects"], state["bytes"]) == ("secrets", 3, 900)
    assert (state["own_writes_pending"], state["resource_version"]) == (1, "77")
    assert state["restarts"] == {"Forbidden": 2}
    assert (state["sync_seconds"], state["last_event_seconds_ago"]) == (0.123, None)
    assert state["error"] == "Forbidden: the right is missing"


def test_what_is_no_plain_value_is_refused_and_not_guessed() -> None:
    with pytest.raises(TypeError, match="not JSON serializable: object"):
        to_json({"part": object()})
