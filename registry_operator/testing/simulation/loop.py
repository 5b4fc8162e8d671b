"""A virtual-time loop that chooses, by a seed, which ready task goes next.

In flow a random generator; out flows an order of steps that asyncio would allow too, the same for
the same seed. Between two turns of the loop the steps of tasks change places; callbacks keep
theirs, since asyncio promises their order. Tasks of a process that is dead or paused have no turn.
It reaches into asyncio's ready queue, for which there is no public way in.
"""

import asyncio
import itertools
import random
import weakref
from collections import deque
from collections.abc import Coroutine, Generator
from contextvars import copy_context
from typing import Any

from registry_operator.testing.simulation.process import Process
from registry_operator.testing.virtual_loop import VirtualLoop

_DAY = 86_400.0


class SimulationLoop(VirtualLoop):
    """`rng` decides every order; `horizon` is in virtual seconds."""

    _ready: deque[asyncio.Handle]

    def __init__(self, rng: random.Random, *, horizon: float = _DAY) -> None:
        super().__init__(horizon=horizon)
        self._rng = rng
        # Sets of tasks (asyncio has some inside) are ordered by address; numbers are the same
        # in each run.
        self._numbers: weakref.WeakKeyDictionary[asyncio.Task[Any], int] = (
            weakref.WeakKeyDictionary()
        )
        self._next = itertools.count()
        self.set_task_factory(self._numbered)

    def _numbered(
        self,
        loop: asyncio.AbstractEventLoop,
        work: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
        **options: Any,
    ) -> asyncio.Task[Any]:
        context = options.pop("context", None) or copy_context()
        task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, context=context, **options)
        self._numbers[task] = next(self._next)
        process = Process.of(context)
        if process is not None:
            process.adopt(task)
        return task

    def _run_once(self) -> None:
        if self._ready:
            self._choose()
        super()._run_once()  # type: ignore[misc]  # private to asyncio

    def _choose(self) -> None:
        handles = list(self._ready)
        self._ready.clear()
        places, steps = [], []
        for place, handle in enumerate(handles):
            task = getattr(handle._callback, "__self__", None)  # type: ignore[attr-defined]  # noqa: SLF001
            if isinstance(task, asyncio.Task):
                places.append(place)
                steps.append((self._numbers.get(task, -1), handle))
        if len(steps) > 1:
            steps.sort(key=lambda step: step[0])
            self._rng.shuffle(steps)
            for place, (_, handle) in zip(places, steps, strict=True):
                handles[place] = handle
        self._ready.extend(handle for handle in handles if self._may_run(handle))

    @staticmethod
    def _may_run(handle: asyncio.Handle) -> bool:
        process = Process.of(handle._context)  # type: ignore[attr-defined]  # noqa: SLF001
        if process is None or handle.cancelled() or process.take_step():
            return True
        process.held.append(handle)
        return False
