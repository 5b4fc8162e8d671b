"""How far an operator is, told from its metrics: whether every controller has seen each Registry.

In flows Prometheus' text format; out flow counts. A silent operator may be at rest or not have
begun; who wants to say that a restart writes nothing must know that it is the former.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from controllers.template.reporter import NAME as TEMPLATES

_RECONCILES = "controller_runtime_reconcile_total"
_DEPTH = "workqueue_depth"
_ACTIVE = "controller_runtime_active_workers"


@dataclass(frozen=True, slots=True)
class Progress:
    """Reconciles since the start by controller, and keys that wait or are worked on."""

    reconciles: Mapping[str, int]
    pending: int

    def is_through(self, keys: int) -> bool:
        """Whether every controller of Registries has reconciled so many at least, and none waits.

        Controllers reconcile every key once after a start before they do any a second time, but
        for keys that were changed meanwhile.
        """
        counts = [count for name, count in self.reconciles.items() if name != TEMPLATES]

        return bool(counts) and min(counts) >= keys and self.pending == 0


def progress(exposition: str) -> Progress:
    """Reads metrics; nothing but zeros when there are none, as of a process that is starting."""
    reconciles: defaultdict[str, int] = defaultdict(int)
    pending = 0
    for sample in _samples(exposition):
        if sample.name == _RECONCILES:
            reconciles[sample.labels["controller"]] += int(sample.value)
        elif sample.name in {_DEPTH, _ACTIVE}:
            pending += int(sample.value)

    return Progress(dict(reconciles), pending)


def _samples(exposition: str) -> Iterator[Sample]:
    for family in text_string_to_metric_families(exposition):
        yield from family.samples
