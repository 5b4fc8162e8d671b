"""Why a request did not go as it should: the kinds that are counted, and the words for the reader.

In flows what aiohttp raised; out flows one `RequestError`. The kinds tell apart who is to blame:
nobody listens, the way is cut, nothing is heard, or an answer came and was not the right one.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum

import aiohttp


class Kind(StrEnum):
    """The kinds of failure."""

    REFUSED = "refused"  # nobody listens
    UNREACHABLE = "unreachable"  # any other failure to connect
    RESET = "reset"  # closed or reset before there was an answer
    TIMEOUT = "timeout"
    STATUS = "status"
    TRUNCATED = "truncated"  # the answer ended before its content did
    DIGEST = "wrong digest"  # whole, and not what was pushed
    WRONG = "wrong answer"  # no HTTP, or it lacks what it must say


class RequestError(Exception):
    """A request failed; `silent`: not a byte of an answer came; `unsent`: none of it left."""

    def __init__(
        self, kind: Kind, words: str, *, silent: bool = False, unsent: bool = False
    ) -> None:
        super().__init__(words)
        self.kind = kind
        self.silent = silent
        self.unsent = unsent


class CutError(Exception):
    """A connection was refused, closed or reset; `cause` is what aiohttp said.

    A type that aiohttp does not know, as it would send those it knows again by itself.
    """

    def __init__(self, cause: aiohttp.ClientError) -> None:
        super().__init__(str(cause))
        self.cause = cause


def failed_by(error: Exception) -> RequestError:
    """The failure that an error of a request is. Raises the error when it is none."""
    cause = error.cause if isinstance(error, CutError) else error
    words = f"{type(cause).__name__}: {cause}"
    if isinstance(cause, asyncio.TimeoutError):
        return RequestError(Kind.TIMEOUT, words)
    if isinstance(cause, aiohttp.ClientConnectorError):
        refused = isinstance(cause.os_error, ConnectionRefusedError)
        return RequestError(Kind.REFUSED if refused else Kind.UNREACHABLE, words)
    if isinstance(cause, aiohttp.ClientPayloadError):
        return RequestError(Kind.TRUNCATED, words)
    if isinstance(cause, aiohttp.ServerDisconnectedError):
        # Its message is text where nothing came, and the head of an answer where some of it did.
        return RequestError(Kind.RESET, words, silent=isinstance(cause.message, str))
    if isinstance(cause, OSError):
        # What aiohttp raises, or has as the cause, where the connection was closed already.
        closed = any(
            isinstance(one, aiohttp.ClientConnectionResetError) for one in (cause, cause.__cause__)
        )
        return RequestError(Kind.RESET, words, silent=True, unsent=closed)
    if isinstance(cause, aiohttp.ClientError):
        return RequestError(Kind.WRONG, words)
    raise error
