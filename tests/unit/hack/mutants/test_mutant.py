from pathlib import Path

import pytest

from hack.mutants.mutant import ROOT, Catch, Mutant, UnfitError, catches, keep, mutants

LISTED = mutants()
COUNTED = [one for one in LISTED if not one.equivalent]

A_MUTANT = Mutant("a mistake", "queue", "some.py", old="\nright\n", new="\nwrong\n")


@pytest.mark.parametrize("mutant", LISTED, ids=lambda one: one.name)
def test_a_listed_mutation_fits_the_code_of_now_and_is_python(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    compile(mutant.applied(text), mutant.file, "exec")


def test_a_mutation_that_does_not_fit_any_more_is_told() -> None:
    with pytest.raises(UnfitError, match=r"stands 0 times in some\.py"):
        A_MUTANT.applied("\nleft\n")


def test_a_mutation_that_fits_twice_is_told() -> None:
    with pytest.raises(UnfitError, match="stands 2 times"):
        A_MUTANT.applied("\nright\n\nright\n")


def test_a_mutation_changes_nothing_else() -> None:
    assert A_MUTANT.applied("before\nright\nafter") == "before\nwrong\nafter"


def test_no_two_mutants_have_one_name() -> None:
    assert len({one.name for one in LISTED}) == len(LISTED)


def test_every_mutant_that_counts_is_caught_and_nothing_else() -> None:
    assert {one.name for one in COUNTED} == set(catches())
    assert len(COUNTED) >= 30


def test_what_was_caught_is_kept(tmp_path: Path) -> None:
    found = {"a mistake": Catch(7, "rest", "it never rested")}
    keep(found, tmp_path / "caught.json")

    assert catches(tmp_path / "caught.json") == found
    assert catches(tmp_path / "nowhere.json") == {}
