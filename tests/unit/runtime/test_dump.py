"""SIGUSR1: stacks at once, then the state as log lines, and the process goes on."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from registry_operator.kube.client import Client
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime import dump
from registry_operator.runtime.operator import Operator, Settings
from registry_operator.runtime.outcome import Blocked, Outcome
from registry_operator.testing.fake_transport import FakeTransport
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.runtime.controller_stage import running

ROOT = Path(__file__).resolve().parents[3]


async def blocked(_key: ObjectKey) -> Outcome:
    return Blocked("WaitingForSecret", "make it")


def an_operator(clock: VirtualClock) -> Operator:
    return Operator(Client(FakeTransport()), Settings("stage"), clock=clock, rng=random.Random(7))


async def told_of(clock: VirtualClock, *, keys: int) -> list[Any]:
    operator = an_operator(clock)
    controller = operator.controller("images", blocked)
    for number in range(keys):
        controller.enqueue(ObjectKey("ns", f"r-{number}"))
    async with running(controller):
        await clock.sleep(1)
        with capture_logs() as logs:
            dump.tell(operator.inspector)
    return list(logs)


async def test_each_part_of_the_state_is_one_line(clock: VirtualClock) -> None:
    logs = await told_of(clock, keys=1)

    assert [line["event"] for line in logs] == [
        "state of the operator",
        "state of leader election",
        "state of a controller",
        *["state of a part"] * 3,
        "state told",
    ]
    (controller,) = [line for line in logs if line["event"] == "state of a controller"]
    assert (controller["name"], controller["workers"]) == ("images", 4)
    assert controller["keys"][0]["waits_for"]["reason"] == "WaitingForSecret"


async def test_what_is_left_out_is_told(clock: VirtualClock) -> None:
    logs = await told_of(clock, keys=60)

    (controller,) = [line for line in logs if line["event"] == "state of a controller"]
    assert len(controller["keys"]) == 50
    assert controller["left_out"] == 10
    assert logs[-1] == {"event": "state told", "keys_left_out": 10, "log_level": "info"}


async def test_whoever_asks_is_answered_at_every_level_of_the_log(clock: VirtualClock) -> None:
    before = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        assert await told_of(clock, keys=0)
    finally:
        structlog.configure(wrapper_class=before)


async def test_a_dump_changes_nothing_that_runs(clock: VirtualClock) -> None:
    operator = an_operator(clock)
    ran: list[float] = []

    async def slow(_key: ObjectKey) -> Outcome:
        await clock.sleep(5)
        ran.append(clock.monotonic())
        return Blocked("WaitingForSecret", "make it")

    controller = operator.controller("images", slow)
    async with running(controller):
        controller.enqueue(ObjectKey("ns", "a"))
        controller.enqueue(ObjectKey("ns", "b"), after=3)
        for _ in range(20):
            await clock.sleep(0.5)
            dump.tell(operator.inspector)

    assert ran == [5, 8]


SCRIPT = """
import asyncio, random, sys, time
from registry_operator import logs
from registry_operator.kube.client import Client
from registry_operator.runtime import dump
from registry_operator.runtime.clock import SystemClock
from registry_operator.runtime.operator import Operator, Settings
from registry_operator.testing.fake_transport import FakeTransport

def say(word):
    print(word, flush=True)

def hear(word):
    assert sys.stdin.readline() == word + "\\n"

def stand_still(secret):
    say("blocked")
    hear("go on")

async def main():
    client, clock, rng = Client(FakeTransport()), SystemClock(), random.Random(7)
    operator = Operator(client, Settings("stage"), clock=clock, rng=rng)
    dump.listen(operator.inspector)
    stand_still("do-not-tell")
    await asyncio.sleep(0.2)
    say("free")
    await asyncio.get_running_loop().run_in_executor(None, hear, "end")

logs.configure(level="error", as_json=True)
dump.arm()
say("armed")
hear("start")
asyncio.run(main())
say("ended")
"""


@pytest.mark.real_time
def test_a_blocked_loop_shows_its_place_at_once_and_the_state_when_it_is_free() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "TOLD_NOWHERE": "do-not-tell"},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None

        # Who waits for a line that never comes shall fail, not hang.
        end = threading.Timer(60, process.kill)
        end.start()

        def say(word: str) -> None:
            assert process.stdin is not None
            process.stdin.write(f"{word}\n")
            process.stdin.flush()

        def read_stacks(until: str) -> str:
            assert process.stderr is not None
            text = ""
            while until not in text:
                line = process.stderr.readline()
                assert line, text
                text += line
            return text

        # Before there is a loop: stacks, and the process lives on.
        assert process.stdout.readline() == "armed\n"
        process.send_signal(signal.SIGUSR1)
        read_stacks("in <module>")
        say("start")
        # While the loop is blocked: where it is.
        assert process.stdout.readline() == "blocked\n"
        process.send_signal(signal.SIGUSR1)
        stacks = read_stacks("in main")
        say("go on")
        # When it is free: the state.
        assert process.stdout.readline() == "free\n"
        say("end")
        assert process.stdout.readline() == "ended\n"
        rest = process.stderr.read()
        end.cancel()

    assert process.returncode == 0, rest
    assert "in stand_still" in stacks
    told = [json.loads(line) for line in rest.splitlines() if line.startswith("{")]
    assert told[0]["event"] == "state of the operator"
    assert told[-1]["event"] == "state told"
    assert "do-not-tell" not in stacks + rest
