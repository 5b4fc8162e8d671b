"""Waiting for what a cluster does in its own time."""

from __future__ import annotations

import time
from collections.abc import Callable


def eventually(is_true: Callable[[], bool], *, seconds: float = 60) -> bool:
    """Whether something becomes true in time; it fails where it stands, with the time, if not."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s"
        time.sleep(0.2)

    return True
