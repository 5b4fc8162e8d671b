"""client-go's rules for back-off (framework.md D5, R12)."""

import random

import pytest

from registry_operator.runtime.backoff import Exponential, Jittered
from registry_operator.testing.virtual_loop import VirtualClock


def test_each_failure_of_an_item_doubles_its_delay_and_no_others() -> None:
    limiter: Exponential[str] = Exponential(base=0.001, cap=1000)

    assert [limiter.delay("a") for _ in range(5)] == pytest.approx(
        [0.001, 0.002, 0.004, 0.008, 0.016]
    )
    assert limiter.delay("b") == pytest.approx(0.001)
    assert limiter.failures("a") == 5
    assert len(limiter) == 2


def test_forgetting_starts_anew() -> None:
    limiter: Exponential[str] = Exponential(base=1)
    limiter.delay("a")
    limiter.delay("a")
    limiter.forget("a")
    limiter.forget("never seen")

    assert limiter.failures("a") == 0
    assert limiter.delay("a") == 1
    assert repr(limiter) == "Exponential(base=1, cap=300.0, failing=1)"


def test_thousands_of_failures_stay_at_the_cap() -> None:
    limiter: Exponential[str] = Exponential(base=0.005, cap=1000)
    delays = [limiter.delay("a") for _ in range(2000)]

    assert delays[-1] == 1000
    assert max(delays) == 1000


async def test_jitter_lies_between_the_delay_and_its_double(clock: VirtualClock) -> None:
    backoff = Jittered(clock=clock, rng=random.Random(7))
    delays = [backoff.delay() for _ in range(10)]

    plain = [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30, 30, 30]
    assert all(low <= delay < 2 * low for low, delay in zip(plain, delays, strict=True))
    assert len({round(d, 6) for d in delays[6:]}) == 4
    assert repr(backoff) == "Jittered(next=30.0, cap=30.0)"


async def test_calm_starts_jittered_backoff_over(clock: VirtualClock) -> None:
    backoff = Jittered(clock=clock, rng=random.Random(7))
    for _ in range(6):
        backoff.delay()
    await clock.sleep(121)

    assert backoff.delay() < 1.6
    backoff.delay()
    backoff.reset()
    assert backoff.delay() < 1.6
