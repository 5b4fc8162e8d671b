from collections.abc import Mapping

from hack.mutants.hunt import check, find, holds, promising
from hack.mutants.mutant import Catch, Mutant
from hack.mutants.player import Played
from tests.simulation.scenario import plan

REST = Played(law="rest", how="it never rested")
TURNS = Played(law="turns", how="twice at once")
CRASH = Played(law="defects", how="NameError('x')")


class Scripted:
    """Plays what is written down by seed and roll; all laws hold elsewhere."""

    def __init__(self, script: Mapping[tuple[int, int], Played]) -> None:
        self.script = script
        self.played: list[tuple[int, int]] = []

    async def play(self, seed: int, *, roll: int = 0) -> Played:
        self.played.append((seed, roll))
        return self.script.get((seed, roll), Played())


async def test_a_seed_is_found_whose_steps_break_the_law_under_any_chance() -> None:
    player = Scripted({(3, roll): REST for roll in range(3)})
    found = await find(player, range(10))

    assert found.catch == Catch(3, "rest", "it never rested")
    assert max(player.played) == (3, 2)


async def test_a_catch_by_chance_gives_way_to_one_that_needs_none() -> None:
    by_chance = {(1, 0): TURNS}
    player = Scripted(by_chance | {(3, roll): REST for roll in range(3)})

    found = await find(player, range(10))
    assert found.catch is not None
    assert found.catch.seed == 3


async def test_a_catch_by_chance_is_better_than_none() -> None:
    found = await find(Scripted({(1, 0): TURNS}), range(100))

    assert found.catch == Catch(1, "turns", "twice at once")
    assert found.played < 10


async def test_a_mistake_that_only_crashes_is_not_caught() -> None:
    script = {(seed, 0): CRASH for seed in range(5)} | {(7, 0): Played(error="SyntaxError")}
    found = await find(Scripted(script), range(10))

    assert found.catch is None
    assert found.error == "SyntaxError"


async def test_a_catch_still_holds_by_its_seed_or_by_the_same_steps() -> None:
    assert not await check(Scripted({(3, 0): REST}), Catch(3, "rest", ""))
    assert not await check(Scripted({(3, 2): REST}), Catch(3, "rest", ""))


async def test_another_law_than_that_of_the_catch_does_not_count() -> None:
    problem = await check(Scripted({(3, 0): TURNS}), Catch(3, "rest", ""))
    assert problem == "seed 3 does not break 'rest' any more: turns: twice at once"


async def test_the_code_as_it_is_must_keep_all_laws() -> None:
    assert not await holds(Scripted({}), 3)
    assert await holds(Scripted({(3, 0): REST}), 3) == "rest: it never rested"
    assert await holds(Scripted({(3, 0): Played(error="boom")}), 3) == "it crashed: boom"


def test_plans_with_many_likely_steps_are_played_first() -> None:
    mutant = Mutant("a mistake", "queue", "some.py", "a", "b", likely=("destroy",))
    first, *_, last = promising(mutant, among=50)

    assert str(plan(first)).count("destroy") > str(plan(last)).count("destroy")
