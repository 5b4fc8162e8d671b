"""Whether clients of a Registry are served: what holds after each check.

Pure. In: the results of checks (registry_operator.distribution.check) made through the Service.
Out: `Served`, which the status is told from. One check that fails says little, as a pod may have
ended under it: it counts when the next one fails too. One that passes heals at once. Where no pod
can be reached nothing is held: the operator may run where clients don't.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from controllers.registry.outages import History
from registry_operator.distribution.check import Result, Verdict

IN_A_ROW: Final = 2


@dataclass(frozen=True, slots=True)
class Served:
    """What holds of one Registry (by uid).

    `verdict` holds since `since`; `row` results like `last` came one after another. `history` is
    there once a check came through. `absent`: no pod is ready, though some should be.
    """

    owner: str
    verdict: Verdict | None = None
    since: datetime | None = None
    step: str = ""
    message: str = ""
    limited: str = ""
    last: Verdict | None = None
    row: int = 0
    last_time: datetime | None = None
    last_success: datetime | None = None
    milliseconds: int = 0
    history: History | None = None
    absent: bool = False

    @property
    def fails(self) -> bool:
        """Whether pods are ready and clients are not served."""
        return self.verdict is Verdict.FAILED


def judge(before: Served, result: Result, now: datetime) -> Served:
    """What holds after one more check."""
    row = before.row + 1 if result.verdict is before.last else 1
    seen = replace(before, last=result.verdict, row=row, last_time=now, absent=False)
    passed = result.verdict is Verdict.PASSED
    if passed:
        seen = replace(
            seen,
            limited=result.limited,
            last_success=now,
            milliseconds=round(result.seconds * 1000),
        )
    if passed or row >= IN_A_ROW:
        seen = _held(seen, result, now)
    return _remembered(seen, now)


def rest(before: Served, now: datetime, *, absent: bool) -> Served:
    """What holds while nothing is asked: `absent` if no pod is ready, though some should be."""
    idle = replace(before, absent=absent, last=None, row=0)
    if before.fails:
        # Who asks nothing claims nothing; the readiness of the pods is told anyway.
        idle = replace(idle, verdict=None, since=None, step="", message="")
    return _remembered(idle, now)


def _held(seen: Served, result: Result, now: datetime) -> Served:
    if result.verdict is seen.verdict and result.step == seen.step:
        return seen
    turned = result.verdict is not seen.verdict
    return replace(
        seen,
        verdict=result.verdict,
        since=now if turned else seen.since,
        step=result.step,
        message=result.message,
    )


def _remembered(seen: Served, now: datetime) -> Served:
    history = seen.history
    if history is None and seen.verdict in {Verdict.PASSED, Verdict.FAILED}:
        history = History(now)
    if history is None:
        return seen
    return replace(seen, history=history.turned(down=seen.absent or seen.fails, now=now))
