"""What is measured is the time between two looks at the sockets, on a real loop."""

import asyncio
import time

import pytest

from hack.bench.meter import MeteredPolicy, Turns


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def turns_of(seconds: list[float]) -> Turns:
    clock = Clock()
    turns = Turns(clock)
    for one in seconds:
        turns.begin()
        clock.now += one
        turns.end()
        clock.now += 100  # waiting is no part of a turn
    return turns


def test_the_longest_turns_come_first() -> None:
    assert turns_of([1, 8, 4, 2]).longest == [8, 4, 2, 1]


def test_only_the_longest_are_remembered() -> None:
    assert turns_of([float(2**n) for n in range(30)]).longest == [2.0**n for n in range(29, 9, -1)]


def test_the_end_of_a_turn_that_never_began_is_none() -> None:
    turns = Turns(Clock())
    turns.end()

    assert turns.longest == []


def test_a_callback_that_blocks_is_a_turn_and_one_that_sleeps_is_not() -> None:
    turns = Turns()
    loop = MeteredPolicy(turns).new_event_loop()

    async def work() -> None:
        await asyncio.sleep(0.15)
        time.sleep(0.05)  # noqa: ASYNC251 - blocking is what is measured
        await asyncio.sleep(0)

    try:
        loop.run_until_complete(work())
    finally:
        loop.close()

    assert turns.longest[0] == pytest.approx(0.05, abs=0.045)
    assert turns.longest[0] >= 0.05
