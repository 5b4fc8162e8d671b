"""The operator's own endpoints: `/healthz`, `/readyz` and `/metrics`.

In flow checks and the metrics' registry; out flow the kubelet's and Prometheus' answers. Liveness
and readiness are different questions: a process that is not ready is left alone, one that is not
alive is killed, so a check belongs into `live` only if a restart would heal it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

Check = Callable[[], str | None]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Health:
    """Named checks; each says what is wrong, or None."""

    live: dict[str, Check] = field(default_factory=dict)
    ready: dict[str, Check] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HttpStats:
    """Where the server listens, and how many requests it answered."""

    host: str
    port: int
    requests: int


class HttpServer:
    """Serves from `async with` on; port 0 takes a free one, `stats()` says which."""

    def __init__(
        self, registry: CollectorRegistry, health: Health, *, host: str = "", port: int = 8080
    ) -> None:
        self._registry = registry
        self._health = health
        self._host = host
        self._port = port
        self._requests = 0
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        """Start to listen.

        Raises:
            OSError: the address is taken, or not ours.
        """
        app = web.Application()
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        await self._runner.setup()
        try:
            site = web.TCPSite(self._runner, self._host or None, self._port)
            await site.start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = self._runner.addresses[0][1]
        log.info("serving", host=self._host or "*", port=self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def stats(self) -> HttpStats:
        """Where it listens and what it did."""
        return HttpStats(self._host, self._port, self._requests)

    async def _healthz(self, _request: web.Request) -> web.Response:
        return self._answer(self._health.live)

    async def _readyz(self, _request: web.Request) -> web.Response:
        return self._answer(self._health.ready)

    async def _metrics(self, request: web.Request) -> web.Response:
        self._requests += 1
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._registry), headers={"Content-Type": content_type})

    def _answer(self, checks: Mapping[str, Check]) -> web.Response:
        self._requests += 1
        verdicts = {name: check() for name, check in checks.items()}
        lines = [f"[{'-' if why else '+'}]{name} {why or 'ok'}" for name, why in verdicts.items()]
        failed = any(verdicts.values())
        return web.Response(text="\n".join([*lines, ""]) or "ok\n", status=503 if failed else 200)
