"""The workqueue under any sequence of adds, gets, cancellations and time.

Promises: a key never has two owners; a key asked for is handed out, unless it was asked for again
in between; the highest priority that is due goes first; nothing comes before it is due.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle as _Bundle
from hypothesis.stateful import (
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
)

from registry_operator.runtime.workqueue import Priority, WorkQueue
from registry_operator.testing.virtual_loop import VirtualClock, VirtualLoop

KEYS = st.sampled_from("abcd")
PRIORITIES = st.sampled_from(list(Priority))
DELAYS = st.sampled_from([0.0, 0.0, 0.5, 3.0, 10.0])


@dataclass
class Asked:
    """What the model remembers of a key that was asked for and not handed out since."""

    priority: Priority
    due: float


class QueueMachine(RuleBasedStateMachine):
    getters = _Bundle("getters")

    @initialize()
    def start(self) -> None:
        self.loop = VirtualLoop()
        self.asked: dict[str, Asked] = {}
        self.owned: set[str] = set()
        self.waiting: list[asyncio.Task[str]] = []

        async def make() -> WorkQueue[str]:
            return WorkQueue("property", clock=VirtualClock())

        self.queue = self.loop.run_until_complete(make())

    def teardown(self) -> None:
        if not hasattr(self, "loop"):
            return
        for getter in self.waiting:
            getter.cancel()
        self.step(0)
        self.step(100)
        self.hand_out_everything()
        assert self.asked == {}
        stats = self.queue.stats()
        assert (stats.ready, stats.held, stats.delayed, stats.processing) == (0, 0, 0, 0)
        self.loop.close()

    def hand_out_everything(self) -> None:
        for _ in range(20):
            for key in sorted(self.owned):
                self.give_back(key)
            if self.asked:
                self.waiting.append(self.loop.create_task(self.queue.get()))
                self.step(0)
                self.collect()

    def step(self, seconds: float) -> None:
        async def wait() -> None:
            await asyncio.sleep(seconds)
            for _ in range(3):
                await asyncio.sleep(0)

        self.loop.run_until_complete(wait())

    def due(self) -> dict[str, Asked]:
        now = self.loop.time()
        return {
            key: asked
            for key, asked in self.asked.items()
            if asked.due <= now + 1e-6 and key not in self.owned
        }

    def collect(self) -> None:
        """Take what getters were given, in the order of their asking."""
        for getter in [one for one in self.waiting if one.done()]:
            self.waiting.remove(getter)
            if getter.cancelled():
                continue
            key = getter.result()
            due = self.due()
            assert key not in self.owned, "two owners"
            assert key in due, "handed out without being asked for, or too early"
            assert due[key].priority == max(asked.priority for asked in due.values())
            self.owned.add(key)
            del self.asked[key]

    def ask(self, key: str, priority: Priority, delay: float) -> None:
        async def add() -> None:
            self.queue.add(key, priority=priority, after=delay)

        self.loop.run_until_complete(add())
        due = self.loop.time() + delay
        before = self.asked.get(key)
        if before is None:
            self.asked[key] = Asked(priority, due)
        else:
            self.asked[key] = Asked(max(priority, before.priority), min(due, before.due))

    def give_back(self, key: str) -> None:
        async def done() -> None:
            self.queue.done(key)

        self.loop.run_until_complete(done())
        self.owned.discard(key)

    @rule(key=KEYS, priority=PRIORITIES, delay=DELAYS)
    def add(self, key: str, priority: Priority, delay: float) -> None:
        self.ask(key, priority, delay)
        self.step(0)
        self.collect()

    @rule(target=getters)
    def get(self) -> asyncio.Task[str]:
        getter = self.loop.create_task(self.queue.get())
        self.waiting.append(getter)
        self.step(0)
        self.collect()
        return getter

    @rule(getter=consumes(getters))
    def cancel(self, getter: asyncio.Task[str]) -> None:
        getter.cancel()
        self.step(0)
        self.collect()

    @rule(getter=consumes(getters), key=KEYS)
    def cancel_at_the_moment_of_waking(self, getter: asyncio.Task[str], key: str) -> None:
        async def add_and_cancel() -> None:
            self.queue.add(key)
            getter.cancel()

        self.loop.run_until_complete(add_and_cancel())
        before = self.asked.get(key)
        priority = max(Priority.NORMAL, before.priority) if before else Priority.NORMAL
        self.asked[key] = Asked(priority, self.loop.time())
        self.step(0)
        self.collect()

    @precondition(lambda self: self.owned)
    @rule(data=st.data())
    def done(self, data: Any) -> None:
        self.give_back(data.draw(st.sampled_from(sorted(self.owned))))
        self.step(0)
        self.collect()

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 20.0]))
    def time_passes(self, seconds: float) -> None:
        # A tenth at a time, so that what falls due is collected before more does.
        for _ in range(int(seconds * 10)):
            self.step(0.1)
            self.collect()

    @invariant()
    def nobody_waits_while_a_key_is_due(self) -> None:
        if hasattr(self, "queue") and self.waiting:
            assert not self.due()

    @invariant()
    def the_length_is_what_could_be_had_now(self) -> None:
        if hasattr(self, "queue"):
            assert len(self.queue) == len(self.due())


TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
