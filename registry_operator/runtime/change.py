"""What a store tells its subscribers, and the telling.

In flow changes of one kind, in the order the store took them; out flow plain calls of synchronous
handlers. Why no queue in between: handlers only map an object to keys and enqueue those, so there
is nothing to buffer, nothing to overflow and no order to lose. A handler that raises is logged and
counted; the others still hear of the change.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from registry_operator.kube.object import Object

E = TypeVar("E")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Applied:
    """An object was added or changed.

    `old` is None for one that was not there. An object deleted and made anew between two looks at
    the server shows as one change with two uids (client-go does the same): who keys by uid
    compares them. `initial` marks the first complete list, or what was there when the handler
    subscribed; `resync` a repetition without any change; `own` the answer to a write of ours that
    the watch has not told. Where something came after a write of ours before its answer did, `old`
    is that answer, which was never told as new.
    """

    old: Object | None
    new: Object
    initial: bool = False
    resync: bool = False
    own: bool = False


@dataclass(frozen=True, slots=True)
class Removed:
    """An object is gone; `old` is the last that was known of it.

    It may be told twice, or of one that was never told: what we wrote and others deleted at once.
    """

    old: Object


Change = Applied | Removed


class Subscribers(Generic[E]):
    """Who hears of the events of one source, whose name is for the logs.

    `on_failure` is called each time a handler raised.
    """

    def __init__(self, source: str, *, on_failure: Callable[[], None] = lambda: None) -> None:
        self._source = source
        self._on_failure = on_failure
        self._tokens = itertools.count()
        self._handlers: dict[int, Callable[[E], None]] = {}
        self.failures = 0

    def __len__(self) -> int:
        return len(self._handlers)

    def add(self, handler: Callable[[E], None]) -> Callable[[], None]:
        """Subscribe; the result unsubscribes, at once and at any time, and may be called again."""
        token = next(self._tokens)
        self._handlers[token] = handler

        def unsubscribe() -> None:
            self._handlers.pop(token, None)

        return unsubscribe

    def tell(self, event: E) -> None:
        """Call every handler; one that unsubscribes meanwhile hears nothing any more."""
        for token in tuple(self._handlers):
            handler = self._handlers.get(token)
            if handler is not None:
                self.call(handler, event)

    def call(self, handler: Callable[[E], None], event: E) -> None:
        """Call one handler; what it raises is logged and counted, never passed on."""
        try:
            handler(event)
        except Exception:
            self.failures += 1
            self._on_failure()
            log.exception("handler raised", source=self._source, event_type=type(event).__name__)
