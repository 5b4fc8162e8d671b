"""Whoever begins to lead sees first all that was written before, however his watches fared."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from registry_operator.kube.client import Client
from registry_operator.kube.errors import TransportError
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.cache import Cache, NotSyncedError
from registry_operator.runtime.metrics import Metrics
from registry_operator.runtime.store import Store
from registry_operator.testing.fake_api import FakeApi
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.runtime.cache_stage import FakeCollector
from tests.unit.runtime.election_stage import ElectionStage, for_seconds

CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps")
SECRETS = Resource("", "v1", "Secret", "secrets")
A = ObjectKey("team-a", "a")


class Stage:
    """Two kinds in memory, and what was asked of the server."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.api = FakeApi([CONFIG_MAPS, SECRETS], clock=clock)
        for resource in (CONFIG_MAPS, SECRETS):
            self.write(resource, "before")
        self.cache = Cache(
            Client(self.api),
            clock=clock,
            rng=random.Random(7),
            metrics=Metrics(CollectorRegistry()),
            collector=FakeCollector(),
        )
        self.config_maps = self.cache.declare(CONFIG_MAPS)
        self.secrets = self.cache.declare(SECRETS)

    def write(self, resource: Resource, text: str) -> None:
        metadata = {"namespace": A.namespace, "name": A.name, "labels": {"text": text}}
        body = {"apiVersion": "v1", "kind": resource.kind, "metadata": metadata}
        self.api.put(resource, body)

    def lists(self) -> list[str]:
        """The plural names of the kinds that were listed since the last call."""
        asked = [r for r in self.api.requests if ("watch", "true") not in r.query]
        self.api.requests.clear()
        return sorted(request.path.rpartition("/")[2] for request in asked)


@pytest.fixture
async def stage(clock: VirtualClock) -> AsyncIterator[Stage]:
    stage = Stage(clock)
    run = asyncio.create_task(stage.cache.run())
    await stage.cache.wait_synced(10)
    await clock.sleep(1)
    stage.lists()
    yield stage
    run.cancel()
    await asyncio.wait({run})


def text(store: Store) -> str:
    found = store.get(A)
    assert found is not None
    return found.labels["text"]


async def test_what_a_watch_that_stands_still_did_not_tell_is_read(stage: Stage) -> None:
    stage.api.drop_watches("stall", CONFIG_MAPS)
    stage.write(CONFIG_MAPS, "after")
    await stage.clock.sleep(1)
    assert text(stage.config_maps) == "before"

    await stage.cache.catch_up(str(stage.api.revision))

    assert text(stage.config_maps) == "after"


async def test_only_kinds_are_read_whose_watch_has_not_passed_the_moment(stage: Stage) -> None:
    stage.write(CONFIG_MAPS, "after")
    await stage.clock.sleep(1)

    await stage.cache.catch_up(str(stage.api.revision))

    assert stage.lists() == ["secrets"]


async def test_nothing_is_read_where_all_of_it_is_older_than_what_is_in_memory(
    stage: Stage,
) -> None:
    await stage.cache.catch_up("1")

    assert stage.lists() == []


async def test_a_server_that_is_away_is_waited_for(stage: Stage) -> None:
    stage.write(SECRETS, "after")
    stage.api.faults.plan(lambda _: True, TransportError("no route", sent=False), times=None)
    waiting = asyncio.create_task(stage.cache.catch_up(str(stage.api.revision)))
    await stage.clock.sleep(60)
    assert not waiting.done()

    stage.api.faults.clear()
    await stage.clock.sleep(60)
    assert waiting.done()
    assert text(stage.secrets) == "after"


async def test_a_server_that_stays_away_is_not_waited_for_without_end(stage: Stage) -> None:
    stage.write(SECRETS, "after")
    stage.api.faults.plan(lambda _: True, TransportError("no route", sent=False), times=None)
    stage.api.drop_watches("cut")

    with pytest.raises(NotSyncedError, match="not read anew: configmaps"):
        await stage.cache.catch_up(str(stage.api.revision), 30.0)


async def test_a_kind_that_is_withdrawn_meanwhile_is_not_waited_for(stage: Stage) -> None:
    stage.api.withdraw(CONFIG_MAPS)

    async with asyncio.timeout(60):
        await stage.cache.catch_up(str(stage.api.revision))


async def test_watching_goes_on_after_it(stage: Stage) -> None:
    stage.api.drop_watches("stall")
    stage.write(CONFIG_MAPS, "after")
    stage.write(SECRETS, "after")
    await stage.cache.catch_up(str(stage.api.revision))
    stage.write(SECRETS, "later")
    await stage.clock.sleep(1)

    assert text(stage.secrets) == "later"
    assert stage.api.open_watches == 2


async def test_a_lease_that_was_given_back_says_until_when_its_holder_wrote(
    clock: VirtualClock,
) -> None:
    stage = ElectionStage(clock)
    stage.held_by("")
    before = stage.api.revision
    elector = stage.elector("a")
    await elector.run(for_seconds(clock, 1))

    assert elector.handed_over == str(before)


async def test_a_lease_that_ran_out_says_that_its_holder_may_have_written_until_now(
    clock: VirtualClock,
) -> None:
    stage = ElectionStage(clock)
    stage.held_by("b")
    elector = stage.elector("a")
    seen = []

    async def lead() -> None:
        seen.append((elector.handed_over, str(stage.api.revision)))

    await elector.run(lead)

    ((handed_over, now),) = seen
    assert handed_over == now
