"""How the lag of the event loop is seen."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from registry_operator.runtime.lag import LagMonitor
from registry_operator.runtime.metrics import Metrics
from registry_operator.testing.virtual_loop import VirtualClock, VirtualLoop


async def test_a_blocked_loop_shows_and_a_calm_one_does_not(clock: VirtualClock) -> None:
    metrics = Metrics(CollectorRegistry())
    monitor = LagMonitor(clock=clock, metrics=metrics)
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    run = asyncio.create_task(monitor.run())
    with capture_logs() as logs:
        await clock.sleep(5.1)
        assert monitor.stats().worst == pytest.approx(0)
        loop.jump(2.5)
        await clock.sleep(3)
    run.cancel()
    await asyncio.wait({run})

    assert monitor.stats().worst == pytest.approx(2.1)
    assert monitor.stats().latest == pytest.approx(0)
    assert [line["event"] for line in logs] == ["event loop was blocked"]
    count = metrics.registry.get_sample_value(
        "registry_operator_event_loop_lag_seconds_bucket", {"le": "1.0"}
    )
    total = metrics.registry.get_sample_value("registry_operator_event_loop_lag_seconds_count")
    assert count is not None
    assert total is not None
    assert total - count == 1
