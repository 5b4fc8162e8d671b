"""The composition root of `run`: the operator, with everything that it runs on, from its settings.

In: settings. Out: a running operator. SIGTERM and SIGINT stop in order, a second one stops at once,
and SIGUSR1 logs the state.
"""

import asyncio
import random
import secrets
import signal
from collections.abc import Mapping
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector, disable_created_metrics

import controllers
from controllers.kinds import REGISTRY_TEMPLATE
from registry_operator import __version__
from registry_operator.kube import auth
from registry_operator.kube.client import Client
from registry_operator.kube.credentials import Credentials
from registry_operator.kube.resource import ObjectKey
from registry_operator.kube.transport import HttpTransport
from registry_operator.last_resort import end_within
from registry_operator.runtime import dump
from registry_operator.runtime.clock import SystemClock
from registry_operator.runtime.elector_thread import ElectorThread
from registry_operator.runtime.lease import Election
from registry_operator.runtime.manager import Manager
from registry_operator.runtime.metrics import Metrics
from registry_operator.runtime.operator import Operator
from registry_operator.runtime.watchdog import Watchdog
from registry_operator.settings import NAME, RunSettings, pod_namespace

log = structlog.get_logger(__name__)

_SECRET_BYTES = 32
# More than an orderly end takes once the Lease is lost: no work is waited for then.
_LAST_RESORT_SECONDS = 20.0


async def fetch_template(
    name: str, *, kubeconfig: str | None, context: str | None
) -> Mapping[str, Any]:
    """A RegistryTemplate of the cluster.

    Raises:
        KubeError, OSError: it can't be had; NotFound where there is none of that name.
    """
    credentials = await auth.load(kubeconfig=kubeconfig, context=context)
    transport = _transport(credentials, Metrics(CollectorRegistry()))
    try:
        found = await Client(transport).get(REGISTRY_TEMPLATE, ObjectKey("", name))
        return found.body()
    finally:
        await transport.close()
        await credentials.close()


async def run(settings: RunSettings) -> None:
    """Runs the operator until it is told to stop.

    Raises:
        KubeError, OSError, ValueError, RuntimeError: what is wrong with the world, or the settings.
    """
    credentials = await auth.load(kubeconfig=settings.kubeconfig, context=settings.context)
    # The `_created` samples double the number of series and no dashboard reads them.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # has no annotations
    metrics = Metrics(CollectorRegistry())
    metrics.build_info.labels(__version__).set(1)
    ProcessCollector(registry=metrics.registry)
    runtime = settings.for_runtime(own_namespace=pod_namespace() or credentials.namespace)
    elector = await _elector(runtime.election, settings, metrics) if runtime.election else None
    transport = _transport(credentials, metrics)
    try:
        operator = Operator(
            Client(transport),
            runtime,
            clock=SystemClock(),
            rng=_rng(),
            metrics=metrics,
            elector=elector,
        )
        controllers.install(
            operator,
            namespace=settings.namespace,
            random_secret=lambda: secrets.token_hex(_SECRET_BYTES),
            allows_host_path=settings.allow_host_path,
            checks_clients=settings.client_checks,
        )
        watchdog = Watchdog(metrics=metrics)
        operator.run_beside(watchdog)
        operator.describe("watchdog", watchdog.stats)
        operator.describe("requests", transport.stats)
        manager = operator.manager()
        _stop_on_signals(manager)
        dump.listen(operator.inspector)
        log.info("starting", version=__version__, server=credentials.server)
        await manager.run()
        log.info("stopped")
    finally:
        await transport.close()
        await credentials.close()


async def _elector(election: Election, settings: RunSettings, metrics: Metrics) -> ElectorThread:
    """Stands for the Lease beside the work, with an identity and connections of its own."""
    credentials = await auth.load(kubeconfig=settings.kubeconfig, context=settings.context)
    transport = _transport(credentials, metrics)

    async def close() -> None:
        await transport.close()
        await credentials.close()

    return ElectorThread(
        Client(transport),
        election,
        close=close,
        lost=lambda: end_within(_LAST_RESORT_SECONDS),
        clock=SystemClock(),
        rng=_rng(),
        metrics=metrics,
    )


def _transport(credentials: Credentials, metrics: Metrics) -> HttpTransport:
    return HttpTransport(credentials, user_agent=f"{NAME}/{__version__}", observer=metrics.request)


def _rng() -> random.Random:
    return random.Random()  # noqa: S311 - jitter, not secrets


def _stop_on_signals(manager: Manager) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, manager.stop)
