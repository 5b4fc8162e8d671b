"""The figures of the checks that clients are served, for Prometheus.

In: results and what holds. Out: series on the operator's `/metrics`. These are the only ones that
bear the name of an object, since they are about it and not about the operator: at most six for each
Registry, which go with it. How long checks took is told for all together.
"""

from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from controllers.registry.outages import WINDOWS
from controllers.registry.served import Served
from registry_operator.distribution.check import Result, Verdict
from registry_operator.kube.resource import ObjectKey

_PREFIX: Final = "registry_operator_health_check"
_NAMED: Final = ("namespace", "name")
_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0)


class ServedMetrics:
    """Counts on one collector registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._checks = Counter(
            f"{_PREFIX}_total",
            "Checks that push, pull and delete through the Service of a Registry, by result",
            (*_NAMED, "result"),
            registry=registry,
        )
        self._availability = Gauge(
            f"{_PREFIX}_availability_ratio",
            "Part of the last hour, day or month in which clients of a Registry were served",
            (*_NAMED, "window"),
            registry=registry,
        )
        self._seconds = Histogram(
            f"{_PREFIX}_duration_seconds",
            "Seconds that a check took, by result",
            ("result",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._told: set[ObjectKey] = set()

    def found(self, key: ObjectKey, result: Result) -> None:
        """Count one check."""
        self._told.add(key)
        self._checks.labels(key.namespace, key.name, result.verdict.lower()).inc()
        self._seconds.labels(result.verdict.lower()).observe(result.seconds)

    def tell(self, key: ObjectKey, held: Served, now: datetime) -> None:
        """What part of the time a Registry was there for clients."""
        if held.history is None:
            return
        self._told.add(key)
        for name, window in WINDOWS.items():
            ratio = held.history.availability(window, now) / 100.0
            self._availability.labels(key.namespace, key.name, name).set(ratio)

    def forget(self, key: ObjectKey) -> None:
        """A Registry has gone, and its series with it."""
        if key not in self._told:
            return
        self._told.discard(key)
        for verdict in Verdict:
            self._checks.remove(key.namespace, key.name, verdict.lower())
        for name in WINDOWS:
            self._availability.remove(key.namespace, key.name, name)
