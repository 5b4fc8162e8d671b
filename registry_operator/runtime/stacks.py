"""Where code waits or runs, as text for logs and for people.

In flow tasks and threads; out flow places, `file:line function`, the innermost last. Places only:
the values of variables, which hold Secrets, are never looked at.
"""

import asyncio
import gc
import inspect
import sys
from collections.abc import Iterator
from functools import lru_cache
from types import FrameType
from typing import Any, Final

# Innermost places that are told: deeper than any of our reconciles, and a recursion has its end.
_DEEPEST: Final = 40
_FOLLOWED: Final = 200


def await_stack(task: asyncio.Task[Any]) -> tuple[str, ...]:
    """Where a task waits: from its own coroutine to the innermost one that awaits.

    `Task.get_stack` ends at the first of these. Empty for a task that is done.
    """
    return tuple(_frames_awaited(task))[-_DEEPEST:]


def thread_stack(thread: int) -> tuple[str, ...]:
    """Where a thread (`threading.get_ident()`) runs now; empty when there is no such thread."""
    frame: FrameType | None = sys._current_frames().get(thread)  # noqa: SLF001 - CPython's documented door
    places: list[str] = []
    while frame is not None and len(places) < _DEEPEST:
        places.append(_place(frame))
        frame = frame.f_back
    return tuple(reversed(places))


def _frames_awaited(task: asyncio.Task[Any]) -> Iterator[str]:
    awaited: object = task
    for _ in range(_FOLLOWED):
        frame, awaited = _step(awaited)
        if frame is not None:
            yield _place(frame)
        if awaited is None:
            return


def _step(awaited: object) -> tuple[FrameType | None, object]:
    """The frame of something awaited, and what it awaits in turn; None where nobody can tell."""
    if isinstance(awaited, asyncio.Task):
        return None, None if awaited.done() else awaited.get_coro()
    if inspect.iscoroutine(awaited):
        return awaited.cr_frame, awaited.cr_await
    if inspect.isgenerator(awaited):
        return awaited.gi_frame, awaited.gi_yieldfrom
    if inspect.isasyncgen(awaited):
        return awaited.ag_frame, awaited.ag_await
    if isinstance(awaited, asyncio.Future):
        return None, None
    return None, _wrapped(awaited)


def _wrapped(awaiter: object) -> object:
    """What an awaiter of the interpreter's own wraps: they tell nobody but the collector.

    Such are `coro.__await__()` (all of aiohttp's requests), a step of an async generator, and the
    iterator of a Future.
    """
    for held in gc.get_referents(awaiter):
        if (
            isinstance(held, asyncio.Task)
            or inspect.iscoroutine(held)
            or inspect.isgenerator(held)
            or inspect.isasyncgen(held)
        ):
            return held
    return None


def _place(frame: FrameType) -> str:
    code = frame.f_code
    return f"{_short(code.co_filename)}:{frame.f_lineno} {code.co_qualname}"


@lru_cache(maxsize=1024)
def _short(path: str) -> str:
    """The path below the folder that it is imported from."""
    roots = (f"{root.rstrip('/')}/" for root in sys.path if root)
    longest = max((root for root in roots if path.startswith(root)), key=len, default="")
    return path[len(longest) :]
