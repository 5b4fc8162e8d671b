"""client-go's event recorder: repetitions gathered, floods held back, nobody ever waits."""

import asyncio

import pytest

from registry_operator.kube.errors import ApiError, Invalid, KubeError, TransportError
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.correlator import Correlator, Occurrence, Reference, Verdict
from registry_operator.runtime.recorder import EVENTS
from registry_operator.testing.virtual_loop import VirtualClock
from tests.conformance.origin import origin
from tests.unit.runtime.recorder_stage import Stage, anything

IMAGES = Reference("registry-operator.dev/v1alpha1", "Registry", "team-a", "images", "u1")
NODE = Reference("v1", "Node", "", "n1", "u2")
CORRELATOR = "events_cache_test :: TestEventCorrelator"
SPAM = "events_cache_test :: TestEventSpamFilter"


@pytest.fixture
def stage(clock: VirtualClock) -> Stage:
    return Stage(clock)


def happened(note: str = "a", *, reason: str = "Failed", about: Reference = IMAGES) -> Occurrence:
    return Occurrence(about, "Warning", reason, note, reason)


def seen(correlator: Correlator, occurrence: Occurrence, *, at: float) -> tuple[Verdict, str, int]:
    """What became of it: whether to write, under which note, how many so far."""
    verdict, series = correlator.observe(occurrence, at)
    if verdict is Verdict.WRITE:
        series.written, series.written_at = series.count, at
    return verdict, series.occurrence.note, series.total


def tell(stage: Stage, count: int) -> None:
    """As many events, each about another object."""
    for number in range(count):
        about = Reference("v1", "Registry", "team-a", f"r{number}")
        stage.recorder.event(about, "Normal", "Seen", "told")


@origin(148, f"{CORRELATOR}: create-a-single-event, the-same-event-should-just-count", "E1")
def test_the_same_event_is_counted_and_not_made_anew() -> None:
    correlator = Correlator()
    counts = [seen(correlator, happened(), at=second)[2] for second in range(5)]

    assert counts == [1, 2, 3, 4, 5]
    assert len(correlator) == 1


@origin(148, f"{CORRELATOR}: the-same-event-should-just-count-even-if-more-than-aggregate", "E1")
def test_a_known_note_goes_on_under_its_own_name_among_many_others() -> None:
    correlator = Correlator()
    for number in range(20):
        seen(correlator, happened(f"note {number}"), at=0)

    assert seen(correlator, happened("note 0"), at=1) == (Verdict.WRITE, "note 0", 2)


@origin(
    148, f"{CORRELATOR}: create-many-unique-events; similar-events-should-aggregate-event", "E1"
)
def test_more_than_ten_notes_for_one_reason_become_one_event_with_a_count() -> None:
    correlator = Correlator()
    notes = [seen(correlator, happened(f"note {number}"), at=0)[1] for number in range(13)]

    assert notes[:10] == [f"note {number}" for number in range(10)]
    assert set(notes[10:]) == {"(combined from similar events): note 10"}
    assert seen(correlator, happened("another"), at=1)[2] == 4
    assert seen(correlator, happened("x", reason="Else"), at=1)[1] == "x"


@origin(148, f"{CORRELATOR}: similar-events-many-times-should-count-the-aggregate; interval", "E1")
@pytest.mark.parametrize(("later", "is_combined"), [(599, True), (601, False)])
def test_ten_minutes_later_notes_are_told_apart_again(
    later: float,
    is_combined: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    correlator = Correlator()
    for number in range(12):
        seen(correlator, happened(f"note {number}"), at=0)
    note = seen(correlator, happened("fresh"), at=later)[1]

    assert note.startswith("(combined from similar events)") is is_combined


@origin(148, f"{SPAM}: burst; refill; per source and object", "E2")
def test_an_object_may_write_twenty_five_events_and_then_one_each_five_minutes() -> None:
    correlator = Correlator()

    def verdicts(count: int, *, at: float, about: Reference = IMAGES) -> list[Verdict]:
        reasons = [f"Reason{number}" for number in range(count)]
        return [
            seen(correlator, happened(reason=f"{one}At{at}", about=about), at=at)[0]
            for one in reasons
        ]

    assert verdicts(30, at=0).count(Verdict.WRITE) == 25
    assert verdicts(3, at=601).count(Verdict.WRITE) == 2
    assert verdicts(3, at=601, about=NODE).count(Verdict.WRITE) == 3


@origin(148, "event_test :: TestWriteEventError", "E3")
@pytest.mark.parametrize(
    ("error", "times", "requests", "written"),
    [
        (ApiError(500, message="no"), None, 1, 0),
        (Invalid(422, message="note: too long"), None, 1, 0),
        (TransportError("refused", sent=False), None, 12, 0),
        (TransportError("reset", sent=True), 1, 2, 1),
    ],
)
async def test_an_answer_is_final_and_silence_is_met_by_twelve_tries(
    stage: Stage, error: KubeError, times: int | None, requests: int, written: int
) -> None:
    assert isinstance(error, (ApiError, TransportError))
    stage.api.faults.plan(anything, error, times=times)
    async with stage.running():
        stage.missing()
        await stage.clock.sleep(300)

    assert len(stage.api.requests) == requests
    assert len(stage.events) == written
    assert stage.recorder.stats().dropped == 1 - written


@origin(148, "event_test :: TestUpdateExpiredEvent", "E3")
async def test_a_series_whose_event_expired_goes_on_as_a_new_event(stage: Stage) -> None:
    async with stage.running():
        stage.missing()
        await stage.clock.sleep(1)
        before = stage.events[0]["metadata"]
        stage.api.delete(EVENTS, ObjectKey("team-a", before["name"]))
        stage.missing()
        await stage.clock.sleep(1)

    assert stage.events[0]["metadata"]["uid"] != before["uid"]
    assert stage.recorder.stats().dropped == 0


@origin(148, "event_test :: TestCancelEvent", "E3")
async def test_a_recorder_that_waits_for_its_next_try_ends_when_it_is_cancelled(
    stage: Stage,
) -> None:
    stage.api.faults.plan(anything, TransportError("refused", sent=False), times=None)
    run = asyncio.create_task(stage.recorder.run())
    stage.missing()
    await stage.clock.sleep(3)
    tried = len(stage.api.requests)
    run.cancel()
    await asyncio.wait({run})
    await stage.clock.sleep(100)

    assert run.cancelled()
    assert len(stage.api.requests) == tried


@origin(148, "event_test :: TestLotsOfEvents", "E3")
async def test_lots_of_events_wait_their_turn_and_are_all_written(stage: Stage) -> None:
    async with stage.running():
        tell(stage, 200)
        await stage.clock.sleep(1)

    assert len(stage.events) == stage.recorder.stats().sent == 200


@origin(148, "event.go :: DropIfChannelFull", "E3")
async def test_who_tells_more_than_can_be_kept_waits_no_longer_and_loses_the_rest(
    stage: Stage,
) -> None:
    tell(stage, 1500)

    assert stage.clock.monotonic() == 0
    assert stage.recorder.stats().pending == 1000
    assert stage.dropped("queue-full") == 500


@origin(148, "event_test :: TestEventfNoNamespace", "E5")
async def test_events_of_cluster_scoped_objects_are_in_the_default_namespace(stage: Stage) -> None:
    async with stage.running():
        stage.recorder.event(NODE, "Normal", "Seen", "told")

    (event,) = stage.events
    assert event["metadata"]["namespace"] == "default"
    assert "namespace" not in event["regarding"]


@origin(148, "eventseries_test :: TestEventSeriesf", "E4")
async def test_an_event_that_happens_again_becomes_a_series_of_the_same_event(stage: Stage) -> None:
    async with stage.running():
        stage.missing()
        await stage.clock.sleep(1)
        assert "series" not in stage.events[0]
        stage.missing()
        await stage.clock.sleep(1)
        stage.recorder.event(IMAGES, "Normal", "Other", "another reason is another event")

    assert [event.get("series", {}).get("count") for event in stage.events] in (
        [2, None],
        [None, 2],
    )


@origin(148, "eventseries_test :: TestRefreshExistingEventSeries", "E4")
async def test_a_series_that_goes_on_is_written_each_half_hour(stage: Stage) -> None:
    counts = []
    async with stage.running():
        for _ in range(70):
            stage.missing()
            await stage.clock.sleep(60)
            counts.append(stage.events[0].get("series", {}).get("count", 1))

    assert sorted(set(counts)) == [1, 2, 32, 62]


@origin(148, "eventseries_test :: TestFinishSeries", "E4")
async def test_silence_of_six_minutes_writes_the_last_count_and_ends_the_series(
    stage: Stage,
) -> None:
    async with stage.running():
        for _ in range(5):
            stage.missing()
            await stage.clock.sleep(1)
        assert stage.events[0]["series"]["count"] == 2
        await stage.clock.sleep(365)

        assert stage.events[0]["series"]["count"] == 5
        assert stage.recorder.stats().series == 0
