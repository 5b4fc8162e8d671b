"""What a key waits for: kept while it is not done, dated from its beginning."""

import pytest

from registry_operator.kube.errors import Conflict
from registry_operator.runtime.outcome import After, Blocked, Done, Outcome, Stalled
from registry_operator.runtime.waiting import Wait, Waiting
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.runtime.controller_stage import A, B


@pytest.fixture
def waiting(clock: VirtualClock) -> Waiting:
    return Waiting(clock)


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (After(30, "QuotaExceeded", "raise it"), ("After", "QuotaExceeded", "raise it")),
        (Blocked("WaitingForSecret", "make it"), ("Blocked", "WaitingForSecret", "make it")),
        (Stalled("TwoStorages", "choose"), ("Stalled", "TwoStorages", "choose")),
    ],
)
async def test_what_is_not_done_is_kept_with_its_reason(
    waiting: Waiting, outcome: Outcome, told: tuple[str, str, str]
) -> None:
    waiting.answered(A, outcome)

    assert waiting.look(A) == Wait(*told, since=0, runs=1)
    assert waiting.look(B) is None


async def test_what_is_done_is_forgotten(waiting: Waiting) -> None:
    waiting.answered(A, Blocked("WaitingForSecret", ""))
    waiting.answered(A, Done())
    waiting.answered(B, Done())

    assert waiting.look(A) is None
    assert waiting.keys() == set()
    assert len(waiting) == 0


async def test_it_is_dated_from_when_it_began_not_from_its_last_run(
    clock: VirtualClock, waiting: Waiting
) -> None:
    for _ in range(3):
        await clock.sleep(10)
        waiting.answered(A, After(10, "QuotaExceeded", f"at {clock.monotonic():.0f}"))

    wait = waiting.look(A)
    assert wait is not None
    assert (wait.since, wait.runs, wait.message) == (10, 3, "at 30")


async def test_another_reason_is_another_beginning(clock: VirtualClock, waiting: Waiting) -> None:
    waiting.answered(A, Blocked("WaitingForSecret", ""))
    await clock.sleep(10)
    waiting.answered(A, Blocked("WaitingForConfiguration", ""))

    wait = waiting.look(A)
    assert wait is not None
    assert (wait.since, wait.runs) == (10, 1)


async def test_the_longest_wait_comes_first(clock: VirtualClock, waiting: Waiting) -> None:
    for key in (B, A):
        await clock.sleep(1)
        waiting.answered(key, Blocked("WaitingForSecret", ""))
    waiting.answered(A, Blocked("WaitingForSecret", ""))

    assert waiting.longest(5) == [B, A]
    assert waiting.longest(1) == [B]
    assert waiting.keys() == {A, B}


async def test_a_failure_is_told_by_the_servers_words_a_defect_by_its_type_alone(
    waiting: Waiting,
) -> None:
    waiting.failed(A, Conflict(409, reason="Conflict", message="changed"), timed_out=False)
    waiting.failed(B, ValueError("do-not-tell"), timed_out=False)

    server, defect = waiting.look(A), waiting.look(B)
    assert server is not None
    assert defect is not None
    assert (server.outcome, server.reason) == ("Error", "Conflict")
    assert "changed" in server.message
    assert (defect.outcome, defect.reason) == ("Error", "ValueError")
    assert "do-not-tell" not in defect.message


async def test_a_run_that_was_cut_off_says_so(waiting: Waiting) -> None:
    waiting.failed(A, TimeoutError(), timed_out=True)

    wait = waiting.look(A)
    assert wait is not None
    assert (wait.outcome, wait.reason) == ("Error", "TimedOut")
