"""A second event loop in a thread of its own, and calls from one loop to another.

In flows work as a function that makes an awaitable; out flows its result, in the loop that asked.
A call ends only when the work has ended, also when it is cancelled: asyncio's own bridge
(`run_coroutine_threadsafe`) gives up its hold on what it cancels at once, and nobody could say
then that the work has stopped.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")


async def run_on(loop: asyncio.AbstractEventLoop, work: Callable[[], Awaitable[T]]) -> T:
    """The result of `work()` in another loop, which runs in another thread.

    Being cancelled cancels the work, as often as it happens, and waits for its end all the same.

    Raises:
        RuntimeError: that loop is closed.
    """
    here = asyncio.get_running_loop()
    tasks: list[asyncio.Task[T]] = []
    ended = asyncio.Event()

    async def there() -> T:
        return await work()

    def start() -> None:
        task = loop.create_task(there(), name="called from another loop")
        tasks.append(task)
        task.add_done_callback(lambda _task: here.call_soon_threadsafe(ended.set))

    def cancel() -> None:
        # In the order of calls, so after `start`.
        tasks[0].cancel()

    loop.call_soon_threadsafe(start)
    cancelled: asyncio.CancelledError | None = None
    while not ended.is_set():
        try:
            await ended.wait()
        except asyncio.CancelledError as error:
            cancelled = error
            loop.call_soon_threadsafe(cancel)
    if cancelled is not None and tasks[0].cancelled():
        raise cancelled
    return tasks[0].result()


class LoopThread:
    """An event loop that runs in a thread from `async with` on, and has ended after it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()

    async def __aenter__(self) -> Self:
        home = asyncio.get_running_loop()
        # A daemon: whoever leaves without waiting does not wait for us either.
        threading.Thread(target=self._live, args=[home], name=self._name, daemon=True).start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        await self._ended.wait()

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """The result of `work()` in this loop; see `run_on`."""
        return await run_on(self._loop, work)

    def _live(self, home: asyncio.AbstractEventLoop) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.get_loop().run_forever()
        finally:
            home.call_soon_threadsafe(self._ended.set)
