"""client-go's rules for repeated events (framework.md 1.13)."""

import pytest

from registry_operator.kube.object import Object
from registry_operator.runtime.correlator import (
    Correlator,
    Occurrence,
    Reference,
    Series,
    Verdict,
)

IMAGES = Reference("registry-operator.dev/v1alpha1", "Registry", "team-a", "images", "u1")
MINUTE, HOUR = 60.0, 3600.0


def happened(
    note: str = "the Secret is missing", *, reason: str = "SecretMissing", about: Reference = IMAGES
) -> Occurrence:
    return Occurrence(about, "Warning", reason, note, reason)


def wrote(series: Series, at: float) -> None:
    series.written, series.written_at = series.count, at


def test_the_first_two_are_written_and_further_ones_counted() -> None:
    correlator = Correlator()
    verdicts = []
    for now in range(5):
        verdict, series = correlator.observe(happened(), now)
        verdicts.append(verdict)
        if verdict is Verdict.WRITE:
            wrote(series, now)

    assert verdicts == [Verdict.WRITE, Verdict.WRITE, *[Verdict.COUNT] * 3]
    assert series.total == 5
    assert correlator.unwritten() == [series]


def test_a_long_series_is_written_every_half_hour() -> None:
    correlator = Correlator()
    written = []
    for minute in range(100):
        verdict, series = correlator.observe(happened(), minute * MINUTE)
        if verdict is Verdict.WRITE:
            wrote(series, minute * MINUTE)
            written.append(minute)

    assert written == [0, 1, 31, 61, 91]


def test_silence_ends_a_series_with_its_last_count() -> None:
    correlator = Correlator()
    assert correlator.next_end() is None
    for now in (0, 1, 2):
        verdict, series = correlator.observe(happened(), now)
        if verdict is Verdict.WRITE:
            wrote(series, now)

    assert correlator.next_end() == 2 + 6 * MINUTE
    assert correlator.finished(100) == []
    assert correlator.finished(400) == [series]
    assert len(correlator) == 0


def test_a_series_written_to_the_end_ends_without_a_word() -> None:
    correlator = Correlator()
    _, series = correlator.observe(happened(), 0)
    wrote(series, 0)

    assert correlator.finished(400) == []
    assert len(correlator) == 0


def test_after_silence_a_new_series_begins() -> None:
    correlator = Correlator()
    _, before = correlator.observe(happened(), 0)
    wrote(before, 0)
    verdict, after = correlator.observe(happened(), HOUR)

    assert verdict is Verdict.WRITE
    assert after is not before
    assert after.total == 1


@pytest.mark.parametrize(
    "other",
    [
        happened("another note"),
        happened(reason="BucketMissing"),
        happened(about=Reference("v1", "Registry", "team-b", "images", "u2")),
    ],
)
def test_what_differs_is_another_event(other: Occurrence) -> None:
    correlator = Correlator()
    _, one = correlator.observe(happened(), 0)
    verdict, two = correlator.observe(other, 0)

    assert verdict is Verdict.WRITE
    assert one is not two
    assert one.occurrence.event_name() != two.occurrence.event_name()


def test_many_notes_for_one_reason_become_one_combined_event() -> None:
    correlator = Correlator()
    series = [correlator.observe(happened(f"note {number}"), 0)[1] for number in range(14)]

    assert len({id(one) for one in series}) == 11
    assert series[-1].occurrence.note == "(combined from similar events): note 10"
    assert series[-1].count == 4
    _, known = correlator.observe(happened("note 3"), 0)
    assert known.occurrence.note == "note 3"
    _, later = correlator.observe(happened("note 99"), 11 * MINUTE)
    assert later.occurrence.note == "note 99"


def test_an_object_has_a_bucket_of_writes_that_fills_slowly() -> None:
    correlator = Correlator()
    verdicts = [correlator.observe(happened(reason=f"R{n}"), 0)[0] for n in range(27)]

    assert verdicts == [*[Verdict.WRITE] * 25, Verdict.DROP, Verdict.DROP]
    other = Reference("v1", "Registry", "team-b", "images")
    assert correlator.observe(happened(about=other), 0)[0] is Verdict.WRITE
    assert correlator.observe(happened(reason="Later"), 301)[0] is Verdict.WRITE
    assert correlator.observe(happened(reason="Latest"), 302)[0] is Verdict.DROP


def test_memory_is_bounded() -> None:
    correlator = Correlator()
    for number in range(5000):
        about = Reference("v1", "Registry", "team-a", str(number))
        correlator.observe(happened(about=about), 0)

    assert len(correlator) == 4096


def test_texts_are_cut_to_what_the_api_takes_never_within_a_character() -> None:
    long = Occurrence(IMAGES, "Normal", "R" * 200, "ä" * 1000, "A" * 200).fitted()

    assert (len(long.reason), len(long.action)) == (128, 128)
    assert len(long.note.encode()) <= 1024
    assert long.note == "ä" * 510 + "…"
    assert happened("short").fitted() == happened("short")


def test_the_name_is_the_same_after_a_restart_and_fits_a_long_object_name() -> None:
    assert happened().event_name() == happened().event_name()
    assert happened().event_name().startswith("images.")
    long = Reference("v1", "Registry", "team-a", "x" * 235 + "." + "y" * 17)
    name = happened(about=long).event_name()
    assert len(name) <= 253
    assert ".." not in name


def test_a_reference_is_made_of_an_object_that_carries_its_type() -> None:
    node = Object.of({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}})

    assert Reference.of(node).body() == {"apiVersion": "v1", "kind": "Node", "name": "n1"}
