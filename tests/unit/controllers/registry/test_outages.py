"""Outages, and what part of the time was none."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.registry.outages import MONTH, WINDOWS, History, Outage, percent
from registry_operator.api.health_check import MOST_OUTAGES

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(**passed: float) -> datetime:
    return START + timedelta(**passed)


def out(*turns: tuple[datetime, bool]) -> History:
    history = History(START)
    for now, down in turns:
        history = history.turned(down=down, now=now)
    return history


def test_before_anything_happened_all_was_well() -> None:
    assert History(START).availability(HOUR, START) == 100.0
    assert History(START).availability(HOUR, at(days=9)) == 100.0


def test_an_outage_counts_from_its_begin_to_its_end() -> None:
    history = out((at(minutes=30), True), (at(minutes=36), False))
    assert history.availability(HOUR, at(hours=1)) == pytest.approx(90.0)
    assert history.availability(WINDOWS["day"], at(hours=24)) == pytest.approx(100 - 10 / 24)
    assert history.availability(HOUR, at(hours=2)) == 100.0


def test_an_outage_that_lasts_counts_until_now() -> None:
    history = out((at(minutes=30), True), (at(minutes=40), True))
    assert history.is_down
    assert history.availability(HOUR, at(minutes=60)) == pytest.approx(50.0)
    assert history.availability(HOUR, at(hours=9)) == 0.0


def test_only_time_that_was_looked_at_counts() -> None:
    history = out((at(minutes=1), True), (at(minutes=2), False))
    assert history.availability(MONTH, at(minutes=4)) == pytest.approx(75.0)


def test_who_was_down_from_the_first_moment_was_never_there() -> None:
    assert out((START, True)).availability(HOUR, START) == 0.0


def test_an_outage_of_more_than_a_month_ago_is_forgotten_and_one_that_lasts_is_not() -> None:
    over = out((at(days=1), True), (at(days=2), False))
    assert over.turned(down=False, now=at(days=31)).outages
    assert not over.turned(down=False, now=at(days=33)).outages
    assert out((START, True)).turned(down=True, now=at(days=99)).is_down


def test_no_more_outages_are_kept_than_can_be_and_the_two_nearest_become_one() -> None:
    turns = []
    for day in range(MOST_OUTAGES + 1):
        begin = at(days=day) if day != 7 else at(days=6, hours=2)
        turns += [(begin, True), (begin + HOUR, False)]
    history = out(*turns)
    assert len(history.outages) == MOST_OUTAGES
    assert Outage(at(days=6), at(days=6, hours=3)) in history.outages


@pytest.mark.parametrize(
    ("availability", "told"), [(100.0, "100"), (99.999, "99.99"), (99.5, "99.5"), (0.0, "0")]
)
def test_figures_are_never_rounded_up(availability: float, told: str) -> None:
    assert percent(availability) == told


@given(st.lists(st.tuples(st.integers(0, 80_000), st.booleans()), max_size=120))
def test_whatever_comes_it_is_bounded_in_order_and_a_percentage(
    turns: list[tuple[int, bool]],
) -> None:
    now, history = START, History(START)
    for minutes, down in turns:
        now += timedelta(minutes=minutes)
        history = history.turned(down=down, now=now)
        assert history.is_down == down
        assert len(history.outages) <= MOST_OUTAGES
        begins = [one.begun for one in history.outages]
        assert begins == sorted(begins)
        assert all(one.ended for one in history.outages[:-1])
        for window in WINDOWS.values():
            assert -1e-9 <= history.availability(window, now) <= 100.0
