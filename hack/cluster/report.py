"""Progress lines: a person sees them on stderr, a test collects or drops them."""

from __future__ import annotations

import sys
from collections.abc import Callable

Say = Callable[[str], None]


def to_stderr(line: str) -> None:
    """Prints one progress line at once; stdout stays free for results."""
    print(line, file=sys.stderr, flush=True)


def to_nowhere(_line: str) -> None:
    """Drops progress lines, for callers that report in their own way."""
