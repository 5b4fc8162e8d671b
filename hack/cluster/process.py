"""Processes that outlive the command that started them.

and can be found again without mistaking one for another.

In flows a `Command` (name, arguments, environment); out flows a record `NAME.json` with the
process's id and start time, because ids are given out again and a number alone may be somebody
else's by tomorrow. Every process is a session leader (nothing that happens to the caller's terminal
reaches it), writes to `NAME.log`, and carries a mark in its environment by which the ones whose
record was lost are found.

    started ──▶ running ◀──pause/resume──▶ paused
                   │ stop (SIGTERM, grace, SIGKILL), kill
                   ▼
                 dead    (the record stays until `forget`: it says what to start again)
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hack.cluster.error import ClusterError

MARK = "REGISTRY_OPERATOR_CLUSTER"
GRACE_SECONDS = 5.0
READY_SECONDS = 60.0
_READY_STEP_SECONDS = 0.05
_STEP_SECONDS = 0.02
_TAIL = 12


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
    """A started process.

    Id and start time (an opaque word that never changes while the process lives).
    """

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

        running = Running(pid, _start_time(pid) or "", command.wraps)
        _write(record, json.dumps(asdict(running)))
        while running.wraps and not _children(pid) and _start_time(pid) == running.started:
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
        """The program that component `name` is by now (the kernel's name of it).

        "" when it does not run.
        """
        pid = self.pid(name)

        return _name(pid) if pid is not None else ""

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
        """The process id of `name` (of the wrapped process, where there is one).

        None when it is not running.
        """
        running = self._running(name)
        if running is None or not running.wraps:
            return running.pid if running else None

        return next(iter(_children(running.pid)), None)

    def state(self, name: str) -> str:
        """`running`, `paused` or `dead`."""
        pid = self.pid(name)
        if pid is None:
            return "dead"

        return "paused" if _state(pid) == "T" else "running"

    def signal(self, name: str, number: signal.Signals) -> None:
        """Sends a signal to `name`. Raises ClusterError when it is not running."""
        pid = self.pid(name)
        if pid is None:
            raise ClusterError(name, "is not running", cure=f"start it; its log: {self.log(name)}")

        os.kill(pid, number)

    def kill(self, *names: str) -> None:
        """Ends components at once (SIGKILL) and returns when they are gone.

        The ones not running are no error.
        """
        self._end(names, signal.SIGKILL, 0.0)

    def stop(self, *names: str, grace: float = GRACE_SECONDS) -> None:
        """Asks components to stop (SIGTERM), kills the ones that still run after `grace` seconds.

        Returns when gone.
        """
        self._end(names, signal.SIGTERM, grace)

    def forget(self, name: str) -> None:
        """Removes the record of `name`."""
        self._record(name).unlink(missing_ok=True)

    def strays(self) -> list[int]:
        """Processes that carry this cluster's mark, recorded or not.

        but for this one and its parents.
        """
        return [pid for pid in marked(self._mark) if pid not in _ancestors()]

    def _end(self, names: Iterable[str], number: signal.Signals, grace: float) -> None:
        pids = {pid for name in names if (pid := self.pid(name)) is not None}
        wrappers = {r.pid for name in names if (r := self._running(name)) is not None}
        end(pids, number, grace)
        end(wrappers, signal.SIGKILL, 0.0)

    def _record(self, name: str) -> Path:
        return self._run / f"{name}.json"

    def _running(self, name: str) -> Running | None:
        record = self._record(name)
        if not record.exists():
            return None

        running = Running(**json.loads(record.read_text()))

        return running if running.started and _start_time(running.pid) == running.started else None


def end(pids: Iterable[int], number: signal.Signals, grace: float) -> None:
    """Signals processes, waits up to `grace` seconds, then kills; returns when all are gone.

    A paused one is woken.
    """
    waiting = {pid: started for pid in pids if (started := _start_time(pid)) is not None}
    for pid in waiting:
        _signal(pid, number)
        _signal(pid, signal.SIGCONT)

    deadline = time.monotonic() + grace
    killed = number == signal.SIGKILL
    while waiting := {p: s for p, s in waiting.items() if _start_time(p) == s}:
        if not killed and time.monotonic() >= deadline:
            killed = True
            for pid in waiting:
                _signal(pid, signal.SIGKILL)

        time.sleep(_STEP_SECONDS)


def marked(mark: str) -> list[int]:
    """The ids of all processes whose environment carries `mark` (Linux; none elsewhere)."""
    needle = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # gone meanwhile, or another user's: not ours either way
            if needle in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))

    return found


def descendants(pid: int) -> list[int]:
    """A process and all that come from it, itself first."""
    return [pid, *(found for child in _children(pid) for found in descendants(child))]


def signal_all(pids: Iterable[int], number: signal.Signals) -> None:
    """Sends a signal to processes; one that has ended meanwhile is no error."""
    for pid in pids:
        _signal(pid, number)


def _spawn(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]

    return os.posix_spawnp(
        arguments[0],
        arguments,
        environment,
        file_actions=actions,
        setsid=True,
        setsigmask=(),
        setsigdef=(
            signal.SIGPIPE,
            signal.SIGXFSZ,
        ),  # Python ignores these, and a child would inherit that
    )


def _environment(command: Command, mark: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    return kept | {MARK: mark} | dict(command.environment)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it ended by itself, which is what a signal here is for
        os.kill(pid, number)


def _start_time(pid: int) -> str | None:
    """When a live process started, as an opaque word.

    None when there is none, or only its corpse.
    """
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


def _state(pid: int) -> str:
    fields = _stat(pid)

    return fields[0] if fields else ""


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat from the third on (proc(5)).

    The second may hold anything, brackets included.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None

    return text.rpartition(")")[2].split()


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _children(pid: int) -> list[int]:
    """Children of all threads: containerd's shims are started by whichever thread comes first."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # the thread or process has ended: no children of it are left
            found.extend(int(word) for word in path.read_text().split())

    return found


def _ancestors() -> set[int]:
    pid, found = os.getpid(), set[int]()
    while pid > 1:
        found.add(pid)
        fields = _stat(pid)
        pid = int(fields[1]) if fields else 0

    return found


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text)
    partial.replace(path)
