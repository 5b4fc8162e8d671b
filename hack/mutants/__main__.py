"""`python -m hack.mutants check|find [WORDS …]`: does the simulation see deliberate mistakes?

`check` plays for every mutant the seed that once caught it; the law that was broken then must be
broken again, and the code as it is must keep all laws at the same seeds. `find` looks for seeds for
those mutants that have none, or lost it, or with `--anew` for all, and keeps them. Words of names
and areas choose mutants. The last line is `N passed, N failed`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from hack.e2e.report import Verdict, merge
from hack.mutants.hunt import check, find, holds, promising
from hack.mutants.mutant import Mutant, UnfitError, catches, keep, mutants
from hack.mutants.player import Copy

_JOBS = 2
_AMONG = 2000
_AS_IT_IS = "the code as it is keeps all laws at seed"

Work = Callable[[Copy], Awaitable[list[Verdict]]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked for and return the exit code."""
    options = _parser().parse_intermixed_args(arguments)
    asked = [one for one in mutants() if _is_meant(one, options.words)]
    counted = [one for one in asked if not one.equivalent]
    if options.mode == "find":
        works = _hunts(counted, seeds=options.seeds, anew=options.anew)
    else:
        works = _checks(counted)

    began = time.monotonic()
    verdicts = asyncio.run(_done(works, jobs=options.jobs))
    failed = sum(bool(verdict.problem) for verdict in verdicts)
    if options.report:
        merge([], verdicts, out=options.report)
    left_out = len(asked) - len(counted)
    print(f"{left_out} equivalent mutants left out, {time.monotonic() - began:.0f} s")
    print(f"{len(verdicts) - failed} passed, {failed} failed")

    return 1 if failed else 0


def _is_meant(mutant: Mutant, words: Sequence[str]) -> bool:
    return all(word in f"{mutant.area} {mutant.name}" for word in words)


def _checks(asked: Sequence[Mutant]) -> list[Work]:
    """One work for each mutant, and some for the code as it is, each with a process of its own."""
    known = catches()
    seeds = sorted({known[one.name].seed for one in asked if one.name in known})
    parts = [seeds[start::_JOBS] for start in range(_JOBS)]

    async def as_it_is(copy: Copy, part: Sequence[int]) -> list[Verdict]:
        async with copy.player(None) as player:
            return [_told(f"{_AS_IT_IS} {seed}", await holds(player, seed)) for seed in part]

    async def caught(copy: Copy, mutant: Mutant) -> list[Verdict]:
        catch = known.get(mutant.name)
        if catch is None:
            return [_told(mutant.name, "no seed catches it: run `python -m hack.mutants find`")]
        try:
            async with copy.player(mutant) as player:
                return [_told(mutant.name, await check(player, catch), f"seed {catch.seed}")]
        except UnfitError as error:
            return [_told(mutant.name, str(error))]

    works: list[Work] = [partial(as_it_is, part=part) for part in parts if part]
    return works + [partial(caught, mutant=mutant) for mutant in asked]


def _hunts(asked: Sequence[Mutant], *, seeds: int, anew: bool) -> list[Work]:
    """One work for each mutant; what is found is kept at once."""
    known = catches()

    async def hunt(copy: Copy, mutant: Mutant) -> list[Verdict]:
        catch = known.get(mutant.name)
        if catch is not None and not anew:
            async with copy.player(mutant) as player:
                if not await check(player, catch):
                    return [_told(mutant.name, "", f"seed {catch.seed}, still")]
        order = promising(mutant, among=_AMONG)[:seeds]
        while order:
            async with copy.player(mutant) as player:
                found = await find(player, order)
            if found.catch is None:
                return [_told(mutant.name, f"not caught by {found.played} seeds; {found.error}")]
            async with copy.player(None) as player:
                problem = await holds(player, found.catch.seed)
            if not problem:
                known[mutant.name] = found.catch
                keep(known)
                return [_told(mutant.name, "", f"seed {found.catch.seed}, {found.catch.law}")]
            _told(f"{_AS_IT_IS} {found.catch.seed}", problem)
            order.remove(found.catch.seed)
        return [_told(mutant.name, "no seed is left")]

    return [partial(hunt, mutant=one) for one in asked]


async def _done(works: Sequence[Work], *, jobs: int) -> list[Verdict]:
    """Do all works, some at a time, each in a copy of the tree that no other uses meanwhile."""
    verdicts: list[Verdict] = []
    waiting = list(reversed(works))

    async def worker(copy: Copy) -> None:
        while waiting:
            verdicts.extend(await waiting.pop()(copy))

    with ExitStack() as stack:
        folders = [
            stack.enter_context(tempfile.TemporaryDirectory(prefix="ro-mutant-"))
            for _ in range(jobs)
        ]
        async with asyncio.TaskGroup() as group:
            for folder in folders:
                group.create_task(worker(Copy(Path(folder))))

    return verdicts


def _told(name: str, problem: str, how: str = "") -> Verdict:
    print(f"{'FAILED' if problem else 'ok':7}{name}  {problem or how}".rstrip(), flush=True)
    return Verdict(name, problem)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hack.mutants", description=__doc__)
    parser.add_argument("mode", choices=("check", "find"))
    parser.add_argument("words", nargs="*", help="only mutants with these in area and name")
    parser.add_argument("--seeds", type=int, default=40, metavar="N", help="how many `find` plays")
    parser.add_argument("--anew", action="store_true", help="find for those that have a seed too")
    parser.add_argument("--jobs", type=int, default=_JOBS, metavar="N")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write a JUnit report")

    return parser


if __name__ == "__main__":
    sys.exit(main())
