"""What the status says of the checks that clients are served: a trouble, and the block healthCheck.

In: what holds (served.py), the block as it was written last, the time. Out: a Trouble or none; the
block. The figures move with time alone, and a status that is written each minute would be most of
what the API server has to do for us. So the block is what was written before until a result turns
or an outage begins or ends, and figures are written again the more rarely the longer nothing
happened: some thirty times in the month after an outage. At rest, without any, never.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from controllers.registry.inputs import RegistryInputs
from controllers.registry.outages import WINDOWS, History, Outage, percent
from controllers.registry.pods import Trouble
from controllers.registry.served import Served
from registry_operator.api.health_check import HealthCheckStatus
from registry_operator.distribution.check import Verdict
from registry_operator.runtime.clock import whole_time

REASON = "CheckFailed"
FIELD = "healthCheck"

_SHORTEST = timedelta(minutes=10)
_PART = 4
_MOVES_WITH_TIME = frozenset({"lastTime", "lastSuccess", "latencyMilliseconds", "availability"})
_LOG = "see the log of the pods"
_CURES: Mapping[str, str] = MappingProxyType(
    {
        "push": f"See whether the store is full, only read, or refuses what is written: {_LOG}",
        "pull": "What was just pushed can't be read: see whether the store is damaged, or somebody "
        f"else deletes in it, and {_LOG}",
        "delete": f"See whether the store lets files be deleted: {_LOG}",
    }
)


def trouble(inputs: RegistryInputs) -> Trouble | None:
    """That ready pods don't serve clients, and what to do; None when they do, or nobody knows."""
    served = _told_of(inputs)
    if served is None or not served.fails:
        return None
    cure = _CURES.get(served.step, f"S{_LOG[1:]}")
    return Trouble(REASON, f"pods are ready, but clients are not served: {served.message}. {cure}")


def applied(inputs: RegistryInputs, *, now: datetime) -> dict[str, Any]:
    """The block as a field of the status; nothing where nothing is known or wanted."""
    served = _told_of(inputs)
    if served is None:
        return {}
    told = block(_written(inputs.owner.body()), served, now)
    return {FIELD: told} if told else {}


def is_due(inputs: RegistryInputs, *, now: datetime) -> bool:
    """Whether the status says something else than it should."""
    before = _written(inputs.owner.body())
    return bool(applied(inputs, now=now).get(FIELD, {}) != before)


def block(before: Mapping[str, Any], served: Served, now: datetime) -> Mapping[str, Any]:
    """What to write: what was written before, unless there is something new to say."""
    if served.history is None:
        return before
    after = _block(served, served.history, now)
    if _lasting(before) != _lasting(after):
        return after
    if before.get("availability") == after["availability"]:
        return before
    quiet = now - max(_turns(served, served.history))
    written = _time(before.get("lastTime")) or served.history.since
    return after if now - written >= max(_SHORTEST, quiet / _PART) else before


def recall(owner: str, status: Mapping[str, Any]) -> Served:
    """What held when the status was written; nothing when it can't be read."""
    if FIELD not in status:
        return Served(owner)
    try:
        told = HealthCheckStatus.model_validate(status[FIELD])
    except ValidationError:
        return Served(owner)
    since = _time(told.observed_since)
    if since is None:
        return Served(owner)
    outages = tuple(
        Outage(begun, _time(one.ended))
        for one in told.outages or ()
        if (begun := _time(one.begun)) is not None
    )
    return Served(
        owner=owner,
        verdict=Verdict(told.result) if told.result else None,
        since=_time(told.since),
        step=told.step or "",
        message=told.message or "",
        limited=told.limited or "",
        last_time=_time(told.last_time),
        last_success=_time(told.last_success),
        milliseconds=told.latency_milliseconds or 0,
        history=History(since, outages),
    )


def _told_of(inputs: RegistryInputs) -> Served | None:
    """What is held, where that is wanted."""
    is_off = inputs.spec is not None and not inputs.spec.health_check.enabled
    return None if is_off else inputs.served


def _block(served: Served, history: History, now: datetime) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "result": served.verdict and served.verdict.value,
        "since": _told(served.since),
        "step": served.step,
        "message": served.message,
        "limited": served.limited,
        "lastTime": _told(served.last_time),
        "lastSuccess": _told(served.last_success),
        "latencyMilliseconds": served.milliseconds,
        "observedSince": _told(history.since),
        "availability": {
            name: percent(history.availability(window, now)) for name, window in WINDOWS.items()
        },
        "outages": [_outage(one) for one in history.outages],
    }
    return {name: value for name, value in fields.items() if value}


def _outage(outage: Outage) -> dict[str, str]:
    told = {"begun": _told(outage.begun), "ended": _told(outage.ended)}
    return {name: time for name, time in told.items() if time}


def _turns(served: Served, history: History) -> list[datetime]:
    """When something turned."""
    times = [served.since, history.since]
    times += [time for one in history.outages for time in (one.begun, one.ended)]
    return [time for time in times if time is not None]


def _lasting(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name not in _MOVES_WITH_TIME}


def _written(owner: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (owner.get("status") or {}).get(FIELD) or {}
    return found


def _told(time: datetime | None) -> str:
    return whole_time(time) if time is not None else ""


def _time(told: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(told) if told else None
    except ValueError:
        return None
