"""What a process has used, as the kernel counts it (proc(5)): CPU seconds and resident memory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Usage:
    """`cpu` in seconds since the process started, `resident` in bytes now."""

    cpu: float
    resident: int


def of(pid: int) -> Usage:
    """The usage of a live process. Raises OSError when there is none."""
    # The second field is the program's name and may hold anything, brackets included.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system, resident = fields[11], fields[12], fields[21]

    return Usage((int(user) + int(system)) / _TICKS, int(resident) * _PAGE)
