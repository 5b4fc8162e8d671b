"""Stopped while the API server does not answer: every run ends or is abandoned, nothing is lost."""

import signal
import time

import pytest

from hack.cluster.cluster import Cluster
from hack.world import World
from tests.integration.leadership.candidates import (
    RENEW_SECONDS,
    Candidate,
    await_candidate,
    await_leader,
)
from tests.integration.leadership.reigns import overlaps, reigns
from tests.integration.leadership.traffic import Traffic

pytestmark = pytest.mark.integration

Pair = tuple[Candidate, Candidate]

_APISERVER = "kube-apiserver"
# Long enough for what users changed last to become requests that are not answered.
_MOMENT = 0.7


def busy_leader(pair: Pair) -> Pair:
    """Starts both, and has the leader work for a while; who leads, and who waits."""
    for one in pair:
        one.start()
    leader = await_leader(*pair)
    (other,) = (one for one in pair if one is not leader)
    await_candidate(other)
    time.sleep(2)
    return leader, other


def keys_told(one: Candidate, event: str) -> set[str]:
    return {line["key"] for line in one.lines() if line["event"] == event}


def test_runs_that_an_api_server_answers_in_time_are_finished(
    cluster: Cluster, pair: Pair, world: World
) -> None:
    with Traffic(world) as traffic:
        leader, _ = busy_leader(pair)
        cluster.pause(_APISERVER)
        try:
            time.sleep(_MOMENT)
            leader.signal(signal.SIGTERM)
            time.sleep(_MOMENT)
            still_running = leader.is_running
        finally:
            cluster.resume(_APISERVER)
        code = leader.exit_code(within=30)
        traffic.await_done()

    assert still_running
    assert code == 0
    assert leader.has_told("all work has ended")
    assert leader.has_told("lease released")
    assert keys_told(leader, "reconcile abandoned") == set()


def test_runs_that_are_cut_off_are_told_by_key_and_done_by_the_next_process(
    cluster: Cluster, pair: Pair, world: World
) -> None:
    with Traffic(world) as traffic:
        leader, _ = busy_leader(pair)
        cluster.pause(_APISERVER)
        try:
            time.sleep(_MOMENT)
            leader.signal(signal.SIGTERM)
            time.sleep(_MOMENT)
            # Not willing to wait for the grace of 30 s.
            leader.signal(signal.SIGTERM)
            code = leader.exit_code(within=RENEW_SECONDS + 10)
        finally:
            cluster.resume(_APISERVER)
        traffic.await_done()

    assert code == 1
    assert leader.lines()[-1]["reason"] == "StopError"
    assert not leader.has_told("all work has ended")
    assert keys_told(leader, "reconcile abandoned") != set()


def test_runs_of_a_leader_that_lost_its_lease_are_abandoned_and_done_by_the_next(
    cluster: Cluster, pair: Pair, world: World
) -> None:
    begun = cluster.audit.mark()
    with Traffic(world) as traffic:
        leader, _ = busy_leader(pair)
        cluster.pause(_APISERVER)
        try:
            code = leader.exit_code(within=RENEW_SECONDS + 15)
        finally:
            cluster.resume(_APISERVER)
        traffic.await_done()

    assert code == 1
    assert leader.lines()[-1]["reason"] == "LeadershipLost"
    assert keys_told(leader, "reconcile abandoned") != set()
    found = reigns(cluster.audit, {one.user for one in pair}, since=begun)
    assert len(found) == 2
    assert overlaps(found) == []
