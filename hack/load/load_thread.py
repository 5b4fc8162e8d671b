"""A load in a thread and an event loop of its own, for tests that wait and block.

In flow an address and a plan; out flow reports, also while it runs. `enter` is called first in the
thread: it may move the thread into a cluster's network, so that the load has no forwarder between
itself and the Service, which would hide how a connection ends.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from hack.load.address import Address
from hack.load.load import Load, Plan
from hack.load.tally import Count, Report


def _here() -> None:
    """The thread stays in the network where it is."""


class LoadThread:
    """Load on `address` while this is entered.

    Entering raises RequestError when nothing can be pushed.
    """

    def __init__(
        self, address: Address, plan: Plan | None = None, *, enter: Callable[[], None] = _here
    ) -> None:
        self._address = address
        self._plan = plan or Plan()
        self._enter = enter
        self._began: Future[None] = Future()
        self._thread = threading.Thread(target=self._work, name="load", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._began.result()

        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()

    @property
    def count(self) -> Count:
        """How many requests ended so far."""
        return self._load.count

    def report(self) -> Report:
        """What became of the load so far; after the end, of all of it."""
        if not self._thread.is_alive():
            return self._load.report()

        return asyncio.run_coroutine_threadsafe(self._report(), self._loop).result()

    def _work(self) -> None:
        try:
            self._enter()
            asyncio.run(self._live())
        except BaseException as error:
            if not self._began.done():
                self._began.set_exception(error)
            else:
                raise

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ending = asyncio.Event()
        async with Load(self._address, self._plan) as self._load:
            self._began.set_result(None)
            await self._ending.wait()

    async def _report(self) -> Report:
        return self._load.report()
