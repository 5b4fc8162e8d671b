"""Trouble on order: which requests fail, how, and whether the server acted before.

In flow requests; out flows a `Fault` or none. A test lists faults for the next matching requests;
a simulation sets `policy`, a function it seeds.
"""

from collections.abc import Callable
from dataclasses import dataclass

from registry_operator.kube.errors import ApiError, TransportError
from registry_operator.kube.exchange import Request


@dataclass(frozen=True, slots=True)
class Fault:
    """`delay` seconds pass, then `error` is the answer.

    With `after_effect` the write has happened.
    """

    error: ApiError | TransportError | None = None
    after_effect: bool = False
    delay: float = 0.0


@dataclass(slots=True)
class _Planned:
    match: Callable[[Request], bool]
    fault: Fault
    times: int | None


class Faults:
    """The plan of one server; `struck` counts the faults that were given."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []
        self.policy: Callable[[Request], Fault | None] | None = None
        self.struck = 0

    def plan(
        self,
        match: Callable[[Request], bool],
        error: ApiError | TransportError | None = None,
        *,
        times: int | None = 1,
        after_effect: bool = False,
        delay: float = 0.0,
    ) -> None:
        """Strike the next `times` matching requests (None: until `clear`)."""
        self._planned.append(_Planned(match, Fault(error, after_effect, delay), times))

    def clear(self) -> None:
        """Forget every fault that was planned, and the policy."""
        self._planned.clear()
        self.policy = None

    def take(self, request: Request) -> Fault | None:
        """Return what strikes this request."""
        fault = self._take_planned(request)
        if fault is None and self.policy is not None:
            fault = self.policy(request)
        self.struck += fault is not None
        return fault

    def _take_planned(self, request: Request) -> Fault | None:
        for index, planned in enumerate(self._planned):
            if planned.match(request):
                if planned.times is not None:
                    planned.times -= 1
                    if planned.times == 0:
                        del self._planned[index]
                return planned.fault
        return None
