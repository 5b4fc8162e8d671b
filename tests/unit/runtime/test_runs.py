"""A reconcile that takes too long is named with the place where it waits, ever more rarely."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.outcome import Done, Outcome
from registry_operator.runtime.runs import Runs, next_look
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.runtime.controller_stage import A, Stage, running


def function(place: str) -> str:
    return place.rpartition(".")[2].rpartition(" ")[2]


async def answer_that_never_comes(secret: str = "do-not-tell") -> Outcome:
    await asyncio.Event().wait()
    return Done()


async def stuck(_key: ObjectKey) -> Outcome:
    return await answer_that_never_comes()


def lines(logs: Any) -> list[tuple[str, str, float]]:
    return [(line["log_level"], line["event"], line["seconds"]) for line in logs]


@pytest.mark.parametrize(
    ("passed", "look"), [(0, 30), (30, 60), (60, 120), (120, 240), (130, 240), (240, 480)]
)
def test_looks_are_at_half_the_limit_the_limit_and_its_doublings(
    passed: float, look: float
) -> None:
    assert next_look(passed, slow=30, limit=60) == look


def test_a_run_that_may_take_as_long_as_it_may_take_is_looked_at_at_its_limit() -> None:
    assert next_look(0, slow=100, limit=60) == 60
    assert next_look(60, slow=100, limit=60) == 120


async def test_a_stuck_reconcile_is_named_with_its_stack_while_it_is_stuck(
    clock: VirtualClock,
) -> None:
    stage = Stage(clock)
    controller = stage.controller(stuck, timeout=10)
    with capture_logs() as logs:
        run = asyncio.create_task(controller.run())
        controller.enqueue(A)
        await clock.sleep(6)
        (slow,) = logs
        run.cancel()
        await asyncio.wait({run})

    assert (slow["event"], slow["log_level"]) == ("reconcile is slow", "warning")
    assert (slow["seconds"], slow["limit"]) == (5, 10)
    assert [function(place) for place in slow["stack"]][-3:] == [
        *("stuck", "answer_that_never_comes", "wait"),
    ]
    assert "do-not-tell" not in str(slow)


async def test_a_line_says_which_reconcile_it_is_about(clock: VirtualClock) -> None:
    stage = Stage(clock)
    controller = stage.controller(stuck, timeout=10)
    with capture_logs(processors=[merge_contextvars]) as logs:
        run = asyncio.create_task(controller.run())
        controller.enqueue(A)
        await clock.sleep(6)
        run.cancel()
        await asyncio.wait({run})

    (line,) = [one for one in logs if one["event"] != "reconcile abandoned"]
    assert (line["controller"], line["key"], line["reconcile_id"]) == ("images", str(A), 1)


async def test_the_line_of_a_run_that_was_cut_off_says_where_it_waited(
    clock: VirtualClock,
) -> None:
    stage = Stage(clock)
    controller = stage.controller(stuck, timeout=10, slow=100)
    with capture_logs() as logs:
        run = asyncio.create_task(controller.run())
        controller.enqueue(A)
        await clock.sleep(12)
        run.cancel()
        await asyncio.wait({run})

    (line,) = [one for one in logs if one["event"] != "reconcile abandoned"]
    assert (line["event"], line["seconds"]) == ("reconcile timed out", 10)
    assert [function(place) for place in line["stack"]][-2:] == ["answer_that_never_comes", "wait"]


async def test_a_reconcile_that_does_not_end_at_its_limit_is_told_ever_more_rarely(
    clock: VirtualClock,
) -> None:
    with capture_logs() as logs:
        runs = Runs(slow=5, limit=10)

        async def one_run() -> None:
            with runs.running(A, 1) as run:
                with suppress(TimeoutError):
                    async with run.limit:
                        await answer_that_never_comes()
                await answer_that_never_comes()

        task = asyncio.create_task(one_run())
        await clock.sleep(100)
        task.cancel()
        await asyncio.wait({task})
        await clock.sleep(1000)

    assert lines(logs) == [
        ("warning", "reconcile is slow", 5),
        *(("error", "reconcile does not end", seconds) for seconds in (20, 40, 80)),
    ]
    assert len(runs) == 0


async def test_what_runs_is_known_with_its_place(clock: VirtualClock) -> None:
    stage = Stage(clock)
    controller = stage.controller(stuck)
    await clock.sleep(3)
    run = asyncio.create_task(controller.run())
    controller.enqueue(A)
    await clock.sleep(1)
    (busy,) = controller.runs()
    run.cancel()
    await asyncio.wait({run})

    assert (busy.key, busy.reconcile_id, busy.since) == (A, 1, 3)
    assert function(busy.stack[-2]) == "answer_that_never_comes"
    assert controller.runs() == []


async def test_a_quick_reconcile_is_no_line(clock: VirtualClock) -> None:
    stage = Stage(clock)

    async def quick(_key: ObjectKey) -> Outcome:
        await clock.sleep(4)
        return Done()

    controller = stage.controller(quick, timeout=10)
    with capture_logs() as logs:
        async with running(controller):
            controller.enqueue(A)
            await clock.sleep(100)

    assert [line["event"] for line in logs] == ["reconciled"]
