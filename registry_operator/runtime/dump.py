"""SIGUSR1: the state of the operator into its log, for whoever has nothing but `kubectl logs`.

In flow signals; out flow the stacks of all threads as plain text, at once and whatever the event
loop does, and, from the loop, one log line for each part of the state. Nothing that runs is
disturbed. The stacks come from faulthandler's signal handler, which needs neither the loop nor the
interpreter lock: where the loop is blocked, they say by what, and the lines follow when it is free.
"""

import asyncio
import faulthandler
import logging
import signal
from collections.abc import Callable
from typing import Any, Final

import orjson
import structlog

from registry_operator.runtime.inspector import Inspector
from registry_operator.runtime.state import Question, State, to_json

SIGNAL: Final = signal.SIGUSR1
# A line of more keys than this is read by nobody; how many were left out is told with them.
_MOST_KEYS: Final = 50

# Asked for by a person, so told whatever the level of the log is.
log = structlog.wrap_logger(
    None, wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET)
)


def arm() -> None:
    """Answer the signal with stacks from now on; it would end the process otherwise."""
    signal.signal(SIGNAL, lambda _number, _frame: None)
    faulthandler.register(SIGNAL, all_threads=True, chain=True)


def listen(inspector: Inspector) -> None:
    """Answer the signal with stacks and state while the running loop runs. After `arm`."""
    asyncio.get_running_loop().add_signal_handler(SIGNAL, tell, inspector)
    # The loop has put its handler over faulthandler's: once more, so that the one calls the other.
    faulthandler.unregister(SIGNAL)
    faulthandler.register(SIGNAL, all_threads=True, chain=True)


def tell(inspector: Inspector) -> None:
    """Log the state, a line for each part."""
    for event, facts in lines(inspector.state(Question(most=_MOST_KEYS))):
        log.info(event, **facts)


def lines(state: State) -> list[tuple[str, dict[str, Any]]]:
    """The log lines of a state: what happened, and facts as plain data."""
    plain: Callable[[object], Any] = lambda part: orjson.loads(to_json(part))  # noqa: E731 - a short name
    whole = plain(state)
    own = ("name", "version", "started", "tasks", "settings")
    return [
        ("state of the operator", {fact: whole[fact] for fact in own}),
        ("state of leader election", whole["leader"] or {"lease": None}),
        *(("state of a controller", controller) for controller in whole["controllers"]),
        *(("state of a cache", cache) for cache in whole["caches"]),
        *(
            ("state of a part", {"part": part, "stats": stats})
            for part, stats in whole["parts"].items()
        ),
        ("state told", {"keys_left_out": sum(one.left_out for one in state.controllers)}),
    ]
