"""What befalls requests and watches on their way: decided here, suffered in network.py.

In flow troubles (what, how much of it, whose and which requests) and each request; out flow a
`Fate` for it and the lag of each watch. One random generator decides, so that one seed gives one
weather. Without trouble every request still takes its time.
"""

import random
from dataclasses import dataclass, field
from typing import Final, Literal

from registry_operator.kube.errors import (
    ApiError,
    Conflict,
    Gone,
    InternalError,
    ServiceUnavailable,
    TooManyRequests,
)
from registry_operator.kube.exchange import Request

_CALM_SECONDS: Final = (0.001, 0.02)
# Below what a fence leaves between the end of a right to write and the next holder (5 s).
_SLOW_SECONDS: Final = (0.2, 4.0)
_LEASES: Final = "/leases"

What = Literal[
    "conflict",  # 409
    "gone",  # 410: the history is compacted
    "throttled",  # 429 with Retry-After
    "error",  # 500, and nothing was done
    "error-after",  # 500, though it was done
    "unavailable",  # 503
    "lost",  # no answer, and nothing was done
    "lost-after",  # no answer, though it was done
    "slow",
]
On = Literal["all", "writes", "reads", "lists", "watches", "leases"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """`share` of the requests it is about suffer it; an empty `who` is every process."""

    what: What
    on: On = "all"
    share: float = 1.0
    who: str = ""


@dataclass(frozen=True, slots=True)
class Fate:
    """Seconds to the server and back; a refusal, or a loss, before or after it acts."""

    out: float
    back: float
    refusal: ApiError | None = None
    is_lost: bool = False
    acts: bool = True


@dataclass
class Weather:
    """The troubles of now. `cut` holds roles whose processes reach nothing."""

    rng: random.Random
    troubles: list[Trouble] = field(default_factory=list)
    cut: set[str] = field(default_factory=set)
    lags: dict[str, float] = field(default_factory=dict)

    def clear(self) -> None:
        """Peace."""
        self.troubles.clear()
        self.cut.clear()
        self.lags.clear()

    def lag(self, request: Request) -> float:
        """Return the seconds by which a watch tells late: another for each kind."""
        calm = self.rng.uniform(*_CALM_SECONDS)
        return calm + next((lag for kind, lag in self.lags.items() if is_of(request, kind)), 0.0)

    def fate(self, request: Request, who: str) -> Fate:
        """Decide what becomes of one request."""
        out, back = self.rng.uniform(*_CALM_SECONDS), self.rng.uniform(*_CALM_SECONDS)
        for trouble in self.troubles:
            if trouble.who not in {"", who} or not concerns(trouble.on, request):
                continue
            if self.rng.random() < trouble.share:
                return self._suffer(trouble.what, request, out, back)
        return Fate(out, back)

    def _suffer(self, what: What, request: Request, out: float, back: float) -> Fate:
        match what:
            case "slow":
                return Fate(self.rng.uniform(*_SLOW_SECONDS), self.rng.uniform(*_SLOW_SECONDS))
            case "lost" | "lost-after":
                return Fate(out, back, is_lost=True, acts=what == "lost-after")
            case "error-after":
                return Fate(out, back, _refusal("error"))
        if what == "gone" and not _is_list_or_watch(request):
            return Fate(out, back)
        if what == "conflict" and request.method == "GET":
            return Fate(out, back)
        return Fate(out, back, _refusal(what, self.rng.choice((None, 1.0, 3.0))), acts=False)


def is_of(request: Request, plural: str) -> bool:
    """Whether a request is about a kind, by its plural name."""
    return plural in request.path.split("/")


def concerns(on: On, request: Request) -> bool:
    """Whether trouble on these requests is trouble of this one; the Lease is apart."""
    is_lease = _LEASES in request.path
    if on == "leases" or is_lease:
        return on == "leases" and is_lease
    match on:
        case "writes":
            return request.method != "GET"
        case "reads":
            return request.method == "GET" and not _is_list_or_watch(request)
        case "lists":
            return _is_list_or_watch(request) and not _is_watch(request)
        case "watches":
            return _is_watch(request)
    return True


def _is_watch(request: Request) -> bool:
    return ("watch", "true") in request.query


def _is_list_or_watch(request: Request) -> bool:
    names = {name for name, _ in request.query}
    return request.method == "GET" and not names.isdisjoint({"watch", "limit", "continue"})


def _refusal(what: What, retry_after: float | None = None) -> ApiError:
    match what:
        case "conflict":
            message = "the object has been modified; please apply your changes to the latest one"
            return Conflict(409, reason="Conflict", message=message)
        case "gone":
            return Gone(410, reason="Expired", message="too old resource version")
        case "throttled":
            message = "too many requests"
            return TooManyRequests(
                429, reason="TooManyRequests", message=message, retry_after=retry_after
            )
        case "unavailable":
            return ServiceUnavailable(
                503, reason="ServiceUnavailable", message="not now", retry_after=retry_after
            )
    return InternalError(500, reason="InternalError", message="etcdserver: request timed out")
