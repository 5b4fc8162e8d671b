"""A process of a simulation: code that can be stopped between any two awaits, or paused there.

In flow coroutines; out flow tasks that belong to the process, with everything that they start.
Killed is not cancelled: no `finally` runs, no answer is awaited, nothing is released. A dead
process is kept as it was until it is buried at the end of the run, since Python would otherwise
run its `finally` blocks when it collects them.
"""

import asyncio
import weakref
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any

_CURRENT: ContextVar["Process | None"] = ContextVar("process", default=None)


class Process:
    """The `number`th process of a `role`, which outlives it; `steps` counts turns of its tasks."""

    def __init__(self, role: str, number: int = 1) -> None:
        self.role = role
        self.name = f"{role}-{number}"
        self.steps = 0
        self.is_dead = False
        self._paused = False
        self._dies_at: int | None = None
        self._pauses_at: int | None = None
        self._on_pause: Callable[[], None] = lambda: None
        self._tasks: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
        # Of the dead, so that Python does not collect them and run their `finally` blocks.
        self._remains: list[asyncio.Task[Any]] = []
        self._on_death: list[Callable[[], None]] = []
        self.held: list[asyncio.Handle] = []

    @staticmethod
    def of(context: Context) -> "Process | None":
        """Return the process that a context belongs to."""
        return context.get(_CURRENT)

    @staticmethod
    def current() -> "Process | None":
        """Return the process whose code runs now; None for the world around it."""
        return _CURRENT.get()

    @property
    def is_paused(self) -> bool:
        """Whether none of its code may run now, though it may later."""
        return self._paused and not self.is_dead

    def start(self, work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        """Run a coroutine in this process."""
        context = copy_context()
        context.run(_CURRENT.set, self)
        return asyncio.get_running_loop().create_task(work, name=name, context=context)

    def take_step(self) -> bool:
        """Whether one of its tasks may have a turn; counts it."""
        if self.is_dead or self._paused:
            return False
        if self._dies_at is not None and self.steps >= self._dies_at:
            self.kill()
            return False
        if self._pauses_at is not None and self.steps >= self._pauses_at:
            self._pauses_at = None
            self.pause()
            self._on_pause()
            return False
        self.steps += 1
        return True

    def on_death(self, call: Callable[[], None]) -> None:
        """Call this at the moment of death; at once where it died in this very turn (seed 527)."""
        if self.is_dead:
            call()
        else:
            self._on_death.append(call)

    def kill(self) -> None:
        """No more of its code runs (SIGKILL)."""
        if self.is_dead:
            return
        self.is_dead = True
        self._remains = list(self._tasks)
        for call in self._on_death:
            call()

    def kill_after(self, steps: int) -> None:
        """Kill it when its tasks have had so many more turns: between any two awaits."""
        self._dies_at = self.steps + steps

    def pause_after(self, steps: int, call: Callable[[], None]) -> None:
        """Pause it when its tasks have had so many more turns, amid its work, and `call` then."""
        self._pauses_at, self._on_pause = self.steps + steps, call

    def spare(self) -> None:
        """Let it live: what `kill_after` and `pause_after` announced does not come."""
        self._dies_at = self._pauses_at = None

    def pause(self) -> None:
        """None of its code runs until `resume` (SIGSTOP); its time goes on."""
        self._paused = True

    def resume(self) -> None:
        """Let it go on where it was."""
        if self.is_paused:
            self._paused = False
            self._wake()

    def adopt(self, task: "asyncio.Task[Any]") -> None:
        """Take note of a task that its code has started."""
        self._tasks.add(task)

    def tasks(self) -> int:
        """Count its unfinished tasks."""
        return sum(not task.done() for task in self._tasks)

    async def bury(self) -> None:
        """End what is left of it, with its `finally` blocks; nobody may listen to it any more."""
        self.is_dead, self._paused = False, False
        self.spare()
        self._wake()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._remains.clear()

    def _wake(self) -> None:
        held, self.held = self.held, []
        ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]  # noqa: SLF001 - where loop.py took them from
        ready.extend(held)
