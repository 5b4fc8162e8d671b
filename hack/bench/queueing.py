"""How many keys a second pass a workqueue, against asyncio's queue, which knows no duplicates."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from hack.bench.figure import Baseline, Figure
from hack.bench.plan import Plan
from registry_operator.runtime.clock import SystemClock
from registry_operator.runtime.workqueue import WorkQueue

_KEYS = 100_000
_BATCH = 1000


def figures(_plan: Plan) -> Iterator[Figure]:
    """Keys added, handed out and done; and adds of keys that are waiting already."""
    plain = _KEYS / asyncio.run(_plain())
    yield Figure(
        name="workqueue: add, get, done",
        value=_KEYS / asyncio.run(_workqueue(repeats=1)),
        unit="keys/s",
        baselines=[Baseline("asyncio.Queue put, get", plain)],
    )
    yield Figure(
        name="workqueue: keys added ten times before each get",
        value=_KEYS / asyncio.run(_workqueue(repeats=10)),
        unit="keys/s",
    )


async def _workqueue(*, repeats: int) -> float:
    queue: WorkQueue[int] = WorkQueue("bench", clock=SystemClock())
    began = time.process_time()
    for _ in range(_KEYS // _BATCH):
        for key in range(_BATCH):
            for _ in range(repeats):
                queue.add(key)
        for _ in range(_BATCH):
            queue.done(await queue.get())

    return time.process_time() - began


async def _plain() -> float:
    queue: asyncio.Queue[int] = asyncio.Queue()
    began = time.process_time()
    for _ in range(_KEYS // _BATCH):
        for key in range(_BATCH):
            queue.put_nowait(key)
        for _ in range(_BATCH):
            await queue.get()
            queue.task_done()

    return time.process_time() - began
