"""Events as they arrive at an API server, and what happens when they cannot."""

import pytest
from structlog.testing import capture_logs

from registry_operator.kube.errors import ApiError, Forbidden, Invalid, TransportError
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.correlator import Reference
from registry_operator.runtime.recorder import EVENTS
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.runtime.recorder_stage import IMAGES, Stage, anything

TERMINATING = Forbidden(
    403,
    reason="Forbidden",
    message="unable to create new content in namespace team-a because it is being terminated",
)


@pytest.fixture
def stage(clock: VirtualClock) -> Stage:
    return Stage(clock)


async def test_an_event_says_what_happened_to_whom(stage: Stage) -> None:
    async with stage.running():
        stage.recorder.event(IMAGES, "Normal", "Created", "created Service", action="Apply")

    (event,) = stage.events
    assert event["metadata"]["namespace"] == "team-a"
    assert {k: v for k, v in event.items() if k != "metadata"} == {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "registry-operator",
        "reportingInstance": "registry-operator-0",
        "action": "Apply",
        "reason": "Created",
        "type": "Normal",
        "note": "created Service",
        "regarding": {
            "apiVersion": "registry-operator.dev/v1alpha1",
            "kind": "Registry",
            "namespace": "team-a",
            "name": "images",
            "uid": "u1",
        },
        "deprecatedSource": {},
    }
    assert stage.recorder.stats().sent == 1
    assert "sent=1" in repr(stage.recorder)


async def test_a_cluster_scoped_object_has_its_events_in_default(stage: Stage) -> None:
    async with stage.running():
        stage.recorder.event(Reference("v1", "Node", "", "n1"), "Normal", "Seen", "here")

    assert stage.events[0]["metadata"]["namespace"] == "default"
    assert stage.events[0]["action"] == "Seen"


async def test_repetitions_become_a_series_of_one_event(stage: Stage) -> None:
    async with stage.running():
        for _ in range(5):
            stage.missing()
            await stage.clock.sleep(1)
        assert stage.events[0]["series"]["count"] == 2
        await stage.clock.sleep(400)
        assert stage.events[0]["series"]["count"] == 5

    assert len(stage.events) == 1
    assert [request.method for request in stage.api.requests] == ["POST", "PATCH", "PATCH"]
    assert stage.recorder.stats().series == 0


async def test_many_at_once_are_one_write(stage: Stage) -> None:
    async with stage.running():
        for _ in range(20):
            stage.missing()

    assert stage.events[0]["series"]["count"] == 20
    assert len(stage.api.requests) == 1


async def test_flushing_writes_the_last_counts(stage: Stage) -> None:
    async with stage.running():
        for _ in range(4):
            stage.missing()
            await stage.clock.sleep(1)

    assert stage.events[0]["series"]["count"] == 4


async def test_after_a_restart_the_same_event_is_continued(stage: Stage) -> None:
    async with stage.running():
        stage.missing()
    stage.recorder = stage.a_recorder()
    async with stage.running():
        stage.missing()
        await stage.clock.sleep(1)
        stage.missing()

    assert len(stage.events) == 1
    assert stage.events[0]["series"]["count"] == 3


async def test_an_event_that_expired_on_the_server_is_made_anew(stage: Stage) -> None:
    async with stage.running():
        stage.missing()
        await stage.clock.sleep(1)
        metadata = stage.events[0]["metadata"]
        stage.api.delete(EVENTS, ObjectKey("team-a", metadata["name"]))
        stage.missing()

    assert stage.events[0]["metadata"]["uid"] != metadata["uid"]


async def test_telling_never_waits_and_the_queue_is_bounded(stage: Stage) -> None:
    for number in range(1200):
        regarding = Reference("v1", "Registry", "team-a", f"r{number}")
        stage.recorder.event(regarding, "Warning", "SecretMissing", "missing")

    assert stage.clock.monotonic() == 0
    assert stage.recorder.stats().pending == 1000
    assert stage.dropped("queue-full") == 200


async def test_a_flood_from_one_object_is_dropped(stage: Stage) -> None:
    async with stage.running():
        for number in range(30):
            stage.recorder.event(IMAGES, "Warning", f"Reason{number}", "flood")

    assert len(stage.events) == 25
    assert stage.dropped("rate-limited") == 5


async def test_an_unreachable_server_is_tried_again(stage: Stage) -> None:
    stage.api.faults.plan(anything, TransportError("refused", sent=False), times=3)
    async with stage.running():
        stage.missing()
        await stage.clock.sleep(60)

    assert len(stage.events) == 1
    assert stage.recorder.stats().dropped == 0


async def test_a_server_that_stays_away_costs_the_event(stage: Stage) -> None:
    stage.api.faults.plan(anything, TransportError("refused", sent=False), times=None)
    async with stage.running():
        stage.missing()
        await stage.clock.sleep(600)

    assert stage.dropped("unreachable") == 1
    assert len(stage.api.requests) == 12


async def test_flushing_gives_up_in_time(stage: Stage) -> None:
    stage.api.faults.plan(anything, TransportError("refused", sent=False), times=None)
    with capture_logs() as logs:
        async with stage.running():
            stage.missing()

    assert stage.clock.monotonic() == pytest.approx(5)
    assert logs[-1]["event"] == "events not written in time"


@pytest.mark.parametrize(
    ("error", "reason", "level"),
    [
        (TERMINATING, "namespace-terminating", "debug"),
        (Forbidden(403, message="events is forbidden"), "forbidden", "debug"),
        (Invalid(422, message="note: too long"), "refused", "warning"),
    ],
)
async def test_a_refused_event_is_counted_and_given_up(
    stage: Stage, error: ApiError, reason: str, level: str
) -> None:
    stage.api.faults.plan(anything, error)
    with capture_logs() as logs:
        async with stage.running():
            stage.missing()

    assert stage.dropped(reason) == 1
    assert stage.events == []
    assert len(stage.api.requests) == 1
    assert logs[0]["log_level"] == level


async def test_a_refused_event_is_told_when_it_happens_again(stage: Stage) -> None:
    stage.api.faults.plan(anything, Forbidden(403))
    async with stage.running():
        stage.missing()
        await stage.clock.sleep(1)
        stage.missing()

    assert stage.events[0]["series"]["count"] == 2
