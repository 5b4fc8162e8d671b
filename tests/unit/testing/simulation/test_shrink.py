"""Plans as data, made smaller until nothing can be taken away."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_operator.testing.simulation.plan import Plan, Step
from registry_operator.testing.simulation.shrink import shrink


def a_plan(steps: int) -> Plan:
    return Plan(3, tuple(Step(float(n), "do", {"number": n}) for n in range(steps)), {"x": 1})


def numbers(plan: Plan) -> set[int]:
    return {step.using["number"] for step in plan.steps}


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1)))))
def test_only_what_the_failure_needs_is_left(case: tuple[int, set[int]]) -> None:
    steps, needed = case
    small = shrink(a_plan(steps), lambda plan: needed <= numbers(plan), tries=10_000)

    assert numbers(small) == needed
    assert (small.seed, small.options) == (3, {"x": 1})


def test_a_plan_that_does_not_fail_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fail"):
        shrink(a_plan(3), lambda _: False)


def test_no_more_tries_are_made_than_allowed() -> None:
    tried = []

    def fails(plan: Plan) -> bool:
        tried.append(plan)
        return {1, 20, 39} <= numbers(plan)

    small = shrink(a_plan(40), fails, tries=10)
    assert {1, 20, 39} <= numbers(small)
    assert len(tried) <= 12


def test_a_plan_survives_being_written_as_json() -> None:
    plan = a_plan(4)

    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


def test_a_plan_reads_as_a_list_of_what_happens_when() -> None:
    text = str(Plan(9, (Step(1.5, "cut", {"who": "a", "lasts": 3}),), {"operators": 2}))

    assert text.splitlines() == ["seed 9 operators=2", '   1.500s cut who="a" lasts=3']
