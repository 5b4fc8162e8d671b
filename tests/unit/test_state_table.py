"""The state as people read it."""

from typing import Any

import pytest

from registry_operator.state_table import age, render

NOW = "2026-01-01T12:00:00Z"


def a_state(*keys: dict[str, Any], left_out: int = 0, **fields: Any) -> dict[str, Any]:
    queue = {"ready": 1, "held": 1, "delayed": 3, "processing": 1, "failing": 2}
    controller = {
        "name": "deployment",
        "workers": 4,
        "active": 1,
        "reconciles": 120,
        "errors": 7,
        "queue": queue,
        "keys": [*keys],
        "left_out": left_out,
    }
    return {
        "name": "registry-operator",
        "version": "1.2.3",
        "time": NOW,
        "started": "2026-01-01T08:58:00Z",
        "tasks": 31,
        "leader": None,
        "controllers": [controller],
        "caches": [],
        **fields,
    }


def a_key(**fields: Any) -> dict[str, Any]:
    return {"key": "team-a/images", "running": None, "queued": None, "waits_for": None, **fields}


def a_cache(**fields: Any) -> dict[str, Any]:
    return {
        "kind": "secrets",
        "objects": 12,
        "bytes": 20480,
        "synced": True,
        "optional": False,
        "last_event_seconds_ago": 42.5,
        "restarts": {"Closed": 2, "Gone": 1},
        "error": None,
        **fields,
    }


def row(text: str, start: str) -> list[str]:
    """The cells of the line that begins so."""
    (line,) = [line for line in text.splitlines() if line.startswith(start)]
    return [cell.strip() for cell in line.split("   ") if cell.strip()]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.9, "0s"),
        (42, "42s"),
        (60, "1m"),
        (200, "3m20s"),
        (18060, "5h1m"),
        (18059, "5h59s"),
        (273600, "3d4h"),
        (-3, "0s"),
    ],
)
def test_ages_are_told_in_two_words_at_most(seconds: float, text: str) -> None:
    assert age(seconds) == text


def test_the_head_says_who_runs_since_when() -> None:
    head = render(a_state()).splitlines()[:2]

    assert head == ["registry-operator 1.2.3, up for 3h2m, 31 tasks", "no leader election"]


@pytest.mark.parametrize(
    ("holder", "line"),
    [
        ("me", "leads (system/operator), for 8.2 s more"),
        ("other", "waits for system/operator, held by other"),
        ("", "waits for system/operator, held by nobody"),
    ],
)
def test_the_head_says_who_leads(holder: str, line: str) -> None:
    leader = {
        "lease": "system/operator",
        "is_leader": holder == "me",
        "holder": holder,
        "valid_for": 8.23,
    }

    assert render(a_state(leader=leader)).splitlines()[1] == line


def test_a_controller_is_a_row_of_counts() -> None:
    text = render(a_state())

    assert row(text, "deployment") == ["deployment", "1/4", "2", "3", "2", "120", "7"]
    assert "every key is done" in text


@pytest.mark.parametrize(
    ("fields", "cells"),
    [
        ({}, ["secrets", "12", "20", "yes", "42s", "3", "-"]),
        (
            {"synced": False, "last_event_seconds_ago": None, "error": "Forbidden: no right"},
            ["secrets", "12", "20", "NO", "-", "3", "Forbidden: no right"],
        ),
        (
            {"synced": False, "optional": True},
            ["secrets", "12", "20", "optional", "42s", "3", "-"],
        ),
    ],
)
def test_a_kind_is_a_row_that_says_whether_it_can_be_trusted(
    fields: dict[str, Any], cells: list[str]
) -> None:
    assert row(render(a_state(caches=[a_cache(**fields)])), "secrets") == cells


RUNNING = {
    "reconcile_id": 7,
    "since": "2026-01-01T11:59:18Z",
    "stack": ["a.py:1 outer", "b.py:2 inner"],
}
BLOCKED = {
    "outcome": "Blocked",
    "reason": "SecretNotFound",
    "message": "make the Secret",
    "since": "2026-01-01T11:50:00Z",
    "runs": 2,
}


def queued(state: str, **fields: Any) -> dict[str, Any]:
    told = {"since": "2026-01-01T11:59:59Z", "due_in_seconds": None, "failures": 0, **fields}
    return {"state": state, "priority": "NORMAL", **told}


@pytest.mark.parametrize(
    ("fields", "cells"),
    [
        ({"running": RUNNING}, ["running", "42s", "at b.py:2 inner"]),
        ({"waits_for": BLOCKED}, ["Blocked", "10m", "SecretNotFound: make the Secret"]),
        (
            {"waits_for": {**BLOCKED, "outcome": "After", "reason": "", "message": ""}},
            ["After", "10m"],
        ),
        ({"queued": queued("ready")}, ["ready", "1s", "priority NORMAL"]),
        (
            {"queued": queued("delayed", since=None, due_in_seconds=12.5, failures=3)},
            ["due in 12s", "-", "failed 3 times"],
        ),
        (
            {"queued": queued("delayed", since=None, due_in_seconds=12.5)},
            ["due in 12s", "-"],
        ),
    ],
)
def test_a_key_says_what_it_does_since_when_and_why(
    fields: dict[str, Any], cells: list[str]
) -> None:
    told = row(render(a_state(a_key(**fields))), "team-a/images")

    assert told == ["team-a/images", "deployment", *cells]


def test_a_key_that_runs_and_is_asked_for_again_and_waits_is_three_rows() -> None:
    text = render(a_state(a_key(running=RUNNING, queued=queued("held"), waits_for=BLOCKED)))

    rows = [line for line in text.splitlines() if line.startswith("team-a/images")]
    assert sorted(line.split()[2] for line in rows) == ["Blocked", "held", "running"]


def test_whoever_asks_for_one_key_sees_the_whole_stack_in_its_column() -> None:
    lines = render(a_state(a_key(running=RUNNING)), stacks=True).splitlines()

    first = next(line for line in lines if "at a.py:1 outer" in line)
    assert lines[lines.index(first) + 1] == " " * first.index("at ") + "at b.py:2 inner"


def test_keys_that_were_left_out_are_counted() -> None:
    assert render(a_state(a_key(waits_for=BLOCKED), left_out=7)).endswith("\n7 keys more\n")
