"""meta/v1 conditions (framework.md T2) as kstatus reads them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from registry_operator.runtime.conditions import Condition, find, is_true, merge

EARLIER, NOW = "2026-11-23T05:00:00Z", datetime(2026, 11, 23, 6, 0, 0, 999, tzinfo=UTC)


def existing(status: str = "True", **changes: Any) -> list[dict[str, Any]]:
    return [
        {
            "type": "Ready",
            "status": status,
            "reason": "Serving",
            "message": "",
            "lastTransitionTime": EARLIER,
            **changes,
        }
    ]


def test_a_new_condition_begins_now() -> None:
    assert merge([], [Condition("Ready", "True", "Serving", "fine", 3)], NOW) == [
        {
            "type": "Ready",
            "status": "True",
            "reason": "Serving",
            "message": "fine",
            "lastTransitionTime": "2026-11-23T06:00:00Z",
            "observedGeneration": 3,
        }
    ]


def test_other_words_are_no_transition() -> None:
    merged = merge(existing(), [Condition("Ready", "True", "Other", "more words", 9)], NOW)

    assert merged[0]["lastTransitionTime"] == EARLIER
    assert (merged[0]["reason"], merged[0]["observedGeneration"]) == ("Other", 9)


def test_another_status_is_a_transition() -> None:
    merged = merge(existing(), [Condition("Ready", "False", "Serving")], NOW)

    assert merged[0]["lastTransitionTime"] == "2026-11-23T06:00:00Z"
    assert "observedGeneration" not in merged[0]


def test_a_supplied_time_counts_only_for_a_transition() -> None:
    supplied = datetime(2026, 1, 2, tzinfo=UTC)
    stays = Condition("Ready", "True", "Serving", last_transition_time=supplied)
    turns = Condition("Ready", "False", "Broken", last_transition_time=supplied)

    assert merge(existing(), [stays], NOW)[0]["lastTransitionTime"] == EARLIER
    assert merge(existing(), [turns], NOW)[0]["lastTransitionTime"] == "2026-01-02T00:00:00Z"


def test_merging_the_same_again_changes_nothing() -> None:
    conditions = [Condition("Ready", "True", "Serving", observed_generation=1)]
    once = merge([], conditions, NOW)

    assert merge(once, conditions, datetime(2027, 1, 1, tzinfo=UTC)) == once


def test_a_condition_no_longer_named_is_gone_and_the_order_is_the_new_one() -> None:
    before = [*existing(), {"type": "Stalled", "status": "True", "reason": "X"}]
    new = [Condition("Available", "True", "Up"), Condition("Ready", "True", "Serving")]

    assert [one["type"] for one in merge(before, new, NOW)] == ["Available", "Ready"]


def test_a_condition_without_time_gets_one() -> None:
    before = existing()
    del before[0]["lastTransitionTime"]

    merged = merge(before, [Condition("Ready", "True", "Serving")], NOW)

    assert merged[0]["lastTransitionTime"] == "2026-11-23T06:00:00Z"


def test_a_type_named_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="named twice"):
        merge([], [Condition("Ready", "True", "A"), Condition("Ready", "False", "B")], NOW)


@pytest.mark.parametrize("reason", ["", "two words", "9Lives", "Ends:", "x" * 1025])
def test_a_reason_the_api_server_would_refuse_is_refused(reason: str) -> None:
    with pytest.raises(ValueError, match="no CamelCase reason"):
        Condition("Ready", "True", reason)


def test_a_message_is_cut_to_what_the_api_server_takes() -> None:
    merged = merge([], [Condition("Ready", "True", "A", "m" * 40000)], NOW)

    assert len(merged[0]["message"]) == 32768


def test_a_missing_condition_is_not_true() -> None:
    assert is_true(existing(), "Ready")
    assert not is_true(existing("Unknown"), "Ready")
    assert not is_true(existing(), "Available")
    assert find(existing(), "Available") is None
