"""That the provisioner works, for others to see: it holds the lock of the shared folder.

The kernel lets go of a lock with the process that holds it, however that ends: there is no mark
that could go stale.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class Presence:
    """The presence of this process at `folder`, once it is shown."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handle: int | None = None

    def show(self) -> None:
        """Takes the lock, after whoever has it, and holds it from then on."""
        if self._handle is None:
            self._handle = _open(self._folder)
            fcntl.flock(self._handle, fcntl.LOCK_EX)

    def end(self) -> None:
        """Lets go of the lock."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def is_present(folder: Path) -> bool:
    """Whether somebody is present at `folder`; nobody is when there is no such folder."""
    try:
        handle = _open(folder)
    except FileNotFoundError:
        return False

    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)

    return False


def _open(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
