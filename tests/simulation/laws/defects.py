"""Law 7: whatever befalls it, an operator meets no defect of its own, and ends only when it may.

In flow log lines of all processes and the ends of what must not end; an exception that nobody
foresaw is logged with its traceback, and by that it is known. So a mistake that merely crashes is
told by this law, and by no other.
"""

import sys
from collections.abc import MutableMapping
from typing import Any

from tests.simulation.laws.law import Court


class Defects:
    """Looks for tracebacks."""

    def __init__(self, court: Court) -> None:
        self._court = court

    def read_log(
        self, _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Read one log line, as a processor of structlog, and pass it on."""
        told = event.get("exc_info")
        if told:
            error = told if isinstance(told, BaseException) else sys.exc_info()[1]
            self._court.broken("defects", f"{event.get('event')}: {error!r}")
        return event

    def met(self, error: BaseException) -> None:
        """Take in what ended a part of the world."""
        self._court.broken("defects", f"an operator ended by itself: {error!r}")
