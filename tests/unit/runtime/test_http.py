"""What the kubelet and Prometheus are told, over a real socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from registry_operator.runtime.http import Health, HttpServer
from registry_operator.runtime.metrics import Metrics

pytestmark = pytest.mark.real_time


@asynccontextmanager
async def serving(
    health: Health | None = None, registry: CollectorRegistry | None = None
) -> AsyncIterator[tuple[aiohttp.ClientSession, HttpServer]]:
    registry = CollectorRegistry() if registry is None else registry
    async with HttpServer(registry, health or Health(), host="127.0.0.1", port=0) as server:
        base = f"http://127.0.0.1:{server.stats().port}"
        async with aiohttp.ClientSession(base) as session:
            yield session, server


async def answer(session: aiohttp.ClientSession, path: str) -> tuple[int, str]:
    async with session.get(path) as response:
        return response.status, await response.text()


async def test_without_checks_all_is_well() -> None:
    async with serving() as (session, server):
        assert await answer(session, "/healthz") == (200, "ok\n")
        assert await answer(session, "/readyz") == (200, "ok\n")
        assert server.stats().requests == 2


async def test_a_failing_check_says_why_and_concerns_only_its_question() -> None:
    health = Health()
    health.live["leader-election"] = lambda: None
    health.ready["caches"] = lambda: "not in memory: secrets"
    async with serving(health) as (session, _):
        assert await answer(session, "/healthz") == (200, "[+]leader-election ok\n")
        assert await answer(session, "/readyz") == (503, "[-]caches not in memory: secrets\n")


async def test_metrics_are_served_as_prometheus_asks_for_them() -> None:
    metrics = Metrics(CollectorRegistry())
    metrics.controller("images")
    async with serving(registry=metrics.registry) as (session, _):
        _, plain = await answer(session, "/metrics")
        accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
        async with session.get("/metrics", headers=accept) as response:
            open_metrics = await response.text()

            assert response.headers["Content-Type"].startswith("application/openmetrics-text")
    assert 'controller_runtime_reconcile_total{controller="images",result="error"} 0.0' in plain
    assert open_metrics.endswith("# EOF\n")


async def test_a_port_in_use_is_an_error_at_the_start() -> None:
    async with serving() as (_, server):
        second = HttpServer(
            CollectorRegistry(), Health(), host="127.0.0.1", port=server.stats().port
        )
        with pytest.raises(OSError, match="address already in use"):
            await second.__aenter__()


async def test_nothing_is_served_after_the_end() -> None:
    async with serving() as (_, server):
        port = server.stats().port
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(f"http://127.0.0.1:{port}/healthz")


async def test_a_server_that_never_started_can_be_left() -> None:
    await HttpServer(CollectorRegistry(), Health()).__aexit__(None, None, None)
