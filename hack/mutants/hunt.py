"""Which seed catches a mutant, and whether the one that did still does.

In flow mutants and a player; out flow catches and verdicts. A catch by chance alone would be lost
with the next change of the code, so a seed is preferred whose steps catch the mutant under other
chances as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from hack.mutants.mutant import Catch, Mutant
from hack.mutants.player import Played
from tests.simulation.scenario import plan

# A traceback is no law, and "defects" is the law that tells of tracebacks.
DEFECTS: Final = "defects"
_ROLLS: Final = (1, 2)
# After a first catch, so many seeds more are tried for one that does not depend on chance.
_CHOOSY: Final = 2


class Player(Protocol):
    """Plays a seed, or its steps under other chances."""

    async def play(self, seed: int, *, roll: int = 0) -> Played: ...


@dataclass(frozen=True, slots=True)
class Found:
    """The best catch, if any; the seeds that were played; the last error, if any was met."""

    catch: Catch | None
    played: int
    error: str = ""


def promising(mutant: Mutant, *, among: int) -> list[int]:
    """Return the seeds below `among`, those first whose plans are most likely to bring it out."""

    def promise(seed: int) -> tuple[int, int]:
        text = str(plan(seed))
        return -sum(len(re.findall(one, text)) for one in mutant.likely), -text.count("\n")

    return sorted(range(among), key=promise)


async def find(player: Player, seeds: Iterable[int]) -> Found:
    """Play seeds until one breaks a law, at best under three of three chances."""
    best: Catch | None = None
    most, since, played, error = -1, 0, 0, ""
    for seed in seeds:
        if best is not None:
            since += 1
        if since > _CHOOSY:
            break
        first = await player.play(seed)
        played += 1
        error = _error(first) or error
        if not _is_catch(first):
            continue
        again = [await player.play(seed, roll=roll) for roll in _ROLLS]
        steady = sum(_is_catch(one, law=first.law) for one in again)
        if steady > most:
            best, most = Catch(seed, first.law, first.how), steady
        if most == len(_ROLLS):
            break

    return Found(best, played, error)


async def check(player: Player, catch: Catch) -> str:
    """Return why the seed of a catch does not catch the mutant any more; "" when it does.

    Other chances count too: a change of the code shifts all orders and delays.
    """
    missed: list[Played] = []
    for roll in (0, *_ROLLS):
        played = await player.play(catch.seed, roll=roll)
        if _is_catch(played, law=catch.law):
            return ""
        missed.append(played)

    return f"seed {catch.seed} does not break {catch.law!r} any more: {_told(missed[0])}"


async def holds(player: Player, seed: int) -> str:
    """Return what a seed breaks in the code as it is; "" when all laws hold."""
    played = await player.play(seed)
    return "" if played == Played() else _told(played)


def _is_catch(played: Played, *, law: str | None = None) -> bool:
    if law is not None and played.law != law:
        return False
    return bool(played.law) and played.law != DEFECTS


def _error(played: Played) -> str:
    return played.how if played.law == DEFECTS else played.error


def _told(played: Played) -> str:
    if played.error:
        return f"it crashed: {played.error}"
    return f"{played.law}: {played.how}" if played.law else "all laws held"
