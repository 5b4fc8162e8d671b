"""The state of an operator at one moment, decided from what its parts say of themselves.

In flow stats, taken at one moment; out flows `State`, plain data for `/debug/state`, the log and
the command `state`. Pure. It is about keys: for each one what runs, what is queued and what it
waits for, side by side. Content of objects, variables and credentials never come near it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.cache import KindStats
from registry_operator.runtime.controller import ControllerStats
from registry_operator.runtime.queued import Queued, QueuedState
from registry_operator.runtime.runs import RunStats
from registry_operator.runtime.waiting import Wait
from registry_operator.runtime.workqueue import QueueStats

MOST_KEYS: Final = 500


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: of one controller, about one key, at most so many keys of each controller."""

    controller: str | None = None
    key: ObjectKey | None = None
    most: int = MOST_KEYS


@dataclass(frozen=True, slots=True)
class Moment:
    """The same instant on the clock for people and on the one that never goes back."""

    now: datetime
    monotonic: float

    def when(self, at: float) -> datetime:
        """The time of day of a monotonic moment, past or to come."""
        return self.now + timedelta(seconds=at - self.monotonic)


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What a controller says of one key."""

    key: ObjectKey
    run: RunStats | None = None
    queued: Queued | None = None
    wait: Wait | None = None


@dataclass(frozen=True, slots=True)
class ControllerFacts:
    """What a controller says of itself and of some keys, of which `left_out` more are not done."""

    name: str
    stats: ControllerStats
    keys: Sequence[KeyFacts] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Running:
    """A reconcile in progress, and where it waits (innermost last)."""

    reconcile_id: int
    since: datetime
    stack: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InQueue:
    """A key in the queue: `since` when it is ready, or `due` when it will be.

    `failures` is how often its run has failed since the last that did not.
    """

    state: QueuedState
    priority: str
    since: datetime | None
    due: datetime | None
    due_in_seconds: float | None
    failures: int


@dataclass(frozen=True, slots=True)
class WaitsFor:
    """How the last run ended if it was not `Done`; `runs` have ended so in a row, `since` then."""

    outcome: str
    reason: str
    message: str
    since: datetime
    runs: int


@dataclass(frozen=True, slots=True)
class KeyState:
    """Everything that one controller knows of one key. Keys that are done and idle have none."""

    key: str
    running: Running | None
    queued: InQueue | None
    waits_for: WaitsFor | None


@dataclass(frozen=True, slots=True)
class ControllerState:
    """One controller; `left_out` keys were more than was asked for."""

    name: str
    workers: int
    active: int
    reconciles: int
    errors: int
    queue: QueueStats
    keys: tuple[KeyState, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class CacheState:
    """One kind in memory, and how its watch fares; seconds since the last event, bytes of JSON."""

    kind: str
    objects: int
    bytes: int
    own_writes_pending: int
    synced: bool
    available: bool
    optional: bool
    resource_version: str
    last_event_seconds_ago: float | None
    sync_seconds: float | None
    lists: int
    watches: int
    restarts: dict[str, int]
    error: str | None


@dataclass(frozen=True, slots=True)
class LeaderState:
    """The Lease as this process sees it; `valid_for` seconds it may still write."""

    lease: str
    identity: str
    is_leader: bool
    holder: str
    valid_for: float
    failures: int


@dataclass(frozen=True, slots=True)
class State:
    """The whole operator at one moment; `parts` are stats of helpers by name."""

    name: str
    version: str
    time: datetime
    started: datetime
    tasks: int
    settings: Mapping[str, object]
    leader: LeaderState | None
    controllers: tuple[ControllerState, ...]
    caches: tuple[CacheState, ...]
    parts: Mapping[str, object]


def controller_state(facts: ControllerFacts, moment: Moment) -> ControllerState:
    """What the controller does with the keys in question."""
    return ControllerState(
        name=facts.name,
        workers=facts.stats.workers,
        active=facts.stats.active,
        reconciles=facts.stats.reconciles,
        errors=facts.stats.errors,
        queue=facts.stats.queue,
        keys=tuple(_key_state(key, moment) for key in facts.keys),
        left_out=facts.left_out,
    )


def cache_state(kind: str, stats: KindStats) -> CacheState:
    """How one kind fares."""
    store, reflector = stats.store, stats.reflector
    error = store.error
    return CacheState(
        kind=kind,
        objects=store.objects,
        bytes=store.bytes,
        own_writes_pending=store.pending,
        synced=store.synced,
        available=store.available,
        optional=stats.optional,
        resource_version=store.resource_version,
        last_event_seconds_ago=_rounded(reflector.last_event_age),
        sync_seconds=_rounded(reflector.sync_seconds),
        lists=reflector.lists,
        watches=reflector.watches,
        restarts=dict(reflector.restarts),
        error=f"{error.reason}: {error.message}" if error else None,
    )


def to_json(state: object, *, indent: bool = False) -> bytes:
    """The state, or a part of it, as JSON."""
    options = orjson.OPT_UTC_Z | (orjson.OPT_INDENT_2 if indent else 0)
    return orjson.dumps(state, default=_plain, option=options)


def _key_state(facts: KeyFacts, moment: Moment) -> KeyState:
    run, queued, wait = facts.run, facts.queued, facts.wait
    running = in_queue = waits_for = None
    if run is not None:
        running = Running(run.reconcile_id, moment.when(run.since), run.stack)
    if queued is not None:
        at, late = moment.when(queued.at), queued.state == "delayed"
        in_queue = InQueue(
            state=queued.state,
            priority=queued.priority,
            since=None if late else at,
            due=at if late else None,
            due_in_seconds=round(queued.at - moment.monotonic, 3) if late else None,
            failures=queued.failures,
        )
    if wait is not None:
        since = moment.when(wait.since)
        waits_for = WaitsFor(wait.outcome, wait.reason, wait.message, since, wait.runs)
    return KeyState(str(facts.key), running, in_queue, waits_for)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _plain(value: Any) -> Any:
    """What orjson does not know of itself."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is no plain value")
