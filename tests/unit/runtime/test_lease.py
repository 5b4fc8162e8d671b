"""What is written into a Lease, and the times of an election (framework.md L1, L2, L4)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from registry_operator.runtime.lease import Election, claim, release, runs_out

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
STAMP = "2026-11-23T06:00:00.000000Z"
US = Election("a", "system", "operator")


def test_the_first_holder_counts_no_transition() -> None:
    assert claim({}, US, NOW) == {
        "holderIdentity": "a",
        "leaseDurationSeconds": 15,
        "acquireTime": STAMP,
        "renewTime": STAMP,
        "leaseTransitions": 0,
    }


def test_a_new_holder_counts_one_and_keeps_what_it_does_not_know() -> None:
    before = {"holderIdentity": "b", "leaseTransitions": 4, "strategy": "OldestEmulationVersion"}

    claimed = claim(before, US, NOW)

    assert (claimed["leaseTransitions"], claimed["acquireTime"]) == (5, STAMP)
    assert claimed["strategy"] == "OldestEmulationVersion"


def test_the_holder_only_renews() -> None:
    before = {"holderIdentity": "a", "leaseTransitions": 4, "acquireTime": "then"}

    claimed = claim(before, US, NOW)

    assert (claimed["leaseTransitions"], claimed["acquireTime"]) == (4, "then")
    assert claimed["renewTime"] == STAMP


def test_a_released_lease_has_no_holder_and_keeps_its_transitions() -> None:
    released = release({"holderIdentity": "a", "leaseTransitions": 4}, NOW)

    assert released["holderIdentity"] == ""
    assert released["leaseTransitions"] == 4
    assert runs_out(released, 100) == 100


def test_a_lease_runs_out_after_the_time_in_the_record() -> None:
    assert runs_out({"holderIdentity": "b", "leaseDurationSeconds": 60}, 100) == 160
    assert runs_out({"holderIdentity": "b"}, 100) == 100


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"identity": ""}, "needs an identity"),
        ({"lease": 10}, "lease > renew"),
        ({"renew": 2.4}, "renew > 1.2 x retry"),
        ({"retry": 0.5}, "under a second"),
    ],
)
def test_times_that_could_make_two_leaders_are_refused(
    changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        Election(**({"identity": "a", "namespace": "n", "name": "l"} | changes))
