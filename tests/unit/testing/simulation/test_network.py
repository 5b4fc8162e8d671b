"""The way of requests and watches in a simulation: late, lost, refused, and never forged."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from registry_operator.kube.client import Client
from registry_operator.kube.errors import (
    Conflict,
    Gone,
    InternalError,
    KubeError,
    RequestTimeout,
    ServiceUnavailable,
    TooManyRequests,
    TransportError,
)
from registry_operator.kube.exchange import Request
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.testing.fake_api import Change, FakeApi
from registry_operator.testing.simulation.network import Network
from registry_operator.testing.simulation.process import Process
from registry_operator.testing.simulation.weather import Trouble, Weather
from registry_operator.testing.virtual_loop import VirtualClock

pytestmark = pytest.mark.virtual

THINGS = Resource("", "v1", "ConfigMap", "configmaps")
KEY = ObjectKey("ns", "a")
BODY: dict[str, Any] = {"metadata": {"namespace": "ns", "name": "a"}, "data": {"x": "1"}}


class Stage:
    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.api = FakeApi([THINGS], clock=clock)
        self.failed: list[Request] = []
        self.senders: list[str] = []
        self.weather = Weather(random.Random(1))
        self.network = Network(
            self.api, self.weather, on_failure=lambda request, _status: self.failed.append(request)
        )
        self.process = Process("a")
        self.client = Client(self.network.link(self.process))
        self.api.subscribe(self._see)

    def _see(self, _change: Change) -> None:
        sender = self.network.sender
        self.senders.append(sender.name if sender else "")

    async def write(self) -> None:
        await self.client.apply(THINGS, BODY, field_manager="m")

    @property
    def is_there(self) -> bool:
        return self.api.get(THINGS, KEY) is not None


@pytest.fixture
def stage(clock: VirtualClock) -> Stage:
    return Stage(clock)


async def test_a_request_takes_its_time_and_the_server_knows_whose_it_is(stage: Stage) -> None:
    await stage.write()

    assert stage.senders == ["a-1"]
    assert stage.network.sender is None
    assert 0.002 <= stage.clock.monotonic() <= 0.04


async def test_what_was_sent_is_carried_out_though_its_sender_is_cancelled(stage: Stage) -> None:
    stage.weather.troubles.append(Trouble("slow"))
    sending = asyncio.create_task(stage.write())
    await stage.clock.sleep(0.1)
    sending.cancel()
    await stage.clock.sleep(10)

    assert stage.is_there


@pytest.mark.parametrize(
    ("what", "error", "happened"),
    [
        ("conflict", Conflict, False),
        ("error", InternalError, False),
        ("error-after", InternalError, True),
        ("unavailable", ServiceUnavailable, False),
        ("throttled", TooManyRequests, False),
        ("lost", RequestTimeout, False),
        ("lost-after", RequestTimeout, True),
    ],
)
async def test_each_trouble_is_told_as_the_server_tells_it_and_acts_or_not(
    stage: Stage, what: Any, error: type[KubeError], *, happened: bool
) -> None:
    stage.weather.troubles.append(Trouble(what, "writes"))
    with pytest.raises(error):
        await stage.write()

    assert stage.is_there == happened
    assert stage.failed
    stage.weather.clear()
    await stage.write()
    assert stage.is_there


async def test_trouble_is_for_whom_and_what_it_names(stage: Stage) -> None:
    stage.weather.troubles += [
        Trouble("error", "reads"),
        Trouble("error", "writes", who="b"),
        Trouble("error", "leases"),
        Trouble("error", "all", share=0.0),
    ]
    await stage.write()
    with pytest.raises(InternalError):
        await stage.client.get(THINGS, KEY)


async def test_a_compacted_history_is_trouble_of_lists_and_watches_only(stage: Stage) -> None:
    stage.weather.troubles.append(Trouble("gone"))
    await stage.write()
    with pytest.raises(Gone):
        await stage.client.list(THINGS, limit=1)


async def test_whoever_is_cut_off_reaches_nothing_and_hears_no_answer(stage: Stage) -> None:
    stage.weather.troubles.append(Trouble("slow"))
    sending = asyncio.create_task(stage.write())
    await stage.clock.sleep(0.01)
    stage.weather.cut.add("a")
    await stage.clock.sleep(60)
    assert isinstance(sending.exception(), RequestTimeout)
    assert not stage.is_there
    with pytest.raises(TransportError, match="no route"):
        await stage.write()


async def test_the_fence_is_asked_before_anything_is_sent(stage: Stage) -> None:
    class Shut(Exception):  # noqa: N818
        pass

    def fence() -> None:
        raise Shut

    with pytest.raises(Shut):
        await stage.client.fenced(fence).apply(THINGS, BODY, field_manager="m")
    await stage.clock.sleep(10)

    assert not stage.is_there


class Watch:
    """Reads a watch until it ends."""

    def __init__(self, stage: Stage) -> None:
        self.heard: list[str] = []
        self.times: list[float] = []
        self._stage = stage
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async with self._stage.client.watch(
            THINGS, resource_version="1", timeout_seconds=600, idle_seconds=70
        ) as events:
            async for event in events:
                self.heard.append(type(event).__name__)
                self.times.append(self._stage.clock.monotonic())


@pytest.fixture
async def watch(stage: Stage) -> AsyncIterator[Watch]:
    one = Watch(stage)
    yield one
    one.task.cancel()
    await asyncio.wait({one.task})


async def test_a_watch_tells_late_and_in_order(stage: Stage, watch: Watch) -> None:
    stage.weather.lags["configmaps"] = 9.0
    await stage.clock.sleep(1)
    stage.api.put(THINGS, BODY)
    await stage.clock.sleep(0.5)
    stage.weather.lags["configmaps"] = 2.0
    stage.api.put(THINGS, BODY | {"data": {"x": "2"}})
    await stage.clock.sleep(8)
    assert watch.heard == []
    await stage.clock.sleep(2)

    assert watch.heard == ["Added", "Modified"]


async def test_a_watch_that_is_cut_says_so(stage: Stage, watch: Watch) -> None:
    await stage.clock.sleep(1)
    stage.network.break_watches("cut", "configmaps", "a")
    await stage.clock.sleep(1)

    assert isinstance(watch.task.exception(), TransportError)


async def test_a_watch_that_ends_tells_first_what_is_under_way(stage: Stage, watch: Watch) -> None:
    await stage.clock.sleep(1)
    stage.weather.lags["configmaps"] = 5.0
    stage.api.put(THINGS, BODY)
    await stage.clock.sleep(0)
    await stage.clock.sleep(0.1)
    stage.network.break_watches("end")
    await stage.clock.sleep(10)

    assert watch.heard == ["Added"]
    assert watch.task.exception() is None


async def test_a_watch_that_stands_still_is_noticed_by_its_readers_patience_only(
    stage: Stage, watch: Watch
) -> None:
    await stage.clock.sleep(1)
    stage.network.break_watches("stall")
    stage.api.put(THINGS, BODY)
    assert not stage.network.is_flowing
    await stage.clock.sleep(60)
    assert not watch.task.done()
    await stage.clock.sleep(30)

    assert isinstance(watch.task.exception(), RequestTimeout)
    assert stage.network.is_flowing


async def test_watches_of_others_go_on(stage: Stage, watch: Watch) -> None:
    await stage.clock.sleep(1)
    stage.network.break_watches("cut", "secrets")
    stage.network.break_watches("cut", who="b")
    stage.api.put(THINGS, BODY)
    await stage.clock.sleep(1)

    assert watch.heard == ["Added"]
