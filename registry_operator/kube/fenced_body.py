"""The body of a write that asks its fence when the bytes are about to leave.

In flow the bytes and a fence; out flow the bytes, or what the fence raised. Why so late: between
the start of a request and its first byte lie a connection, perhaps to be made, and turns of the
loop; the HTTP library also sends an idempotent request a second time by itself when a kept
connection turns out to be dead. From here to the socket nothing waits any more.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import BytesPayload

from registry_operator.kube.errors import TransportError


class _FencedBody(BytesPayload):
    def __init__(self, body: bytes, fence: Callable[[], None]) -> None:
        super().__init__(body)
        self._fence = fence
        self.refusal: Exception | None = None

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        """Called once the connection stands; aiohttp sends the head together with the body."""
        try:
            self._fence()
        except Exception as error:
            self.refusal = error
            raise
        await super().write_with_length(writer, content_length)


@contextmanager
def fenced(
    body: bytes | None, fence: Callable[[], None] | None
) -> Iterator[bytes | BytesPayload | None]:
    """The body to give to aiohttp; without a fence, or without bytes, it is what it was.

    Raises what the fence raised, in place of the broken connection that aiohttp makes of it.
    """
    if fence is None or not body:
        yield body
        return
    payload = _FencedBody(body, fence)
    try:
        yield payload
    except TransportError:
        if payload.refusal is not None:
            raise payload.refusal from None
        raise
