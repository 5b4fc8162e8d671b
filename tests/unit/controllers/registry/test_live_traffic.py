"""The pods of a change are asked for what they counted of their clients, and nobody else is."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from controllers.kinds import DEPLOYMENT, POD
from controllers.registry.comparison import Worse
from controllers.registry.live_traffic import TrafficProber
from controllers.registry.upgrade_plan import HEALTHY
from registry_operator.api.names import LABEL_REGISTRY
from registry_operator.api.upgrade import RETRY
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.owned import OWNER_INDEX
from registry_operator.runtime.ownership import by_owner_label
from registry_operator.runtime.store import Store
from registry_operator.testing.builders import a_registry, an_object
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry.changing import (
    NEW,
    OLD,
    canary_pod_of,
    deployed,
    pod_of,
    revision_of,
)

pytestmark = pytest.mark.virtual

ROLLING = deployed(NEW, annotations={HEALTHY: revision_of(OLD)})
AT_REST = deployed(NEW, annotations={HEALTHY: revision_of(NEW)})
OLD_AT, NEW_AT = "10.0.0.1", "10.0.0.2"
LINE = 'registry_http_requests_total{code="%d",handler="manifest",method="get"} %d\n'


class Stage:
    """Pods serve ten pulls in a second, of which those at `failing` answer each with 500."""

    def __init__(self, clock: VirtualClock) -> None:
        index = {OWNER_INDEX: by_owner_label(LABEL_REGISTRY)}
        self.clock = clock
        self.pods, self.deployments = Store(POD, indexes=index), Store(DEPLOYMENT, indexes=index)
        self._pods, self._deployments = self.pods.writer(), self.deployments.writer()
        self.failing: set[str] = set()
        self.silent: set[str] = set()
        self.asked: list[tuple[float, str, str]] = []
        self.told: list[ObjectKey] = []
        self._counts: dict[str, int] = {}
        self._at_once = self.most_at_once = 0
        self.prober = TrafficProber(
            self.pods,
            self.deployments,
            asker=self._ask,
            clock=clock,
            changed=self.told.append,
        )

    async def _ask(self, address: str, path: str) -> bytes:
        self.asked.append((self.clock.monotonic(), address, path))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await self.clock.sleep(0.1)
        self._at_once -= 1
        if address in self.silent:
            raise TimeoutError
        count = int(self.clock.monotonic() * 10)
        return ("# HELP\n" + LINE % (500 if address in self.failing else 200, count)).encode()

    def deploy(self, body: dict[str, Any]) -> None:
        self._deployments.upsert(an_object(body))

    def pod(self, body: dict[str, Any], address: str) -> None:
        body["status"]["podIP"] = address
        self._pods.upsert(an_object(body))

    def rolling(self) -> None:
        """A pod of either kind serves."""
        self.deploy(ROLLING)
        self.pod(pod_of(OLD, "images-1-a"), OLD_AT)
        self.pod(pod_of(NEW, "images-2-a"), NEW_AT)

    def worse(self, annotations: Mapping[str, str] = {}) -> Worse | None:
        """What a decision about the Registry is told."""
        body = a_registry()
        body["metadata"]["annotations"] = dict(annotations)
        return self.prober.of(an_object(body))

    def addresses(self) -> set[str]:
        return {address for _, address, _ in self.asked}

    @asynccontextmanager
    async def running(self, seconds: float = 60.0) -> AsyncIterator[None]:
        task = asyncio.create_task(self.prober.run())
        self.worse()
        await self.clock.sleep(seconds)
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
def stage(clock: VirtualClock) -> Stage:
    return Stage(clock)


async def test_at_rest_nobody_is_asked(stage: Stage) -> None:
    stage.rolling()
    stage.deploy(AT_REST)
    async with stage.running():
        assert stage.worse() is None
        assert stage.asked == []


async def test_a_registry_that_was_never_changed_is_not_asked(stage: Stage) -> None:
    stage.rolling()
    stage.deploy(deployed(NEW))
    async with stage.running():
        assert stage.asked == []


async def test_pods_of_both_kinds_are_asked_for_their_metrics_and_a_canary_is_not(
    stage: Stage,
) -> None:
    stage.rolling()
    stage.pod(canary_pod_of(NEW), "10.0.0.3")
    stage.pod(pod_of("registry:2.8.2", "images-0-a"), "10.0.0.4")
    async with stage.running():
        assert stage.addresses() == {OLD_AT, NEW_AT}
        assert {path for _, _, path in stage.asked} == {"/metrics"}
        assert stage.worse() is None


@pytest.mark.parametrize("missing", ["new", "old"])
async def test_where_only_one_kind_serves_nobody_is_asked(stage: Stage, missing: str) -> None:
    stage.rolling()
    gone = pod_of(NEW, "images-2-a") if missing == "new" else pod_of(OLD, "images-1-a")
    stage.pod({**gone, "status": {}}, "10.0.0.9")
    async with stage.running():
        assert stage.asked == []


async def test_new_pods_that_fail_their_clients_are_found_within_seconds_and_it_is_told_once(
    stage: Stage,
) -> None:
    stage.rolling()
    stage.failing = {NEW_AT}
    async with stage.running(8.0):
        found = stage.worse()
        assert found is not None
        assert "100%" in found.message
        await stage.clock.sleep(60)
        assert len(stage.told) == 1


async def test_where_both_fail_nobody_is_blamed(stage: Stage) -> None:
    stage.rolling()
    stage.failing = {NEW_AT, OLD_AT}
    async with stage.running():
        assert stage.asked
        assert stage.worse() is None


@pytest.mark.parametrize("silent", [(NEW_AT,), (OLD_AT,), (NEW_AT, OLD_AT)], ids=str)
async def test_pods_that_cannot_be_asked_say_nothing_and_are_asked_less(
    stage: Stage, silent: tuple[str, ...]
) -> None:
    stage.rolling()
    stage.failing, stage.silent = {NEW_AT}, set(silent)
    async with stage.running(300.0):
        assert stage.worse() is None
        assert len(stage.asked) <= 2 * 300 / 15 + 2


async def test_what_was_found_holds_while_nobody_answers_any_more(stage: Stage) -> None:
    stage.rolling()
    stage.failing = {NEW_AT}
    async with stage.running():
        stage.silent = {NEW_AT, OLD_AT}
        await stage.clock.sleep(300)
        assert stage.worse() is not None


async def test_the_old_pods_are_asked_after_the_new_ones(stage: Stage) -> None:
    stage.rolling()
    async with stage.running():
        order = [address for _, address, _ in stage.asked]
        assert order == [NEW_AT, OLD_AT] * (len(order) // 2)


async def test_a_long_roll_out_is_watched_calmly(stage: Stage) -> None:
    stage.rolling()
    async with stage.running(3600.0):
        stage.asked.clear()
        await stage.clock.sleep(600)
        assert 0 < len(stage.asked) <= 2 * 600 / 15 + 2


async def test_a_change_that_is_over_is_forgotten(stage: Stage) -> None:
    stage.rolling()
    stage.failing = {NEW_AT}
    async with stage.running():
        stage.deploy(AT_REST)
        await stage.clock.sleep(10)
        stage.asked.clear()
        await stage.clock.sleep(60)
        assert stage.worse() is None
        assert stage.asked == []


async def test_the_users_word_has_it_compared_anew(stage: Stage) -> None:
    stage.rolling()
    stage.failing = {NEW_AT}
    async with stage.running():
        assert stage.worse() is not None
        stage.failing = set()
        assert stage.worse({RETRY: "1"}) is None


async def test_of_many_pods_some_are_asked_and_not_all_at_once(stage: Stage) -> None:
    stage.rolling()
    for number in range(60):
        stage.pod(pod_of(OLD, f"images-1-{number}"), f"10.0.1.{number}")
        stage.pod(pod_of(NEW, f"images-2-{number}"), f"10.0.2.{number}")
    async with stage.running(5.0):
        assert len(stage.addresses()) == 16
        assert stage.most_at_once <= 16


async def test_a_registry_that_is_gone_is_asked_no_more(stage: Stage) -> None:
    stage.rolling()
    async with stage.running():
        deployment = stage.deployments.get(ObjectKey("team-a", "images"))
        assert deployment is not None
        stage._deployments.remove(deployment)
        stage.asked.clear()
        await stage.clock.sleep(60)
        assert stage.asked == []
        assert stage.worse() is None
