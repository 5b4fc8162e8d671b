"""client-go's rate limiters, as far as the one back-off of a work queue is concerned."""

from registry_operator.runtime.backoff import Exponential
from tests.conformance.origin import origin


@origin(16, "default_rate_limiters_test :: TestItemExponentialFailureRateLimiter", "D5")
def test_waits_double_with_each_failure_of_a_key_and_start_over_when_it_is_forgotten() -> None:
    limiter = Exponential[str](base=1, cap=1000)

    assert [limiter.delay("a") for _ in range(5)] == [1, 2, 4, 8, 16]
    assert [limiter.delay("b") for _ in range(2)] == [1, 2]
    assert (limiter.failures("a"), limiter.failures("b")) == (5, 2)
    limiter.forget("a")
    assert limiter.failures("a") == 0
    assert limiter.delay("a") == 1
    assert limiter.delay("b") == 4


@origin(17, "default_rate_limiters_test :: TestItemExponentialFailureRateLimiterOverFlow", "D5")
def test_a_key_may_fail_thousands_of_times_and_the_wait_stays_at_its_cap() -> None:
    limiter = Exponential[str](base=0.001, cap=1000)
    waits = [limiter.delay("a") for _ in range(5000)]

    assert waits[4] == 0.016
    assert waits[-1] == max(waits) == 1000


@origin(20, "default_rate_limiters_test :: TestWithMaxWaitRateLimiter", "D8")
def test_no_wait_is_longer_than_the_cap() -> None:
    limiter = Exponential[str](base=3, cap=5)

    assert [limiter.delay("a") for _ in range(3)] == [3, 5, 5]
