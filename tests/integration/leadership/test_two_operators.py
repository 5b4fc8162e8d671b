"""Two operators before one API server, the leader paused, killed or stopped: never two writers.

What counts is the audit log. No write of one, Events included, may arrive after the other's first
one; only the Lease itself is written by both, at the resourceVersion that each has seen.
"""

import os
import random
import signal
import time
from itertools import pairwise

import pytest

from hack.cluster.cluster import Cluster
from hack.world import World
from tests.integration.leadership.candidates import (
    LEASE_SECONDS,
    LONGEST_RETRY,
    RENEW_SECONDS,
    Candidate,
    await_candidate,
    await_leader,
    holder,
)
from tests.integration.leadership.reigns import Reign, last_renewal, overlaps, reigns
from tests.integration.leadership.traffic import Traffic

pytestmark = pytest.mark.integration

Pair = tuple[Candidate, Candidate]

_SEED = int(os.environ.get("LEADER_SEED", "20261126"))
_PAUSES = 4
# How long a busy machine may take to let a process that has the Lease write.
_SLACK = 5.0


def enthrone(pair: Pair) -> Pair:
    """Starts both; who leads, and who waits."""
    for one in pair:
        one.start()
    leader = await_leader(*pair)
    (other,) = (one for one in pair if one is not leader)
    await_candidate(other)
    return leader, other


def judged(cluster: Cluster, pair: Pair, *, since: int) -> list[Reign]:
    """The reigns, none of which overlaps with the next."""
    found = reigns(cluster.audit, {one.user for one in pair}, since=since)
    assert overlaps(found) == []
    return found


def await_writes(cluster: Cluster, one: Candidate, *, since: int) -> Reign:
    """Its first writes after a mark."""
    deadline = time.monotonic() + LEASE_SECONDS + LONGEST_RETRY + _SLACK + 10
    while not (found := reigns(cluster.audit, {one.user}, since=since)):
        assert time.monotonic() < deadline, one.events()[-5:]
        time.sleep(0.05)
    return found[0]


def test_a_leader_paused_past_its_lease_never_writes_again(
    cluster: Cluster, pair: Pair, world: World
) -> None:
    rng = random.Random(_SEED)
    begun = cluster.audit.mark()
    leader, other = enthrone(pair)
    with Traffic(world) as traffic:
        for _ in range(_PAUSES):
            await_writes(cluster, leader, since=begun)
            time.sleep(rng.uniform(0.5, 3.0))
            paused_at = cluster.audit.mark()
            leader.pause()
            await_writes(cluster, other, since=paused_at)
            time.sleep(rng.uniform(0.0, 2.0))
            leader.resume()

            assert leader.exit_code(within=20) == 1
            assert leader.lines()[-1]["reason"] == "LeadershipLost"
            # Time enough for whatever might have been on its way.
            time.sleep(1.0)
            leader.start()
            await_candidate(leader)
            leader, other = other, leader
        traffic.await_done()

    found = judged(cluster, pair, since=begun)
    assert len(found) == _PAUSES + 1
    assert min(len(reign.writes) for reign in found) >= 5
    gaps = [after.began - before.ended for before, after in pairwise(found)]
    assert min(gaps) >= LEASE_SECONDS - RENEW_SECONDS


def test_a_leader_told_to_stop_hands_over_without_waiting_for_the_lease_to_run_out(
    cluster: Cluster, pair: Pair, world: World
) -> None:
    begun = cluster.audit.mark()
    leader, other = enthrone(pair)
    with Traffic(world) as traffic:
        await_writes(cluster, leader, since=begun)
        time.sleep(2)
        stopped_at = cluster.audit.mark()
        leader.signal(signal.SIGTERM)
        first = await_writes(cluster, other, since=stopped_at)
        assert leader.exit_code(within=20) == 0
        traffic.await_done()

    judged(cluster, pair, since=begun)
    released = last_renewal(cluster.audit, leader.user, since=stopped_at)
    assert first.began - released.answered < LONGEST_RETRY + _SLACK
    order = ["stopping", "all work has ended", "lease released", "stopped"]
    assert [event for event in leader.events() if event in order] == order
    assert holder(cluster) == other.identity


def test_a_killed_leader_is_followed_when_its_lease_has_run_out(
    cluster: Cluster, pair: Pair, world: World
) -> None:
    begun = cluster.audit.mark()
    leader, other = enthrone(pair)
    with Traffic(world) as traffic:
        await_writes(cluster, leader, since=begun)
        time.sleep(2)
        killed_at = cluster.audit.mark()
        leader.signal(signal.SIGKILL)
        assert leader.exit_code(within=10) == -signal.SIGKILL
        first = await_writes(cluster, other, since=killed_at)
        traffic.await_done()

    judged(cluster, pair, since=begun)
    renewed = last_renewal(cluster.audit, leader.user, since=begun)
    waited = first.began - renewed.answered
    assert LEASE_SECONDS <= waited < LEASE_SECONDS + LONGEST_RETRY + _SLACK
