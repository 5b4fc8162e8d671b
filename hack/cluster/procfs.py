"""Processes as the kernel shows them in /proc: alive or not, whose child, paused; and signals.

In flow process ids; out flow facts. A process that ends while it is looked at is no error anywhere:
it is the usual case here. Formats: proc(5). Where there is no /proc (not Linux), only `start_time`
works, by ps.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

PAUSED = "T"
_HALTED = {PAUSED, "Z", "X", ""}
_HALT_SECONDS = 5.0  # one that waits for a disk stops when it is through with that
_STEP_SECONDS = 0.02
_UNKILLABLE_SECONDS = 20.0


def start_time(pid: int) -> str | None:
    """When a live process started, as an opaque word; None when it is gone, or a mere corpse."""
    with suppress(ChildProcessError):  # not our child: somebody else reaps it
        os.waitpid(pid, os.WNOHANG)

    fields = _stat(pid)
    if fields is not None:
        return None if fields[0] in "ZX" else fields[19]

    if Path("/proc/self/stat").exists():
        return None

    answer = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )

    return answer.stdout.strip() or None


def state(pid: int) -> str:
    """The kernel's letter for a process's state (`PAUSED` for one), "" when it is gone."""
    fields = _stat(pid)

    return fields[0] if fields else ""


def name(pid: int) -> str:
    """The name, cut to 15 characters, of the program that a process runs; "" when it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def children(pid: int) -> list[int]:
    """The children of all threads of a process."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # that thread has ended: no children of it are left
            found.extend(int(word) for word in path.read_text().split())

    return found


def descendants(pid: int) -> list[int]:
    """A process and all that come from it, itself first."""
    return [pid, *(found for child in children(pid) for found in descendants(child))]


def ancestors() -> set[int]:
    """This process and all that it comes from."""
    pid, found = os.getpid(), set[int]()
    while pid > 1:
        found.add(pid)
        fields = _stat(pid)
        pid = int(fields[1]) if fields else 0

    return found


def with_environment(setting: str) -> list[int]:
    """The ids of all processes that were started with `NAME=VALUE` in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # gone meanwhile, or another user's: not ours either way
            if setting.encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))

    return found


def signal_all(pids: Iterable[int], number: signal.Signals) -> None:
    """Sends a signal to processes; one that has ended meanwhile is no error."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def halt(pids: Iterable[int]) -> None:
    """Stops processes where they are (SIGSTOP), and returns when the kernel has done so."""
    waiting = set(pids)
    signal_all(waiting, signal.SIGSTOP)
    deadline = time.monotonic() + _HALT_SECONDS
    while (waiting := {pid for pid in waiting if state(pid) not in _HALTED}) and (
        time.monotonic() < deadline
    ):
        time.sleep(_STEP_SECONDS)


def end(pids: Iterable[int], number: signal.Signals, grace: float) -> None:
    """Signals processes and returns when they are gone; after `grace` seconds kills the rest.

    Paused ones are woken. What even SIGKILL does not end within 20 s (it hangs in the kernel) is
    left.
    """
    waiting = {pid: started for pid in pids if (started := start_time(pid)) is not None}
    signal_all(waiting, number)
    signal_all(waiting, signal.SIGCONT)
    kill_at = time.monotonic() + grace
    killed = number == signal.SIGKILL
    while waiting := {pid: s for pid, s in waiting.items() if start_time(pid) == s}:
        now = time.monotonic()
        if now >= kill_at + _UNKILLABLE_SECONDS:
            return

        if not killed and now >= kill_at:
            killed = True
            signal_all(waiting, signal.SIGKILL)

        time.sleep(_STEP_SECONDS)


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat from the third on: the second may contain anything."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None

    return text.rpartition(")")[2].split()
