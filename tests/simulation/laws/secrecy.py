"""Law 4: no secret value in a log line, event, status or metric, nor in any object but Secrets.

In flow log lines of all processes, changes that an operator made, and its metrics; every secret
value of these worlds contains the same mark.
"""

from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog

from controllers.kinds import SECRET
from registry_operator.runtime.metrics import Metrics
from registry_operator.testing.fake_api import Change
from tests.simulation.laws.law import Court

MARK = "do-not-tell"
# What a reader of base64 sees: each of the three ways in which the mark can fall.
_MARKS = (MARK.encode(), b"ZG8tbm90LXRlbG", b"RvLW5vdC10ZWxs", b"kby1ub3QtdGVsb")


class Secrecy:
    """Looks for the mark wherever it must not be."""

    def __init__(self, court: Court) -> None:
        self._court = court
        self.lines = 0

    def read_log(
        self, _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Read one log line, as a processor of structlog, and drop it."""
        self.lines += 1
        if _is_marked(repr(event).encode()):
            self._court.broken("secrecy", f"in the log: {event.get('event')}")
        raise structlog.DropEvent

    def see(self, change: Change) -> None:
        """Judge one change of an operator."""
        if change.resource == SECRET:
            return
        if _is_marked(orjson.dumps(change.new)):
            what = f"{change.resource.kind} {change.new['metadata']['name']}"
            self._court.broken("secrecy", f"in {what}")

    def see_metrics(self, metrics: Metrics) -> None:
        """Judge all words that a scraper would get; what is not a word is a number."""
        words = (
            word
            for family in metrics.registry.collect()
            for sample in family.samples
            for word in (family.documentation, sample.name, *sample.labels.values())
        )
        if _is_marked("\n".join(words).encode()):
            self._court.broken("secrecy", "in the metrics")


def _is_marked(text: bytes) -> bool:
    return any(mark in text for mark in _MARKS)
