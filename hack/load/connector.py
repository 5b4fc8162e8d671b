"""Connections that are kept, and given only while the server has them open.

In flow requests; out flow connections. The kernel knows that a server closed a connection before
the event loop does, which may be busy: whoever sends on it then has a failure that is his own. So a
kept connection is looked at when it is taken, as most clients do (urllib3 so, Go by a goroutine).
"""

from __future__ import annotations

import select
import weakref

import aiohttp
from aiohttp.connector import Connection
from aiohttp.tracing import Trace


class KeepingConnector(aiohttp.TCPConnector):
    """Gives a kept connection, unless there is something to read on it: its end."""

    def __init__(self, *, keepalive_timeout: float) -> None:
        super().__init__(limit=0, keepalive_timeout=keepalive_timeout)
        self._seen: weakref.WeakSet[object] = weakref.WeakSet()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's, and no number of seconds
    ) -> Connection:
        """A connection that is new, or kept and open."""
        while True:
            connection = await super().connect(req, traces, timeout)
            if connection.protocol not in self._seen:
                self._seen.add(connection.protocol)
                return connection
            if not _is_readable(connection):
                return connection
            connection.close()


def _is_readable(connection: Connection) -> bool:
    if connection.transport is None:
        return True
    poll = select.poll()
    poll.register(connection.transport.get_extra_info("socket"), select.POLLIN)
    return bool(poll.poll(0))
