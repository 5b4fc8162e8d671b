"""Processes that outlive the command that started them, and are found again without mistake.

In flows a `Command` (name, arguments, environment); out flows a record `NAME.json` with the
process's id and start time, because ids are given out again and a number alone may be somebody
else's by tomorrow. Every process is a session leader (nothing that happens to the caller's terminal
reaches it), writes to `NAME.log`, and carries a mark in its environment by which the ones whose
record was lost are found.

    started ──▶ running ◀──pause/resume──▶ paused
                   │ stop (SIGTERM, grace, SIGKILL), kill
                   ▼
                 dead    (the record stays: it says what there is to start again)
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hack.cluster import procfs
from hack.cluster.error import ClusterError

MARK = "REGISTRY_OPERATOR_CLUSTER"
GRACE_SECONDS = 5.0
READY_SECONDS = 60.0
_READY_STEP_SECONDS = 0.05
_STEP_SECONDS = 0.02
_TAIL = 12
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)  # a child would inherit that


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run as component `name`.

    `wraps`: the process started is only a wrapper (nsenter into a pid namespace); signals go to its
    child. `environment` is added to PATH, HOME and the mark; nothing else of ours is inherited.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    wraps: bool = False


@dataclass(frozen=True, slots=True)
class Running:
    """A started process: its id, and its start time, a word that never changes while it lives."""

    pid: int
    started: str
    wraps: bool


class Supervisor:
    """The processes of one cluster: records in `run`, output in `log`, all marked with `mark`."""

    def __init__(self, *, run: Path, log: Path, mark: str) -> None:
        self._run, self._log, self._mark = run, log, mark

    def start(self, command: Command) -> int:
        """Starts `command` unless it runs already; returns its process id.

        Raises ClusterError when it cannot start.
        """
        if (running := self._running(command.name)) is not None:
            return running.pid

        record, log = self._record(command.name), self.log(command.name)
        for folder in (record.parent, log.parent):
            folder.mkdir(parents=True, exist_ok=True)

        try:
            pid = _spawn(command.arguments, _environment(command, self._mark), log)
        except OSError as error:
            raise ClusterError(command.name, f"{command.arguments[0]}: {error}") from error

        running = Running(pid, procfs.start_time(pid) or "", command.wraps)
        _write(record, json.dumps(asdict(running)))
        while (
            running.wraps and not procfs.children(pid) and procfs.start_time(pid) == running.started
        ):
            time.sleep(_STEP_SECONDS)

        return pid

    def await_ready(
        self,
        name: str,
        is_ready: Callable[[], bool],
        *,
        seconds: float = READY_SECONDS,
        needs: Sequence[str] = (),
    ) -> None:
        """Waits until `is_ready`.

        Raises ClusterError, with the last lines of its output, when `name` (or what it `needs`)
        dies, or when it is not ready after `seconds`.
        """
        deadline = time.monotonic() + seconds
        while not is_ready():
            dead = [n for n in (*needs, name) if self.pid(n) is None]
            if dead or time.monotonic() >= deadline:
                culprit = (dead or [name])[0]
                why = "ended" if dead else f"was not ready after {seconds:.0f} s"
                raise ClusterError(
                    culprit,
                    f"{why}; its last lines:\n{self.tail(culprit)}",
                    cure=f"read {self.log(culprit)}",
                )

            time.sleep(_READY_STEP_SECONDS)

    def program(self, name: str) -> str:
        """The program (the kernel's name of it) that `name` is by now; "" when it does not run."""
        pid = self.pid(name)

        return procfs.name(pid) if pid is not None else ""

    def log(self, name: str) -> Path:
        """Where component `name` writes."""
        return self._log / f"{name}.log"

    def tail(self, name: str) -> str:
        """The last lines that component `name` wrote, for messages."""
        if not self.log(name).exists():
            return ""

        return "\n".join(self.log(name).read_text(errors="replace").splitlines()[-_TAIL:])

    def names(self) -> list[str]:
        """Components that were started and not forgotten, running or not."""
        return sorted(
            str(path.relative_to(self._run).with_suffix("")) for path in self._run.rglob("*.json")
        )

    def pid(self, name: str) -> int | None:
        """The process id of `name`, of the wrapped process where there is one.

        None: not running.
        """
        running = self._running(name)
        if running is None or not running.wraps:
            return running.pid if running else None

        return next(iter(procfs.children(running.pid)), None)

    def state(self, name: str) -> str:
        """`running`, `paused` or `dead`."""
        pid = self.pid(name)
        if pid is None:
            return "dead"

        return "paused" if procfs.state(pid) == procfs.PAUSED else "running"

    def pause(self, name: str) -> None:
        """Stops `name` where it is. Raises ClusterError when it is not running."""
        procfs.halt([self._required(name)])

    def resume(self, name: str) -> None:
        """Lets a paused `name` go on. Raises ClusterError when it is not running."""
        procfs.signal_all([self._required(name)], signal.SIGCONT)

    def kill(self, *names: str) -> None:
        """Ends components at once and returns when they are gone; a dead one is no error."""
        self._end(names, signal.SIGKILL, 0.0)

    def stop(self, *names: str, grace: float = GRACE_SECONDS) -> None:
        """Asks components to stop, and kills the ones that still run after `grace` seconds."""
        self._end(names, signal.SIGTERM, grace)

    def strays(self) -> list[int]:
        """Processes with this cluster's mark, recorded or not, but this one and its parents."""
        return [
            pid
            for pid in procfs.with_environment(f"{MARK}={self._mark}")
            if pid not in procfs.ancestors()
        ]

    def _end(self, names: Iterable[str], number: signal.Signals, grace: float) -> None:
        pids = {pid for name in names if (pid := self.pid(name)) is not None}
        wrappers = {r.pid for name in names if (r := self._running(name)) is not None}
        procfs.end(pids, number, grace)
        procfs.end(wrappers, signal.SIGKILL, 0.0)

    def _required(self, name: str) -> int:
        pid = self.pid(name)
        if pid is None:
            raise ClusterError(name, "is not running", cure=f"start it; its log: {self.log(name)}")

        return pid

    def _record(self, name: str) -> Path:
        return self._run / f"{name}.json"

    def _running(self, name: str) -> Running | None:
        record = self._record(name)
        if not record.exists():
            return None

        running = Running(**json.loads(record.read_text()))

        return (
            running
            if running.started and procfs.start_time(running.pid) == running.started
            else None
        )


def completed(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    stdin: str | None = None,
    check: bool = True,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end, with `environment` added to ours; its output is in the answer.

    Raises ClusterError, with what it wrote, when it fails and `check` is set.
    """
    answer = subprocess.run(
        arguments,
        env=os.environ | dict(environment),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    if check and answer.returncode:
        raise ClusterError(" ".join(arguments), answer.stderr or answer.stdout)

    return answer


def _spawn(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]

    return os.posix_spawnp(
        arguments[0],
        list(arguments),
        environment,
        file_actions=actions,
        setsid=True,
        setsigmask=(),
        setsigdef=_IGNORED_BY_PYTHON,
    )


def _environment(command: Command, mark: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    return kept | {MARK: mark} | dict(command.environment)


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text)
    partial.replace(path)
