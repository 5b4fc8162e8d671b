"""One watch on its way from the server to a process: in order, late, and not always whole.

In flow chunks with their lag; out flows what is due, in one piece as a socket gives it, a clean
end, a cut, or silence for ever, which the reader's patience has to notice.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable

from registry_operator.kube.errors import RequestTimeout, TransportError


class Pipe:
    """`owner` is the name of the process that reads."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.on_close: Callable[[], None] = lambda: None
        self._chunks: deque[tuple[float, bytes]] = deque()
        self._last = 0.0
        self._ending = ""
        self._changed = asyncio.Event()

    @property
    def is_flowing(self) -> bool:
        """Whether nothing is under way, and what comes will arrive."""
        return not self.is_stalled and not self._chunks

    @property
    def is_stalled(self) -> bool:
        """Whether nothing will ever come."""
        return self._ending == "stall"

    def put(self, chunk: bytes, *, lag: float) -> None:
        """Add a chunk that arrives after `lag` seconds, and after all before it."""
        self._last = max(self._last, _now() + lag)
        self._chunks.append((self._last, chunk))
        self._changed.set()

    def end(self, how: str) -> None:
        """`end` comes after the last chunk; `cut` and `stall` lose what is under way."""
        if self._ending:
            return
        self._ending = how
        if how != "end":
            self._chunks.clear()
        self._changed.set()

    def close(self) -> None:
        """The reader has gone."""
        self.on_close()

    async def chunks(self, *, idle: float | None) -> AsyncGenerator[bytes]:
        """Yield chunks as they come. Raises RequestTimeout after `idle` seconds of silence."""
        while True:
            try:
                async with asyncio.timeout(idle):
                    chunk = await self._next()
            except TimeoutError as error:
                raise RequestTimeout("no byte came in time", sent=True) from error
            if chunk is None:
                return
            yield chunk

    async def _next(self) -> bytes | None:
        while True:
            if self._ending == "cut":
                raise TransportError("the connection was cut", sent=True)
            wait = None
            if self._ending != "stall" and self._chunks:
                wait = self._chunks[0][0] - _now()
                if wait <= 0:
                    return self._due()
            elif self._ending == "end":
                return None
            self._changed.clear()
            await self._wait(wait)

    def _due(self) -> bytes:
        due = []
        while self._chunks and self._chunks[0][0] <= _now():
            due.append(self._chunks.popleft()[1])
        return b"".join(due)

    async def _wait(self, seconds: float | None) -> None:
        """Return at a change, or when the next chunk is due."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            # Which of them it was, the caller sees.
            return


def _now() -> float:
    return asyncio.get_running_loop().time()
