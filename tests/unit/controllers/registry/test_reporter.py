"""The status reconciler: waits for the others, writes changes only, tells each turn once."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from controllers.kinds import REGISTRY
from controllers.registry.inputs import RegistryInputs
from controllers.registry.reporter import StatusReporter
from registry_operator.kube.client import Client
from registry_operator.kube.errors import NotFound, ServiceUnavailable
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.correlator import EventType, Reference
from registry_operator.runtime.metrics import Metrics
from registry_operator.runtime.outcome import After, Blocked, Done, Outcome
from registry_operator.runtime.outcomes import Outcomes, Recorded
from registry_operator.runtime.recorder import Recorder
from registry_operator.runtime.store import Store
from registry_operator.testing.builders import NAMESPACE, a_registry
from registry_operator.testing.fake_api import FakeApi
from registry_operator.testing.fake_transport import on
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry.snapshots import serving

pytestmark = pytest.mark.virtual

KEY = ObjectKey(NAMESPACE, "images")


class LoudRecorder(Recorder):
    """Remembers what is told instead of writing it."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(
            Client(FakeApi([], clock=clock)),
            component="stage",
            clock=clock,
            rng=random.Random(1),
            metrics=Metrics(CollectorRegistry()),
        )
        self.told: list[tuple[str, str]] = []

    def event(
        self,
        regarding: Object | Reference,
        type_: EventType,
        reason: str,
        note: str,
        *,
        action: str | None = None,
    ) -> None:
        self.told.append((type_, reason))


class Desk:
    """A reporter and the one Registry that it reports of."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.api = FakeApi([REGISTRY], clock=clock)
        self.recorder = LoudRecorder(clock)
        self.outcomes = Outcomes()
        self.reporter = StatusReporter(
            client=Client(self.api),
            registries=Store(REGISTRY),
            gather=self.gather,
            outcomes=self.outcomes,
            reconcilers=["deployment", "service"],
            field_manager="stage/status",
            recorder=self.recorder,
            clock=clock,
        )
        body = a_registry()
        own = {"namespace": NAMESPACE, "name": "images"}
        self.api.put(REGISTRY, {**body, "metadata": own})
        self.held_for: float | None = None

    def gather(self, key: ObjectKey) -> RegistryInputs | None:
        body = self.api.get(REGISTRY, key)
        return None if body is None else serving(body)

    def say(self, outcome: Outcome, *, generation: int = 1, name: str = "deployment") -> None:
        self.outcomes.record(KEY, name, Recorded(outcome, (generation, None)))

    def count_replicas(self, number: int) -> None:
        """Makes the status differ from what it should be by what is no news."""
        self.api.change(REGISTRY, KEY, lambda body: body["status"].update(replicas=number))

    async def report(self) -> int:
        """Reconciles; the number of writes that this took."""
        before = len(self.api.writes())
        outcome = await self.reporter.reconcile(KEY)
        self.held_for = outcome.delay if isinstance(outcome, After) else None
        return len(self.api.writes()) - before

    @property
    def status(self) -> dict[str, Any]:
        body = self.api.get(REGISTRY, KEY)
        assert body is not None
        status: dict[str, Any] = body.get("status", {})
        return status


@pytest.fixture
async def desk(clock: VirtualClock) -> Desk:
    desk = Desk(clock)
    for name in ("deployment", "service"):
        desk.say(Done(), name=name)
    return desk


async def test_it_says_nothing_until_all_others_have_spoken(clock: VirtualClock) -> None:
    desk = Desk(clock)
    assert await desk.report() == 0
    desk.say(Done())
    assert await desk.report() == 0
    desk.say(Done(), name="service")
    assert await desk.report() == 1

    assert desk.status["observedGeneration"] == 1


async def test_it_waits_again_for_every_new_generation(desk: Desk) -> None:
    await desk.report()
    desk.api.change(REGISTRY, KEY, lambda body: body["spec"].update(service={"port": 80}))
    assert await desk.report() == 0
    for name in ("deployment", "service"):
        desk.say(Done(), generation=2, name=name)
    assert await desk.report() == 1

    assert desk.status["observedGeneration"] == 2
    assert desk.status["endpoint"].endswith(":80")


async def test_it_writes_when_there_is_something_to_say_and_not_again(desk: Desk) -> None:
    assert await desk.report() == 1
    assert await desk.report() == 0
    desk.say(After(30, "QuotaExceeded", "the quota"))
    assert await desk.report() == 1
    assert await desk.report() == 0


async def test_progress_is_held_back_for_some_seconds_and_told_as_it_is_then(desk: Desk) -> None:
    await desk.report()
    for number in (3, 4, 5):
        desk.count_replicas(number)
        assert await desk.report() == 0
        await desk.clock.sleep(1.5)
    assert desk.held_for == 2.0
    await desk.clock.sleep(0.5)

    assert await desk.report() == 1
    assert desk.status["replicas"] == 1


async def test_what_turns_meanwhile_is_told_at_once_and_takes_the_rest_along(desk: Desk) -> None:
    await desk.report()
    desk.count_replicas(7)
    assert await desk.report() == 0
    desk.say(After(30, "QuotaExceeded", "the quota"))
    assert await desk.report() == 1
    assert desk.status["replicas"] == 1

    await desk.clock.sleep(60)
    assert await desk.report() == 0


async def test_it_is_the_only_manager_of_the_status_and_touches_nothing_else(desk: Desk) -> None:
    await desk.report()
    request = desk.api.requests[-1]

    assert request.path.endswith("/registries/images/status")
    assert dict(request.query)["fieldManager"] == "stage/status"
    body = desk.api.get(REGISTRY, KEY)
    assert body is not None
    assert body["metadata"]["generation"] == 1


async def test_each_turn_of_ready_is_told_once_and_trouble_as_a_warning(desk: Desk) -> None:
    await desk.report()
    desk.say(After(30, "QuotaExceeded", "the quota"))
    await desk.report()
    desk.say(After(30, "QuotaExceeded", "the quota, in other words"))
    await desk.report()
    desk.say(Done())
    await desk.report()

    assert desk.recorder.told == [
        ("Normal", "Ready"),
        ("Warning", "QuotaExceeded"),
        ("Normal", "Ready"),
    ]


async def test_what_passes_by_itself_is_told_only_where_it_ends_that_all_was_well(
    desk: Desk,
) -> None:
    desk.say(Blocked("ChildTerminating", "wait"))
    await desk.report()
    desk.say(Done())
    await desk.report()
    desk.say(Blocked("ChildTerminating", "wait"))
    await desk.report()
    assert desk.status["conditions"][0]["reason"] == "ChildTerminating"

    assert desk.recorder.told == [("Normal", "Ready"), ("Normal", "ChildTerminating")]


@pytest.mark.parametrize("reason", ["BucketNotReady", "AccessNotGranted", "LoadBalancerPending"])
async def test_a_wait_for_somebody_else_is_told_as_it_may_never_end(
    desk: Desk, reason: str
) -> None:
    desk.say(Blocked(reason, "wait"))
    await desk.report()

    assert desk.recorder.told == [("Normal", reason)]


async def test_a_condition_keeps_its_time_while_its_status_does(desk: Desk) -> None:
    await desk.report()
    since = _since(desk)
    assert since == datetime(2026, 1, 1, tzinfo=UTC)
    await desk.clock.sleep(100)
    desk.api.change(REGISTRY, KEY, lambda body: body["status"].update(image="another"))
    await desk.report()
    await desk.clock.sleep(5)
    assert await desk.report() == 1
    assert _since(desk) == since

    desk.say(After(30, "QuotaExceeded", "the quota"))
    await desk.report()
    assert _since(desk) > since


def _since(desk: Desk) -> datetime:
    return datetime.fromisoformat(desk.status["conditions"][0]["lastTransitionTime"])


async def test_a_status_that_somebody_took_away_is_written_again(desk: Desk) -> None:
    await desk.report()
    before = desk.status
    desk.api.change(REGISTRY, KEY, lambda body: body.update(status={}))
    await desk.report()

    assert desk.status == before


async def test_a_failed_write_is_retried_and_told_only_when_it_is_done(desk: Desk) -> None:
    desk.api.faults.plan(on("PATCH"), ServiceUnavailable(503))
    with pytest.raises(ServiceUnavailable):
        await desk.report()
    assert desk.recorder.told == []

    await desk.report()
    assert desk.recorder.told == [("Normal", "Ready")]


async def test_a_registry_that_goes_meanwhile_is_no_failure_and_no_news(desk: Desk) -> None:
    desk.api.faults.plan(on("PATCH"), NotFound(404, reason="NotFound"))

    assert await desk.report() == 1
    assert desk.recorder.told == []


async def test_a_registry_that_is_gone_is_forgotten(desk: Desk) -> None:
    desk.api.delete(REGISTRY, KEY)
    await desk.report()

    assert desk.outcomes.of(KEY) == {}
