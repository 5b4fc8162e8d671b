"""What a watcher does after a list or a watch failed: one pure decision.

In flows the error and what was going on; out flows whether to list anew, how to wait and the reason
that metrics and people see. After client-go's reflector (tools/cache, `handleListWatchError`): a
failure of the connection or of a busy server says nothing about the version we know, so the watch
goes on from there; listing ten thousand objects anew is what a busy server needs least.
"""

from dataclasses import dataclass
from typing import Final

from registry_operator.kube.errors import (
    ApiError,
    CodecError,
    Forbidden,
    Gone,
    InternalError,
    KubeError,
    NotFound,
    RequestTimeout,
    ServerTimeout,
    ServiceUnavailable,
    TooManyRequests,
    TransportError,
    Unauthorized,
)

# A server that fails in itself may fail because of our version: after so many tries, list.
_PATIENCE: Final = 5
_CONNECTION: Final = (TransportError, TooManyRequests)
_PASSING: Final = (
    CodecError,
    Forbidden,
    InternalError,
    ServerTimeout,
    ServiceUnavailable,
    Unauthorized,
)


class EndedEarlyError(TransportError):
    """The stream ended well, but before it said anything."""

    def __init__(self, message: str) -> None:
        super().__init__(message, sent=True)


@dataclass(frozen=True, slots=True)
class Recovery:
    """What to do next; `reason` is CamelCase, `retry_after` in seconds (0: as the back-off says).

    `relist`: the known version is of no use. `absent`: the kind is not served. `refused`: the
    server is well but says no, so asking again each 15 to 30 s is enough. `expired`: the continue
    token was too slow, list in one page. `without_stream`: fall back from WatchList to pages.
    """

    reason: str
    relist: bool = False
    absent: bool = False
    refused: bool = False
    expired: bool = False
    without_stream: bool = False
    retry_after: float = 0.0


def reason_of(error: KubeError) -> str:
    """Name a failure in one CamelCase word: the server's own reason, where there is one."""
    match error:
        case ApiError():
            return error.reason or type(error).__name__
        case EndedEarlyError():
            return "EndedEarly"
        case RequestTimeout():
            return "Timeout"
        case TransportError():
            return "ConnectionFailed"
        case _:
            return "NotUnderstood"


def recover(error: KubeError, *, verb: str, streaming: bool, failures: int) -> Recovery:
    """Decide what follows `error`.

    `verb` is `list` or `watch`, `streaming` whether the list was asked for as a WatchList, and
    `failures` how many attempts in succession brought nothing, this one included.
    """
    lasting = not isinstance(error, (*_CONNECTION, *_PASSING))
    worn_out = not isinstance(error, (*_CONNECTION, Forbidden)) and failures >= _PATIENCE
    return Recovery(
        reason=reason_of(error),
        relist=verb == "list" or lasting or worn_out,
        absent=isinstance(error, NotFound) and verb == "list",
        refused=isinstance(error, (NotFound, Forbidden)),
        expired=isinstance(error, Gone) and verb == "list",
        without_stream=streaming and not isinstance(error, (*_CONNECTION, Gone, NotFound)),
        retry_after=(error.retry_after or 0.0) if isinstance(error, ApiError) else 0.0,
    )
