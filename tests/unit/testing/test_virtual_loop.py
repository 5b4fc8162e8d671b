"""Time on the virtual loop."""

import asyncio
import time

import pytest

from registry_operator.testing.virtual_loop import Deadlock, VirtualClock, VirtualLoop


def run(main: object, **options: float) -> object:
    loop = VirtualLoop(**options)
    try:
        return loop.run_until_complete(main)  # type: ignore[arg-type]
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def test_an_hour_passes_in_no_time_and_in_order() -> None:
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        woken.append((name, asyncio.get_running_loop().time()))

    async def main() -> None:
        await asyncio.gather(sleeper("hour", 3600), sleeper("day", 86400), sleeper("ms", 0.001))

    began = time.monotonic()
    run(main())

    assert woken == [("ms", 0.001), ("hour", 3600.0), ("day", 86400.0)]
    assert time.monotonic() - began < 1


def test_timeouts_follow_virtual_time() -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.sleep(31)
        assert asyncio.get_running_loop().time() == 30

    run(main())


def test_waiting_for_nothing_is_a_deadlock_that_names_the_waiter() -> None:
    async def waits_for_ever() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock, match="waits_for_ever"):
        run(waits_for_ever())


def test_a_runaway_ends_at_the_horizon() -> None:
    async def ticks() -> None:
        for _ in range(1000):
            await asyncio.sleep(1)

    with pytest.raises(Deadlock, match="no end in 60 virtual seconds"):
        run(ticks(), horizon=60)


def test_a_thread_may_still_wake_the_loop() -> None:
    async def main() -> str:
        return await asyncio.to_thread(lambda: "done")

    assert run(main()) == "done"


@pytest.mark.virtual
async def test_a_jump_makes_due_timers_late(clock: VirtualClock) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    asked = clock.now()
    loop.call_later(1, loop.jump, 10)
    await clock.sleep(2)

    assert clock.monotonic() == 11
    assert (clock.now() - asked).total_seconds() == 11


@pytest.mark.real_time
async def test_real_time_can_be_asked_for() -> None:
    assert not isinstance(asyncio.get_running_loop(), VirtualLoop)


def test_who_waits_for_an_exact_time_gets_there() -> None:
    """Sums of floats miss their rounded neighbours by less than a nanosecond."""

    async def wait() -> int:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0.1)
        until, turns = loop.time() + 0.2, 0
        while loop.time() < until and turns < 100:
            turns += 1
            await asyncio.sleep(until - loop.time())
        return turns

    assert run(wait()) == 2
