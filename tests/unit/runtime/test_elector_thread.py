"""An elector beside the work: what blocks the loop of the work, and for how long, costs no Lease."""

import asyncio
import random
import threading
import time
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from registry_operator.kube.client import Client
from registry_operator.kube.errors import TransportError
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.clock import SystemClock
from registry_operator.runtime.elector_thread import ElectorThread
from registry_operator.runtime.leader import LeadershipLost
from registry_operator.runtime.lease import LEASES, Election
from registry_operator.runtime.metrics import Metrics
from registry_operator.testing.fake_api import FakeApi
from tests.unit.runtime.election_stage import for_ever

pytestmark = pytest.mark.real_time

KEY = ObjectKey("system", "operator")
CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps")
RENEW, SILENCE = 2.0, 4.0


class ThreadStage:
    """One elector in a thread, with short times, and the writes of the work in this one."""

    def __init__(self, *, silence: float = SILENCE) -> None:
        clock = SystemClock()
        self.api = FakeApi([LEASES, CONFIG_MAPS], clock=clock)
        self.told: list[str] = []
        self.elector = ElectorThread(
            Client(self.api),
            Election("a", KEY.namespace, KEY.name, lease=3, renew=RENEW, retry=1, silence=silence),
            close=self._close,
            lost=lambda: self.told.append(f"lost in {threading.current_thread().name}"),
            clock=clock,
            rng=random.Random(1),
            metrics=Metrics(CollectorRegistry()),
        )
        self.client = Client(self.api).fenced(self.elector.fence)

    async def _close(self) -> None:
        self.told.append(f"closed in {threading.current_thread().name}")

    @property
    def holder(self) -> str:
        lease = self.api.get(LEASES, KEY)
        assert lease is not None
        holder: str = lease["spec"]["holderIdentity"]
        return holder

    async def write(self, name: str) -> None:
        await self.client.create(
            CONFIG_MAPS, {"metadata": {"namespace": KEY.namespace, "name": name}}
        )


@pytest.fixture
def stage() -> ThreadStage:
    return ThreadStage()


async def block(seconds: float) -> None:
    """Keep this loop from doing anything, as a long computation does."""
    asyncio.get_running_loop().call_soon(time.sleep, seconds)
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_the_work_runs_here_and_the_lease_is_given_back_after_it(stage: ThreadStage) -> None:
    seen: list[str] = []

    async def lead() -> None:
        seen.extend((threading.current_thread().name, stage.holder))
        await stage.write("one")
        assert stage.elector.stats().is_leader
        assert stage.elector.check() is None

    await stage.elector.run(lead)

    assert seen == ["MainThread", "a"]
    assert stage.holder == ""
    assert stage.told == ["closed in leader-election"]
    with pytest.raises(LeadershipLost):
        await stage.write("two")


async def test_a_loop_blocked_for_longer_than_the_renew_deadline_keeps_its_lease(
    stage: ThreadStage,
) -> None:
    async def lead() -> None:
        await block(RENEW * 1.5)
        await stage.write("after")

    await stage.elector.run(lead)

    assert len(stage.api.objects(CONFIG_MAPS)) == 1


async def test_a_loop_blocked_beyond_the_bound_loses_the_lease_and_writes_nothing_more() -> None:
    stage = ThreadStage(silence=1)
    writes: list[str] = []

    async def lead() -> None:
        await stage.write("before")
        try:
            await block(1 + RENEW + 2)
            await asyncio.sleep(5)
        finally:
            # Cancelled by now; as a clean-up does that knows nothing of Leases.
            try:
                await stage.write("after")
            except LeadershipLost as error:
                writes.append(str(error))

    with capture_logs() as logs, pytest.raises(LeadershipLost):
        await stage.elector.run(lead)

    assert writes == ["a may no longer write"]
    assert [body["metadata"]["name"] for body in stage.api.objects(CONFIG_MAPS)] == ["before"]
    assert stage.holder == "a"
    assert "work shows no sign of life, lease is not renewed" in {line["event"] for line in logs}
    # Also when the loop of the work is still blocked, so that somebody can end the process.
    assert stage.told == ["lost in leader-election", "closed in leader-election"]


async def test_a_loss_ends_the_work(stage: ThreadStage) -> None:
    ended: list[str] = []

    async def lead() -> None:
        down = TransportError("connection refused", sent=False)
        stage.api.faults.plan(lambda _request: True, down, times=None)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(threading.current_thread().name)

    began = time.monotonic()
    with pytest.raises(LeadershipLost):
        await stage.elector.run(lead)

    assert ended == ["MainThread"]
    assert time.monotonic() - began < RENEW + 1


async def test_what_the_work_raises_is_raised_here_after_the_lease_was_given_back(
    stage: ThreadStage,
) -> None:
    async def lead() -> None:
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        await stage.elector.run(lead)

    assert stage.holder == ""


async def _until(question: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not question():  # noqa: ASYNC110 - what the other thread saw has no event here
            await asyncio.sleep(0.01)


async def test_stopped_it_ends_the_work_first_and_gives_the_lease_back(stage: ThreadStage) -> None:
    holders: list[str] = []
    working = asyncio.Event()

    async def lead() -> None:
        working.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.2)
            holders.append(stage.holder)

    run = asyncio.create_task(stage.elector.run(lead))
    await _until(working.is_set)
    run.cancel()
    await asyncio.wait({run})

    assert run.cancelled()
    assert holders == ["a"]
    assert stage.holder == ""


async def test_stopped_while_it_waits_for_the_lease_it_ends_at_once(stage: ThreadStage) -> None:
    head = {"name": KEY.name, "namespace": KEY.namespace}
    spec = {"holderIdentity": "b", "leaseDurationSeconds": 3600}
    stage.api.put(LEASES, {"metadata": head, "spec": spec})
    run = asyncio.create_task(stage.elector.run(for_ever))
    await _until(lambda: stage.elector.stats().holder == "b")
    run.cancel()
    await asyncio.wait({run}, timeout=5)

    assert run.cancelled()
    assert stage.holder == "b"
    assert stage.told == ["closed in leader-election"]
