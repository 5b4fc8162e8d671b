"""A load in a thread: reports while it runs and after its end, and what ends it before."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hack.load.address import Address
from hack.load.failure import RequestError
from hack.load.load import Plan
from hack.load.load_thread import LoadThread
from tests.unit.hack.load.server import RegistryServer, serving


@contextmanager
def in_a_thread(server: RegistryServer) -> Iterator[Address]:
    """The server, in a loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    context = serving(server)
    try:
        yield asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result()
        asyncio.run_coroutine_threadsafe(context.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_a_load_reports_while_it_runs_and_after_its_end() -> None:
    entered = []

    with in_a_thread(RegistryServer()) as address:
        with LoadThread(
            address, Plan(rate=100), enter=lambda: entered.append(threading.current_thread().name)
        ) as load:
            early = load.report()
            deadline = time.monotonic() + 10
            while load.count.requests < early.requests + 10 and time.monotonic() < deadline:
                time.sleep(0.02)
            later = load.report()
        last = load.report()

    assert entered == ["load"]
    assert early.requests < later.requests <= last.requests == load.count.requests
    assert last.failed == 0


def test_a_load_that_cannot_begin_says_why() -> None:
    with in_a_thread(RegistryServer()) as address:
        gone = address
    with pytest.raises(RequestError, match="Cannot connect"), LoadThread(gone):
        pass
