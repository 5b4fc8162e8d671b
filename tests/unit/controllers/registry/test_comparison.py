"""Whether the clients of new pods are served worse than those of the old ones."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.registry.comparison import Look, Record, Worse
from registry_operator.distribution.traffic import Count, Traffic, total

PULL, PUSH = ("manifest", "get"), ("manifest", "put")
Step = tuple[Traffic, Traffic]


def record(*steps: Step, before: Traffic | None = None) -> Record:
    """What is known after looks; each step is what new and old pods answered since the last."""
    new: Traffic = {}
    old: Traffic = before or {}
    found = Record().plus(Look({"n": new}, {"o": old}))
    for more_new, more_old in steps:
        new, old = total([new, more_new]), total([old, more_old])
        found = found.plus(Look({"n": new}, {"o": old}))
    return found


def worse(*steps: Step, before: Traffic | None = None) -> Worse | None:
    return record(*steps, before=before).worse()


def pulls(answered: int, failed: int = 0, slow: int = 0) -> Traffic:
    return {PULL: Count(answered, failed, slow)}


def test_new_pods_that_answer_with_5xx_while_the_old_ones_do_not_are_worse() -> None:
    found = worse((pulls(40, 30), pulls(60)))

    assert found == Worse(PULL, 40, 30, 0.0, "were answered with 5xx")
    assert "of 40 requests GET manifest of clients 30 (75%) were answered with 5xx" in found.message
    assert "and 0% by those that served before" in found.message
    assert "spec.upgrade.compareTraffic" in found.message


def test_one_kind_of_request_that_fails_is_not_lost_among_the_others() -> None:
    good = {PULL: Count(5000), PUSH: Count(30)}

    found = worse(({PULL: Count(5000), PUSH: Count(30, 30)}, good))

    assert found is not None
    assert found.kind == PUSH


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (pulls(19, 19), pulls(500)),  # too few were answered by the new pods
        (pulls(500, 500), pulls(19)),  # or by the old ones, so nobody knows
        (pulls(40, 9), pulls(60)),  # too few failed
        (pulls(1000, 90), pulls(1000)),  # too small a share
        (pulls(100, 30), pulls(100, 11)),  # not often enough as many
        (pulls(100, 100), pulls(100, 100)),  # the store is down, for both
        (pulls(100, 100), pulls(100, 40)),
        (pulls(100, 0), pulls(100, 100)),  # better
        (pulls(100), {PUSH: Count(100)}),  # nothing to be held against
        ({PUSH: Count(100, 100)}, pulls(100)),
        ({}, {}),
    ],
)
def test_nobody_is_blamed_for_less(new: Traffic, old: Traffic) -> None:
    assert worse((new, old)) is None


def test_many_looks_are_one_finding() -> None:
    step = (pulls(4, 2), pulls(4))

    assert worse(*[step] * 4) is None
    assert worse(*[step] * 5) is not None


def test_a_store_that_is_down_for_a_while_is_no_fault_of_pods_of_which_most_came_then() -> None:
    well = (pulls(2), pulls(400))
    down = (pulls(200, 200), pulls(4, 4))

    assert worse(*[well] * 10, *[down] * 10, *[well] * 3) is None


def test_a_kind_that_has_always_failed_is_no_fault_of_the_pod_that_its_client_came_to() -> None:
    step = (pulls(30, 15), pulls(30))

    assert worse(step) is not None
    assert worse(step, before=pulls(900, 300)) is None


def test_half_of_the_answers_late_where_hardly_one_was_is_worse() -> None:
    found = worse((pulls(40, slow=30), pulls(40, slow=1)))

    assert found is not None
    assert found.what == "were answered after more than 2.5 s"


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (pulls(40, slow=19), pulls(40)),
        (pulls(60, slow=29), pulls(60)),
        (pulls(40, slow=40), pulls(40, slow=10)),
    ],
)
def test_a_bit_slower_is_not_worse(new: Traffic, old: Traffic) -> None:
    assert worse((new, old)) is None


def test_what_came_before_the_first_look_does_not_count() -> None:
    found = Record().plus(Look({"n": pulls(90, 90)}, {"o": pulls(90)}))

    assert found.plus(Look({"n": pulls(91, 91)}, {"o": pulls(91)})).worse() is None


def test_a_process_that_began_anew_counts_from_nothing() -> None:
    found = Record().plus(Look({"n": pulls(500, 10)}, {"o": pulls(10)}))

    assert found.plus(Look({"n": pulls(30, 30)}, {"o": pulls(50)})).worse() is not None


def test_pods_that_come_and_go_are_held_against_what_they_said_themselves() -> None:
    found = Record().plus(Look({"a": pulls(5)}, {"o": pulls(0), "p": pulls(500)}))
    found = found.plus(Look({"b": pulls(900, 900)}, {"o": pulls(40)}))
    assert found.worse() is None

    assert found.plus(Look({"b": pulls(930, 930)}, {"o": pulls(80)})).worse() is not None


def test_a_look_at_one_side_only_changes_nothing() -> None:
    known = record((pulls(40, 30), pulls(60)))

    for look in (Look({}, {}), Look({"n": pulls(900)}, {}), Look({}, {"o": pulls(900)})):
        assert known.plus(look) is known


def test_long_ago_is_outweighed_by_what_is_now() -> None:
    """As while a roll-out is paused for days with pods of both kinds."""
    well, bad = (pulls(100), pulls(100)), (pulls(100, 100), pulls(100))

    assert worse(*[well] * 1000, *[bad] * 3) is not None


def test_and_what_is_over_is_forgotten_in_the_same_way() -> None:
    well, bad = (pulls(100), pulls(100)), (pulls(100, 100), pulls(100))

    assert worse(*[bad] * 10, *[well] * 100) is None


COUNTS = st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300)).map(
    lambda told: Count(told[0], min(told[1], told[0]), min(told[2], told[0]))
)
TRAFFIC = st.dictionaries(st.sampled_from([PULL, PUSH]), COUNTS)
STEPS = st.lists(st.tuples(TRAFFIC, TRAFFIC), max_size=8)


@given(STEPS)
def test_pods_that_answer_alike_are_never_worse(steps: Iterable[Step]) -> None:
    assert worse(*((new, new) for new, _ in steps)) is None


@given(STEPS)
def test_pods_without_a_failure_are_never_worse(steps: Iterable[Step]) -> None:
    good = [({kind: Count(c.answered) for kind, c in new.items()}, old) for new, old in steps]

    assert worse(*good) is None


@given(STEPS)
def test_where_the_old_pods_fail_everything_nobody_is_blamed(steps: Iterable[Step]) -> None:
    down = [
        (new, {kind: Count(c.answered, c.answered, c.answered) for kind, c in old.items()})
        for new, old in steps
    ]

    assert worse(*down) is None


@given(STEPS, st.data())
def test_a_finding_tells_figures_that_can_be(steps: Iterable[Step], data: st.DataObject) -> None:
    found = worse(*steps, before=data.draw(TRAFFIC))

    if found is not None:
        assert 10 <= found.seen <= found.answered
        assert 0 <= found.usual * 3 <= found.seen / found.answered + 0.1
