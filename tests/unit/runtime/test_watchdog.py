"""A loop that stands still is seen by a thread, which says where, and says it once."""

import asyncio
import time

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from registry_operator.runtime.metrics import Metrics
from registry_operator.runtime.watchdog import Pulse, Watchdog


def looks(pulse: Pulse, *moments: float) -> list[float | None]:
    return [pulse.look(moment) for moment in moments]


def test_silence_is_told_once_and_again_after_the_next_beat() -> None:
    pulse = Pulse(2.0, now=0.0)

    assert looks(pulse, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0) == [None, None, None, 2.0, None, None]
    pulse.beat(3.2)
    assert looks(pulse, 3.5, 4.5, 5.0, 5.5) == [None, None, None, pytest.approx(2.3)]


def test_a_loop_that_beats_is_never_told() -> None:
    pulse = Pulse(2.0, now=0.0)
    for tick in range(1, 100):
        pulse.beat(tick * 0.9)
        assert pulse.look(tick * 0.9 + 0.8) is None


def test_a_process_that_was_suspended_does_not_blame_its_loop() -> None:
    pulse = Pulse(2.0, now=0.0)

    assert looks(pulse, 0.5, 3600.0, 3601.0) == [None, None, None]
    assert looks(pulse, 3601.5, 3602.0) == [None, 2.0]


def stand_still(seconds: float) -> None:
    time.sleep(seconds)


@pytest.mark.real_time
async def test_the_line_names_the_place_where_the_loop_stands() -> None:
    metrics = Metrics(CollectorRegistry())
    watchdog = Watchdog(metrics=metrics, threshold=0.4)
    with capture_logs() as logs:
        run = asyncio.create_task(watchdog.run())
        await asyncio.sleep(0.2)
        stand_still(1.5)
        await asyncio.sleep(0.2)
        run.cancel()
        await asyncio.wait({run})

    (line,) = logs
    assert (line["event"], line["log_level"]) == ("event loop is blocked", "error")
    assert 0.4 <= line["seconds"] < 1.5
    assert [place for place in line["stack"] if place.endswith(" stand_still")]
    assert watchdog.stats().stalls == 1
    assert metrics.registry.get_sample_value("registry_operator_event_loop_stalls_total") == 1


@pytest.mark.real_time
async def test_a_loop_that_runs_is_left_alone_and_the_thread_ends_with_the_run() -> None:
    watchdog = Watchdog(metrics=Metrics(CollectorRegistry()), threshold=1.0)
    with capture_logs() as logs:
        run = asyncio.create_task(watchdog.run())
        await asyncio.sleep(0.5)
        run.cancel()
        await asyncio.wait({run})
        stand_still(1.5)

    assert logs == []
