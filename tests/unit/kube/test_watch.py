from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_operator.kube.errors import CodecError, Gone
from registry_operator.kube.watch import (
    Added,
    Bookmark,
    Deleted,
    EventDecoder,
    Failed,
    Modified,
    WatchEvent,
    latest,
)


def a_line(kind: str, name: str = "a", **metadata: Any) -> bytes:
    body = {"metadata": {"name": name, "resourceVersion": "5", **metadata}}
    return orjson.dumps({"type": kind, "object": body}) + b"\n"


def names(events: Sequence[WatchEvent]) -> list[str]:
    return [
        f"{type(event).__name__} {event.object.name}"
        for event in events
        if isinstance(event, Added | Modified | Deleted)
    ]


LINES = a_line("ADDED", "a") + a_line("MODIFIED", "é") + b"\n" + a_line("DELETED", "c")


@given(st.lists(st.integers(0, len(LINES)), max_size=20))
def test_events_do_not_depend_on_where_chunks_are_cut(cuts: list[int]) -> None:
    decoder = EventDecoder()
    marks = [0, *sorted(cuts), len(LINES)]
    events: list[WatchEvent] = []
    for start, end in pairwise(marks):
        events += decoder.feed(LINES[start:end])
    decoder.end()

    assert names(events) == ["Added a", "Modified é", "Deleted c"]


def test_a_line_may_be_of_any_length() -> None:
    decoder = EventDecoder()
    line = a_line("ADDED", annotations={"large": "x" * 20_000_000})
    for start in range(0, len(line), 65_536):
        events = decoder.feed(line[start : start + 65_536])

    assert names(events) == ["Added a"]


def test_bookmarks_carry_the_resource_version_and_the_end_of_the_initial_events() -> None:
    decoder = EventDecoder()
    plain = a_line("BOOKMARK")
    final = a_line("BOOKMARK", annotations={"k8s.io/initial-events-end": "true"})
    other = a_line("BOOKMARK", annotations={"k8s.io/initial-events-end": "no"})

    assert decoder.feed(plain + final + other) == [
        Bookmark("5"),
        Bookmark("5", initial_events_end=True),
        Bookmark("5"),
    ]


KINDS = {"ADDED": Added, "MODIFIED": Modified, "DELETED": Deleted, "BOOKMARK": Bookmark}


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("+a ~a ~b ~a", "~b ~a"),
        ("~a ~a -a", "~a -a"),
        ("~a -a +a ~a", "~a -a ~a"),
        ("+a +b +c", "+a +b +c"),
        ("~a ~a ! ~a", "! ~a"),
    ],
)
def test_of_the_changes_of_one_life_that_come_together_the_last_is_kept(
    told: str, kept: str
) -> None:
    signs = {"+": "ADDED", "~": "MODIFIED", "-": "DELETED", "!": "BOOKMARK"}
    events = EventDecoder().feed(
        b"".join(
            a_line(signs[word[0]], word[1:] or "x", resourceVersion=str(number))
            for number, word in enumerate(told.split(), start=1)
        )
    )
    left = latest(events)

    assert [KINDS[signs[word[0]]] for word in kept.split()] == [type(event) for event in left]
    assert left == [event for event in events if event in left]
    assert left[-1] == events[-1]


def test_only_who_asks_for_the_latest_is_spared_the_rest() -> None:
    lines = a_line("MODIFIED") + a_line("MODIFIED")

    assert len(EventDecoder().feed(lines)) == 2
    assert len(EventDecoder(latest_only=True).feed(lines)) == 1


def test_an_error_event_becomes_a_typed_error() -> None:
    status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
    line = orjson.dumps({"type": "ERROR", "object": status}) + b"\n"
    odd = b'{"type": "ERROR", "object": "what"}\n'
    expired, unknown = EventDecoder().feed(line + odd)

    assert isinstance(expired, Failed)
    assert isinstance(expired.error, Gone)
    assert isinstance(unknown, Failed)
    assert unknown.error.status == 500


def test_an_unknown_type_is_counted_and_skipped() -> None:
    decoder = EventDecoder()

    assert names(decoder.feed(a_line("NEWS") + a_line("ADDED"))) == ["Added a"]
    assert decoder.skipped == 1


def test_managed_fields_are_dropped_on_demand() -> None:
    line = a_line("ADDED", managedFields=[{"manager": "m"}])
    (event,) = EventDecoder(without_managed_fields=True).feed(line)

    assert isinstance(event, Added)
    assert "managedFields" not in event.object.body()["metadata"]


@pytest.mark.parametrize(
    "line", [b"Service Unavailable\n", b"{}\n", b'{"type":"ADDED","object":1}\n']
)
def test_what_is_no_event_is_refused(line: bytes) -> None:
    with pytest.raises(CodecError):
        EventDecoder().feed(line)


def test_a_stream_that_ends_within_an_event_is_refused() -> None:
    decoder = EventDecoder()
    decoder.feed(a_line("ADDED")[:-1])

    with pytest.raises(CodecError, match="in the middle"):
        decoder.end()
