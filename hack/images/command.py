"""Long commands with visible progress: apt-get, debootstrap, buildah.

In flow an argument list and a place for its log; out flow lines of progress, every few seconds as
long as the command runs, each with the seconds gone by and the last line that it wrote. A command
that fails raises an `ImageError` with the end of its log, so that nobody has to look for it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hack.cluster.report import Say
from hack.images.errors import ImageError

_TAIL_LINES = 15
_TAIL_BYTES = 1 << 14
_LAST_LINE_WIDTH = 60

# Mounts that the command makes (debootstrap's /proc, buildah's overlays) live in a namespace that
# ends with it: nothing stays mounted, even after kill -9.
IN_OWN_MOUNTS = ("unshare", "--mount", "--propagation", "private")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command: what it does in a user's words (`title`), and how it is started.

    `environment` is added to this process's own. `log` receives stdout and stderr.
    """

    title: str
    argv: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None


def run(command: Command, *, say: Say, every: float = 5.0) -> None:
    """Runs `command` to its end, telling progress each `every` seconds.

    Raises ImageError when it cannot be started or exits with another code than 0. Interrupted, it
    takes the command's whole process group with it.
    """
    started = time.monotonic()
    say(command.title)
    with command.log.open("ab") as log:
        process = _start(command, log.fileno())
        try:
            while not _ended(process, every):
                seconds = time.monotonic() - started
                say(f"{command.title}: {seconds:.0f} s{_latest(command.log)}")
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise

    if process.returncode != 0:
        raise ImageError(
            f"{command.title} failed: {command.argv[0]} exited with {process.returncode}\n"
            + "\n".join(f"  {line}" for line in _tail(command.log)[-_TAIL_LINES:])
        )


def _start(command: Command, log: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(command.argv),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=command.directory,
            env={**os.environ, **command.environment},
            start_new_session=True,
        )
    except OSError as error:
        raise ImageError(f"{command.title}: {command.argv[0]} does not start: {error}") from error


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return False

    return True


def _tail(log: Path) -> list[str]:
    with log.open("rb") as handle:
        handle.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        text = handle.read().decode(errors="replace")

    return [line.rstrip() for line in text.splitlines() if line.strip()]


def _latest(log: Path) -> str:
    lines = _tail(log)

    return f" ({lines[-1].strip()[:_LAST_LINE_WIDTH]})" if lines else ""
