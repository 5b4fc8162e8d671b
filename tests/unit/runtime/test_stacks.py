"""Where tasks wait and threads run, told without a single value."""

import asyncio
import threading
from collections.abc import AsyncIterator, Generator
from typing import Any

from registry_operator.runtime.stacks import await_stack, thread_stack

HERE = "tests/unit/runtime/test_stacks.py"


def functions(stack: tuple[str, ...]) -> list[str]:
    return [place.rpartition(".")[2].rpartition(" ")[2] for place in stack]


async def stack_of(coroutine: Any) -> tuple[str, ...]:
    """The stack of a task once it waits."""
    task = asyncio.create_task(coroutine)
    await asyncio.sleep(0.1)
    stack = await_stack(task)
    task.cancel()
    await asyncio.wait({task})
    assert await_stack(task) == ()
    return stack


async def forever(secret: str = "do-not-tell") -> str:
    await asyncio.Event().wait()
    return secret


async def outer() -> None:
    await forever()


async def test_a_task_is_followed_to_the_innermost_wait() -> None:
    stack = await stack_of(outer())

    assert functions(stack) == ["outer", "forever", "wait"]
    assert stack[0].startswith(f"{HERE}:")
    assert stack[-1].startswith("asyncio/locks.py:")


async def test_a_place_is_a_file_below_its_root_a_line_and_a_function() -> None:
    line = outer.__code__.co_firstlineno + 1

    assert (await stack_of(outer()))[0] == f"{HERE}:{line} outer"


async def test_no_value_of_a_variable_is_told() -> None:
    assert "do-not-tell" not in str(await stack_of(outer()))


class Wrapped:
    """Awaited through an iterator of the interpreter's own, as aiohttp's requests are."""

    def __await__(self) -> Generator[Any, None, str]:
        return forever().__await__()


async def test_an_awaiter_of_the_interpreters_own_is_seen_through() -> None:
    async def waits() -> None:
        await Wrapped()

    assert functions(await stack_of(waits())) == ["waits", "forever", "wait"]


async def test_an_async_generator_is_seen_through() -> None:
    async def numbers() -> AsyncIterator[int]:
        await forever()
        yield 1

    async def waits() -> None:
        async for _ in numbers():
            pass

    assert functions(await stack_of(waits())) == ["waits", "numbers", "forever", "wait"]


async def test_a_task_that_waits_for_a_task_is_followed_into_it() -> None:
    async def waits() -> None:
        await asyncio.create_task(forever())

    assert functions(await stack_of(waits())) == ["waits", "forever", "wait"]


async def test_of_a_deep_recursion_the_innermost_places_are_told() -> None:
    async def deeper(levels: int) -> None:
        await (deeper(levels - 1) if levels else forever())

    stack = functions(await stack_of(deeper(100)))

    assert len(stack) == 40
    assert stack[-2:] == ["forever", "wait"]


async def test_a_thread_is_told_from_its_start_to_where_it_runs() -> None:
    go = threading.Event()

    def waits_for_go() -> None:
        go.wait()

    thread = threading.Thread(target=waits_for_go)
    thread.start()
    assert thread.ident is not None
    stack = thread_stack(thread.ident)
    go.set()
    thread.join()

    assert "waits_for_go" in functions(stack)
    assert functions(stack)[0] == "_bootstrap"
    assert thread_stack(thread.ident) == ()
