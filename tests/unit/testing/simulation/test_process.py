"""Processes of a simulation die and pause between any two awaits, and the order of tasks is a seed's."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from registry_operator.testing.simulation.loop import SimulationLoop
from registry_operator.testing.simulation.process import Process


def play(make: Callable[[], Coroutine[Any, Any, None]], *, seed: int = 1) -> None:
    loop = SimulationLoop(random.Random(seed))
    try:
        loop.run_until_complete(make())
    finally:
        loop.close()


class Diary:
    """What a process did, step by step."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    async def count(self, name: str = "") -> None:
        try:
            for number in range(5):
                self.lines.append(f"{name}{number}")
                await asyncio.sleep(1)
        finally:
            self.lines.append(f"{name}end")


@pytest.fixture
def diary() -> Diary:
    return Diary()


def test_a_killed_process_does_nothing_more_not_even_clean_up(diary: Diary) -> None:
    async def world() -> None:
        process = Process("a")
        process.start(diary.count(), name="work")
        await asyncio.sleep(1.5)
        process.kill()
        await asyncio.sleep(60)
        assert diary.lines == ["0", "1"]
        assert process.is_dead
        await process.bury()
        assert diary.lines == ["0", "1", "end"]
        assert process.tasks() == 0

    play(world)


def test_what_a_process_has_started_dies_with_it(diary: Diary) -> None:
    async def parent() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(diary.count())

    async def world() -> None:
        process = Process("a")
        process.start(parent(), name="parent")
        other = asyncio.create_task(diary.count("other "))
        await asyncio.sleep(1.5)
        assert process.tasks() == 2
        process.kill()
        await other
        assert [line for line in diary.lines if "other" not in line] == ["0", "1"]
        assert diary.lines[-1] == "other end"
        await process.bury()

    play(world)


@pytest.mark.parametrize("steps", range(5))
def test_a_process_may_be_killed_after_any_number_of_steps(diary: Diary, steps: int) -> None:
    async def world() -> None:
        process = Process("a")
        process.kill_after(steps)
        process.start(diary.count(), name="work")
        await asyncio.sleep(60)
        assert diary.lines == [str(number) for number in range(steps)]
        assert process.steps == steps
        await process.bury()

    play(world)


def test_a_spared_process_lives(diary: Diary) -> None:
    async def world() -> None:
        process = Process("a")
        process.kill_after(3)
        task = process.start(diary.count(), name="work")
        await asyncio.sleep(1.5)
        process.spare()
        await task
        assert diary.lines[-1] == "end"

    play(world)


def test_a_paused_process_goes_on_where_it_was_and_finds_its_time_gone(diary: Diary) -> None:
    async def world() -> None:
        loop = asyncio.get_running_loop()
        process = Process("a")
        task = process.start(diary.count(), name="work")
        await asyncio.sleep(1.5)
        process.pause()
        await asyncio.sleep(100)
        assert process.is_paused
        assert diary.lines == ["0", "1"]
        process.resume()
        await task
        assert diary.lines == ["0", "1", "2", "3", "4", "end"]
        assert loop.time() == pytest.approx(104.5)

    play(world)


def test_a_process_may_be_paused_amid_its_work(diary: Diary) -> None:
    paused_at = []

    async def world() -> None:
        loop = asyncio.get_running_loop()
        process = Process("a")
        process.pause_after(3, lambda: paused_at.append(loop.time()))
        task = process.start(diary.count(), name="work")
        await asyncio.sleep(60)
        assert paused_at == [3.0]
        assert diary.lines == ["0", "1", "2"]
        process.resume()
        await task
        assert diary.lines[-2:] == ["4", "end"]

    play(world)


def test_a_pause_that_has_not_come_is_spared_too(diary: Diary) -> None:
    async def world() -> None:
        process = Process("a")
        process.pause_after(3, lambda: None)
        task = process.start(diary.count(), name="work")
        await asyncio.sleep(1.5)
        process.spare()
        await task
        assert not process.is_paused

    play(world)


def test_a_death_is_told_once(diary: Diary) -> None:
    told = []

    async def world() -> None:
        process = Process("a", 3)
        process.on_death(lambda: told.append(process.name))
        process.kill()
        process.kill()

    play(world)
    assert told == ["a-3"]


def order(seed: int) -> list[str]:
    lines: list[str] = []

    async def one(name: str) -> None:
        for number in range(3):
            lines.append(f"{name}{number}")
            await asyncio.sleep(0)

    async def world() -> None:
        await asyncio.gather(*(one(name) for name in "abcd"))

    play(world, seed=seed)
    return lines


def test_one_seed_gives_one_order_and_many_seeds_give_many() -> None:
    assert order(7) == order(7)
    assert len({tuple(order(seed)) for seed in range(20)}) > 15


def test_each_task_keeps_its_own_order_whatever_the_seed() -> None:
    for seed in range(20):
        lines = order(seed)
        for name in "abcd":
            assert [line for line in lines if line[0] == name] == [f"{name}{n}" for n in range(3)]


def test_callbacks_keep_the_order_in_which_they_were_asked_for() -> None:
    for seed in range(10):
        heard: list[int] = []

        async def world() -> None:
            loop = asyncio.get_running_loop()
            for number in range(10):
                loop.call_soon(heard.append, number)  # noqa: B023
            await asyncio.sleep(0)
            await asyncio.sleep(0)

        play(world, seed=seed)
        assert heard == list(range(10))
