"""Many seeds on all cores: each plan played in a fresh loop, in one of a few worker processes.

In flow seeds; out flow verdicts, in no particular order. Workers hash text in one fixed way, since
the order of sets of text would differ from process to process otherwise, and with it the run.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from registry_operator.testing.simulation.plan import Plan
from tests.simulation.run import Verdict, run
from tests.simulation.scenario import plan

HASHING = {"PYTHONHASHSEED": "0"}
# Plans for one worker at a time; and how many are played before new workers take over, since what
# a world leaves in memory is not all found by collecting after each batch. (The pool could replace
# its own workers, but hangs at times when it does: CPython issue 115634.)
_BATCH = 10
_ROUND = 400


def verdicts(seeds: Iterable[int], *, jobs: int) -> Iterator[Verdict]:
    """Play all seeds and yield each verdict as it comes."""
    yield from play([plan(seed) for seed in seeds], jobs=jobs)


def play(plans: list[Plan], *, jobs: int) -> Iterator[Verdict]:
    """Play all plans on `jobs` processes and yield each verdict as it comes."""
    os.environ.update(HASHING)
    for start in range(0, len(plans), _ROUND):
        yield from _round(plans[start : start + _ROUND], jobs=jobs)


def _round(plans: list[Plan], *, jobs: int) -> Iterator[Verdict]:
    batches = [plans[start : start + _BATCH] for start in range(0, len(plans), _BATCH)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_settle_in) as pool:
        futures = [pool.submit(_play, batch) for batch in batches]
        try:
            for future in as_completed(futures):
                yield from future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _settle_in() -> None:
    """Has nothing collected while a plan is played: it costs a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.disable()


def _play(plans: list[Plan]) -> list[Verdict]:
    verdicts = [run(one) for one in plans]
    gc.collect()
    return verdicts
