import os

import pytest

from hack.bench import usage
from hack.bench.usage import Work
from hack.cluster.error import ClusterError

_STEP = 0.02


def last_work(*, busy: float, idle: float, cost_of_idling: float = 0.0) -> float:
    """When it was last seen at work: so long all of a core, then so long a share of it."""
    work, at, cpu = Work(), 0.0, 0.0
    while at < busy + idle:
        at += _STEP
        cpu += _STEP if at <= busy else _STEP * cost_of_idling
        work.seen(at, cpu)
    return work.last


@pytest.mark.parametrize("cost_of_idling", [0.0, 0.05])
def test_work_ends_when_it_ends_and_idling_is_none(cost_of_idling: float) -> None:
    assert last_work(busy=2, idle=5, cost_of_idling=cost_of_idling) == pytest.approx(2, abs=0.3)


def test_what_was_always_idle_never_worked() -> None:
    assert last_work(busy=0, idle=5, cost_of_idling=0.05) == 0


def test_work_that_goes_on_has_not_ended() -> None:
    assert last_work(busy=2, idle=5, cost_of_idling=0.5) == pytest.approx(7, abs=0.05)


def test_the_kernel_counts_this_process() -> None:
    used = usage.of(os.getpid())

    assert used.cpu > 0
    assert used.resident > 10_000_000


def test_what_is_never_done_is_an_error() -> None:
    with pytest.raises(ClusterError, match="not at rest after 0 s"):
        usage.until_done(os.getpid(), lambda: False, patience=0.05)
