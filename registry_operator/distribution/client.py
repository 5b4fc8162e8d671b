"""Requests to one registry process at one address, each with bounds.

In: host and port, and what to ask. Out: status, the headers that matter and the body, or that there
is no answer. The program is an image of the user's choice, so nothing that it says leads elsewhere,
is unpacked, is read without end or waited for without end.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

_LONGEST_BODY = 4096
_CONNECT_SECONDS = 5.0


class UnansweredError(Exception):
    """There is no whole answer; the message says how so, in words that stay the same."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: `target` is a path with its query, `longest` the most to read of the body."""

    method: str
    target: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    longest: int = _LONGEST_BODY


@dataclass(frozen=True, slots=True)
class Answer:
    """What came: `body` is cut one byte after the longest that was to be read."""

    status: int
    body: bytes
    location: str
    digest: str


class Client:
    """Asks until its time is over. `answered`: whether any answer has begun."""

    def __init__(self, session: aiohttp.ClientSession, *, host: str, port: int) -> None:
        self._session = session
        self._base = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._deadline = 0.0
        self.answered = False

    def allow(self, seconds: float) -> None:
        """From now on, all that is asked has this much time together."""
        self._deadline = asyncio.get_running_loop().time() + seconds

    async def ask(self, request: Request) -> Answer:
        """What one request is answered.

        Raises:
            UnansweredError: no answer came, or not all of it.
        """
        try:
            async with (
                asyncio.timeout_at(self._deadline),
                self._session.request(
                    request.method,
                    # As it is: what is signed must not be written in another way.
                    URL(self._base + request.target, encoded=True),
                    data=request.body,
                    headers={"Accept-Encoding": "identity", **request.headers},
                    allow_redirects=False,
                ) as response,
            ):
                self.answered = True
                return Answer(
                    status=response.status,
                    body=await _read(response, request.longest),
                    location=response.headers.get("Location", ""),
                    digest=response.headers.get("Docker-Content-Digest", ""),
                )
        except aiohttp.ClientResponseError as error:
            self.answered = True
            raise UnansweredError("what came is not HTTP") from error
        except (OSError, TimeoutError, ValueError, aiohttp.ClientError) as error:
            raise UnansweredError(_in_words(error)) from error


@asynccontextmanager
async def connected(host: str, port: int) -> AsyncIterator[Client]:
    """A client with connections of its own, which end with it."""
    async with aiohttp.ClientSession(
        # The client's own time is the one that counts: it is that of all requests together.
        # But where packets are lost on their way, that is to cost less.
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    ) as session:
        yield Client(session, host=host, port=port)


async def _read(response: aiohttp.ClientResponse, longest: int) -> bytes:
    found = bytearray()
    async for chunk in response.content.iter_any():
        found += chunk
        if len(found) > longest:
            break
    return bytes(found[: longest + 1])


def _in_words(error: Exception) -> str:
    """Without addresses, ports and times, so that the same is told in the same words."""
    match error:
        case TimeoutError():
            return "no answer came in time"
        case aiohttp.ClientConnectorError(os_error=OSError(errno=int(number))):
            return f"there is no connection: {os.strerror(number)}"
        case aiohttp.ClientConnectorError():
            return "there is no connection"
        case aiohttp.ClientPayloadError():
            return "the answer broke off"
        case aiohttp.ServerDisconnectedError() | OSError():
            return "the connection was closed without an answer"
        case _:
            return f"it can't be asked: {type(error).__name__}"
