"""The reconciles in progress of one controller, and which of them take too long.

In flow their begin and end; out flow what each worker is busy with, and lines about a reconcile
that does not end: at `slow` seconds, then beyond the limit at each doubling of it, with the place
where it waits. At the limit itself the run is cut off, and the place is kept for the line that says
so: when a cancelled run raises, its stack is gone. One timer a run does all this, as most runs end
before any of it.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.stacks import await_stack

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RunStats:
    """One reconcile in progress: which, since when (monotonic seconds), and where it waits now."""

    key: ObjectKey
    reconcile_id: int
    since: float
    stack: tuple[str, ...]


@dataclass(slots=True, eq=False)
class Run:
    """One reconcile, to be done within `limit`.

    `at_limit` is where it waited when its time was over, empty before.
    """

    key: ObjectKey
    reconcile_id: int
    since: float
    task: asyncio.Task[Any]
    limit: asyncio.Timeout
    timer: asyncio.TimerHandle | None = None
    at_limit: tuple[str, ...] = ()


def next_look(passed: float, *, slow: float, limit: float) -> float:
    """When to look at a run again that has lasted `passed` seconds: seconds since its begin."""
    if passed < min(slow, limit):
        return min(slow, limit)
    due = limit
    while due <= passed:
        due *= 2
    return due


class Runs:
    """Keeps the reconciles in progress; `slow` and `limit` are in seconds."""

    def __init__(self, *, slow: float, limit: float) -> None:
        self._slow = slow
        self._limit = limit
        self._runs: dict[int, Run] = {}

    @contextmanager
    def running(self, key: ObjectKey, reconcile_id: int) -> Iterator[Run]:
        """The current task reconciles the key within this, and within the run's `limit`.

        Lines bear the context's variables. The caller enters `limit`, as it is the one to hear of
        the TimeoutError.
        """
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        run = Run(key, reconcile_id, loop.time(), task, asyncio.timeout(None))
        self._runs[reconcile_id] = run
        self._arm(run, next_look(0.0, slow=self._slow, limit=self._limit))
        try:
            yield run
        finally:
            del self._runs[reconcile_id]
            if run.timer is not None:
                run.timer.cancel()

    def stats(self) -> list[RunStats]:
        """What runs now, the longest first."""
        return [
            RunStats(run.key, run.reconcile_id, run.since, await_stack(run.task))
            for run in self._runs.values()
        ]

    def __len__(self) -> int:
        """How many run now."""
        return len(self._runs)

    def _arm(self, run: Run, look: float) -> None:
        run.timer = asyncio.get_running_loop().call_at(run.since + look, self._look, run, look)

    def _look(self, run: Run, passed: float) -> None:
        stack = await_stack(run.task)
        facts = {"seconds": passed, "limit": self._limit, "stack": stack}
        if passed < self._limit:
            log.warning("reconcile is slow", **facts)
        elif not run.at_limit:
            run.at_limit = stack
            run.limit.reschedule(asyncio.get_running_loop().time())
        else:
            log.error("reconcile does not end", **facts)
        self._arm(run, next_look(passed, slow=self._slow, limit=self._limit))
