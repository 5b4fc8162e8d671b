"""The two clocks and how Kubernetes writes time."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from registry_operator.runtime.clock import Clock, SystemClock, micro_time, whole_time
from registry_operator.testing.virtual_loop import VirtualClock


@pytest.mark.parametrize("clock", [SystemClock(), VirtualClock()])
async def test_sleeping_moves_the_loops_time(clock: Clock) -> None:
    before = clock.monotonic()
    await clock.sleep(1000)

    assert clock.monotonic() - before == pytest.approx(1000)


async def test_the_system_clock_tells_the_machines_time_in_utc() -> None:
    assert abs(SystemClock().now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_monotonic_time_needs_a_running_loop() -> None:
    with pytest.raises(RuntimeError):
        SystemClock().monotonic()


def test_times_are_written_as_the_api_server_writes_them() -> None:
    moment = datetime(2026, 11, 23, 8, 0, 5, 42, tzinfo=timezone(timedelta(hours=2)))

    assert micro_time(moment) == "2026-11-23T06:00:05.000042Z"
    assert whole_time(moment) == "2026-11-23T06:00:05Z"
