"""Asks the parts of an operator what they do, all at the same moment.

In flow the parts; out flows their `State` (state.py decides what it says). Costs nothing until
somebody asks: no part does anything for it in between.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from registry_operator.runtime.cache import Cache
from registry_operator.runtime.clock import Clock
from registry_operator.runtime.controller import Controller
from registry_operator.runtime.elector_thread import ElectorThread
from registry_operator.runtime.leader import Elector
from registry_operator.runtime.lease import Election
from registry_operator.runtime.state import (
    ControllerFacts,
    KeyFacts,
    LeaderState,
    Moment,
    Question,
    State,
    cache_state,
    controller_state,
)


class UnknownControllerError(LookupError):
    """Somebody asks for a controller that there is not; the message names those that there are."""


@dataclass(frozen=True)
class About:
    """What does not change: who runs, and how it was set. `settings` hold no secrets."""

    name: str = ""
    version: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)


class Inspector:
    """Looks into the parts; lists and mappings may grow until the operator runs."""

    def __init__(  # noqa: PLR0913 - each part is named once, where the operator is put together
        self,
        about: About,
        *,
        clock: Clock,
        controllers: Sequence[Controller],
        cache: Cache,
        elector: Elector | ElectorThread | None,
        election: Election | None,
        parts: Mapping[str, Callable[[], object]],
    ) -> None:
        self._about = about
        self._clock = clock
        self._controllers = controllers
        self._cache = cache
        self._elector = elector
        self._election = election
        self._parts = parts
        self._started = clock.now()

    def state(self, question: Question | None = None) -> State:
        """The state now, as far as it is asked for.

        Raises:
            UnknownControllerError: the question is about a controller that there is not.
        """
        question = question or Question()
        moment = Moment(self._clock.now(), self._clock.monotonic())
        return State(
            name=self._about.name,
            version=self._about.version,
            time=moment.now,
            started=self._started,
            tasks=len(asyncio.all_tasks()),
            settings=self._about.settings,
            leader=self._leader(),
            controllers=tuple(
                controller_state(_facts(one, question), moment)
                for one in self._asked(question.controller)
            ),
            caches=tuple(cache_state(kind, stats) for kind, stats in self._cache.stats().items()),
            parts={name: stats() for name, stats in self._parts.items()},
        )

    def _asked(self, name: str | None) -> Sequence[Controller]:
        if name is None:
            return self._controllers
        asked = [one for one in self._controllers if one.name == name]
        if not asked:
            known = ", ".join(one.name for one in self._controllers)
            raise UnknownControllerError(f"there is no controller {name!r}, but {known}")
        return asked

    def _leader(self) -> LeaderState | None:
        if self._elector is None or self._election is None:
            return None
        stats = self._elector.stats()
        return LeaderState(
            lease=str(self._election.key),
            identity=self._election.identity,
            is_leader=stats.is_leader,
            holder=stats.holder,
            valid_for=round(stats.valid_for, 3),
            failures=stats.failures,
        )


def _facts(controller: Controller, question: Question) -> ControllerFacts:
    """Only of the keys that are told: a queue may hold ten thousand, and the loop waits for us."""
    runs = {run.key: run for run in controller.runs()}
    asked = [question.key] if question.key else controller.urgent(question.most)
    looked = [KeyFacts(key, runs.get(key), *controller.look(key)) for key in asked]
    known = [one for one in looked if one.run or one.queued or one.wait]
    left_out = 0 if question.key else controller.unfinished() - len(known)
    return ControllerFacts(controller.name, controller.stats(), known, left_out)
