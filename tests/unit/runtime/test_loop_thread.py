"""Calls between two event loops in two threads: results, failures, and an end that is waited for."""

import asyncio
import threading

import pytest

from registry_operator.runtime.loop_thread import LoopThread, run_on

pytestmark = pytest.mark.real_time


async def name_of_thread() -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


async def test_work_runs_in_the_other_thread_and_may_call_back() -> None:
    here = asyncio.get_running_loop()

    async def there_and_back() -> list[str]:
        return [await name_of_thread(), await run_on(here, name_of_thread)]

    async with LoopThread("other") as other:
        assert await other.run(there_and_back) == ["other", "MainThread"]

    # The thread tells that it is about to end a moment before it has.
    for thread in [one for one in threading.enumerate() if one.name == "other"]:
        await asyncio.to_thread(thread.join, 5)
        assert not thread.is_alive()


async def test_what_work_raises_is_raised_here() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise LookupError("there")

    async with LoopThread("other") as thread:
        with pytest.raises(LookupError, match="there"):
            await thread.run(fail)


async def test_being_cancelled_cancels_the_work_and_waits_for_its_end() -> None:
    began, ended = threading.Event(), threading.Event()

    async def work() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.2)
            ended.set()

    async with LoopThread("other") as thread:
        call = asyncio.create_task(thread.run(work))
        await asyncio.to_thread(began.wait, 5)
        call.cancel()
        await asyncio.wait({call})

        assert call.cancelled()
        assert ended.is_set()


async def test_cancelled_before_it_began_work_ends_all_the_same() -> None:
    async with LoopThread("other") as thread:
        call = asyncio.create_task(thread.run(asyncio.Event().wait))
        await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait({call}, timeout=5)

        assert call.cancelled()


async def test_work_that_ends_well_although_it_was_cancelled_has_its_result() -> None:
    began = threading.Event()

    async def work() -> str:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "tidied up"
        return "never"

    async with LoopThread("other") as thread:
        call = asyncio.create_task(thread.run(work))
        await asyncio.to_thread(began.wait, 5)
        call.cancel()

        assert await call == "tidied up"


async def test_what_still_runs_at_the_end_is_cancelled() -> None:
    began, ended = threading.Event(), threading.Event()

    async def left_behind() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def leave_behind() -> asyncio.Task[None]:
        return asyncio.create_task(left_behind())

    async with LoopThread("other") as thread:
        task = await thread.run(leave_behind)
        await asyncio.to_thread(began.wait, 5)

    assert ended.is_set()
    assert task.cancelled()
