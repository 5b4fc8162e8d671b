"""Asks a running operator on this host for its state.

In flow the address that it was told to serve it on, and a question; out flows its answer. Blocking:
for a command, not for the operator.
"""

import http.client
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from registry_operator.settings import debug_address

_PATIENCE_SECONDS: Final = 10.0


class NoAnswerError(Exception):
    """The state could not be had; the message says why, and what to look at."""


def fetch(address: str, question: Mapping[str, str | int | None]) -> str:
    """The answer of `/debug/state`, as JSON; parts of the question that are None are not asked.

    Raises:
        NoAnswerError: nobody answers there, or the question makes no sense to who does.
        ValueError: the address is none, or is not loopback.
    """
    where = debug_address(address)
    if where is None:
        raise NoAnswerError("the state is turned off: --debug-bind-address is 0")
    asked = {word: value for word, value in question.items() if value is not None}
    connection = http.client.HTTPConnection(where.host, where.port, timeout=_PATIENCE_SECONDS)
    try:
        connection.request("GET", f"/debug/state?{urlencode(asked)}")
        answer = connection.getresponse()
        status, text = answer.status, answer.read().decode()
    except TimeoutError as error:
        raise NoAnswerError(
            f"no answer from {address} in {_PATIENCE_SECONDS:.0f} s: if the event loop is blocked, "
            "SIGUSR1 makes the operator log where"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswerError(
            f"nobody answers at {address} ({error}): does the operator run here, and with this "
            "--debug-bind-address?"
        ) from error
    finally:
        connection.close()
    if status != http.client.OK:
        raise NoAnswerError(text.strip())
    return text
