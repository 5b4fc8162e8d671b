"""What crosses the boundary to the API server, without saying how.

In flow `Request`s; out flow `Response`s or a stream of bytes. `Transport` is the one seam between
this operator and the network: the real one speaks HTTP (`transport.py`), the test kit's is a
script or an API server in memory.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final, Protocol

JSON: Final = "application/json"
APPLY_PATCH: Final = "application/apply-patch+yaml"
MERGE_PATCH: Final = "application/merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"
_NO_HEADERS: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Request:
    """One call. `path` is already encoded.

    `timeout` is in seconds: the whole call, or the silence within a stream.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    # Never shown: it may be a Secret.
    body: bytes | None = field(default=None, repr=False)
    content_type: str | None = None
    accept: str = JSON
    timeout: float | None = None
    # Asked by the transport right before every try; raises where nothing may be sent any more.
    fence: Callable[[], None] | None = field(default=None, repr=False, compare=False)

    @property
    def is_idempotent(self) -> bool:
        """Whether doing it twice ends like doing it once."""
        return self.method in {"GET", "HEAD", "PUT", "DELETE"} or self.content_type in {
            APPLY_PATCH,
            MERGE_PATCH,
        }


@dataclass(frozen=True, slots=True)
class Response:
    """One answer, whatever its status; header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=lambda: _NO_HEADERS)
    body: bytes = field(default=b"", repr=False)

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class RequestOutcome:
    """What an observer is told of every try; without an answer `code` is `<error>` (client-go)."""

    verb: str
    host: str
    code: str
    seconds: float
    retried: bool


class Transport(Protocol):
    """Carries requests to one API server."""

    async def send(self, request: Request) -> Response:
        """Return any answer that comes; raises TransportError when none does."""
        ...

    def stream(self, request: Request) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a long answer and yield its chunks as they come.

        Entering raises ApiError for any status but success. Iterating ends at a clean end, and
        raises RequestTimeout after `request.timeout` seconds of silence, TransportError when the
        answer is cut off.
        """
        ...

    async def close(self) -> None:
        """Let go of every connection; running calls fail."""
        ...
