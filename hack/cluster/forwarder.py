"""A door from the host's loopback into a cluster's network: one listening port, one address inside.

    python -m hack.cluster.forwarder LISTEN_PORT NAMESPACE ADDRESS PORT

The listening socket is made in the host's network namespace; then the process enters the cluster's,
so that every connection it opens is made inside. A socket belongs to the namespace that it was made
in, and so one process has a foot in each: no route, no firewall rule and no cable on the host is
needed.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hack.cluster.network import enter
from hack.cluster.plan import LOOPBACK
from hack.cluster.process import Command

_CHUNK = 1 << 16
_BACKLOG = 512
_ROOT = Path(__file__).resolve().parent.parent.parent


def forwarder(name: str, *, listen: int, namespace: str, address: str, port: int) -> Command:
    """The command that forwards port `listen` of loopback to `address:port` in `namespace`."""
    arguments = (sys.executable, "-m", "hack.cluster.forwarder", listen, namespace, address, port)

    return Command(
        name=name,
        arguments=[str(argument) for argument in arguments],
        environment={"PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )


async def serve(listening: socket.socket, address: str, port: int) -> None:
    """Accepts on `listening` and connects each to `address:port`.

    until the process is told to end.
    """

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_connection(address, port)
        except OSError as error:
            print(f"{address}:{port}: {error}", file=sys.stderr, flush=True)
            writer.transport.abort()  # the client learns at once that nobody is there
            return

        await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))

    server = await asyncio.start_server(handle, sock=listening, backlog=_BACKLOG)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.close)

    with suppress(asyncio.CancelledError):  # how a closed server ends
        await server.serve_forever()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction.

    Ends with the sender's end, so that a half-closed connection stays half open.
    """
    try:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()

        if writer.can_write_eof():
            writer.write_eof()
    except OSError:  # reset by either side: the other learns it by this close
        writer.close()


def main(arguments: Sequence[str]) -> None:
    """Listens on the host, enters the namespace, serves."""
    listen, namespace, address, port = arguments
    listening = socket.create_server((LOOPBACK, int(listen)), backlog=_BACKLOG)
    enter(namespace)
    asyncio.run(serve(listening, address, int(port)))


if __name__ == "__main__":
    main(sys.argv[1:])
