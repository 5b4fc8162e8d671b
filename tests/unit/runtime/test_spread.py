"""Keys that are woken at a bounded rate."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.spread import Spread
from registry_operator.testing.virtual_loop import VirtualClock

pytestmark = pytest.mark.virtual

KEYS = [ObjectKey("ns", f"{number:03}") for number in range(100)]


class Wall:
    """A spread of ten at once and ten a second, and when it woke whom."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.woken: list[tuple[float, ObjectKey]] = []
        self.spread = Spread(self._wake, clock=clock, rate=10.0, burst=10)

    def _wake(self, key: ObjectKey) -> None:
        self.woken.append((round(self.clock.monotonic(), 3), key))

    @property
    def keys(self) -> list[ObjectKey]:
        return [key for _, key in self.woken]

    def within(self, since: float, seconds: float) -> int:
        return sum(since <= at < since + seconds for at, _ in self.woken)


@pytest.fixture
async def wall(clock: VirtualClock) -> AsyncIterator[Wall]:
    wall = Wall(clock)
    task = asyncio.create_task(wall.spread.run())
    yield wall
    task.cancel()


async def test_a_few_are_woken_at_once(wall: Wall) -> None:
    began = wall.clock.monotonic()
    wall.spread.add(KEYS[:10])
    await wall.clock.sleep(0.001)

    assert wall.keys == KEYS[:10]
    assert wall.woken[-1][0] == round(began, 3)


async def test_many_are_woken_in_order_and_never_faster_than_the_rate(wall: Wall) -> None:
    began = wall.clock.monotonic()
    wall.spread.add(KEYS)
    await wall.clock.sleep(60)

    assert wall.keys == KEYS
    assert 9.0 <= wall.woken[-1][0] - began <= 9.2
    assert max(wall.within(began + 1 + tick, 1.0) for tick in range(8)) <= 11


async def test_who_waits_and_is_asked_for_again_keeps_his_place_and_comes_once(wall: Wall) -> None:
    wall.spread.add(KEYS[:30])
    await wall.clock.sleep(0.5)
    wall.spread.add([KEYS[29], KEYS[20]])
    await wall.clock.sleep(60)

    assert wall.keys == KEYS[:30]


async def test_who_was_woken_and_is_asked_for_again_comes_again_at_the_end(wall: Wall) -> None:
    wall.spread.add(KEYS[:20])
    await wall.clock.sleep(0.05)
    wall.spread.add([KEYS[0]])
    await wall.clock.sleep(60)

    assert wall.keys == [*KEYS[:20], KEYS[0]]


async def test_after_a_rest_a_few_are_woken_at_once_again(wall: Wall) -> None:
    wall.spread.add(KEYS[:20])
    await wall.clock.sleep(60)
    began = wall.clock.monotonic()
    wall.spread.add(KEYS[:10])
    await wall.clock.sleep(0.001)

    assert wall.within(began, 0.001) == 10


async def test_it_tells_how_many_wait(wall: Wall) -> None:
    wall.spread.add(KEYS[:15])
    await wall.clock.sleep(0.01)

    assert (wall.spread.stats().woken, wall.spread.stats().waiting) == (10, 5)


async def test_nobody_is_woken_for_nothing(wall: Wall) -> None:
    wall.spread.add([])
    await wall.clock.sleep(5)

    assert wall.woken == []
