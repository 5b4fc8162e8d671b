"""A process that lost its right to write ends, whatever its event loop hangs in."""

import subprocess
import sys
import time

HANGING = """
import time
from registry_operator.last_resort import end_within

def hang():
    time.sleep(60)

end_within(0.5)
hang()
"""
ENDING = """
import sys
from registry_operator.last_resort import end_within

end_within(60)
sys.exit(3)
"""
# A leader whose loop is blocked for ever: its Lease runs out after a second of silence.
BLOCKED_LEADER = """
import asyncio, random, time
from prometheus_client import CollectorRegistry
from registry_operator.kube.client import Client
from registry_operator.last_resort import end_within
from registry_operator.runtime.clock import SystemClock
from registry_operator.runtime.elector_thread import ElectorThread
from registry_operator.runtime.lease import LEASES, Election
from registry_operator.runtime.metrics import Metrics
from registry_operator.testing.fake_api import FakeApi

async def close():
    pass

async def lead():
    time.sleep(60)

async def main():
    clock = SystemClock()
    election = Election("a", "system", "operator", lease=3, renew=2, retry=1, silence=1)
    elector = ElectorThread(
        Client(FakeApi([LEASES], clock=clock)), election, close=close,
        lost=lambda: end_within(0.5), clock=clock, rng=random.Random(1),
        metrics=Metrics(CollectorRegistry()),
    )
    await elector.run(lead)

asyncio.run(main())
"""


def ended(program: str) -> tuple[int, float, str]:
    """Exit code, seconds that it took, and what it said."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=50
    )
    return done.returncode, time.monotonic() - began, done.stderr


def test_a_process_that_hangs_is_ended_and_says_where_it_hung() -> None:
    code, seconds, told = ended(HANGING)

    assert code == 1
    assert seconds < 30
    assert "in hang" in told


def test_a_process_that_ends_in_time_ends_as_it_likes() -> None:
    code, seconds, told = ended(ENDING)

    assert (code, told) == (3, "")
    assert seconds < 30


def test_a_leader_whose_loop_is_blocked_for_ever_ends_once_its_lease_has_run_out() -> None:
    code, seconds, told = ended(BLOCKED_LEADER)

    assert code == 1
    assert seconds < 40
    assert "in lead" in told
