"""TLS before a store on loopback, by an authority that nobody trusts unless he is told to."""

import contextlib
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import trustme


class _Forwarder(socketserver.ThreadingTCPServer):
    daemon_threads = True
    context: ssl.SSLContext
    target: tuple[str, int]


class _Connection(socketserver.BaseRequestHandler):
    server: _Forwarder

    def handle(self) -> None:
        # A client that does not trust us ends the handshake: that is what a test may be about.
        with contextlib.suppress(OSError):
            client = self.server.context.wrap_socket(self.request, server_side=True)
            with client, socket.create_connection(self.server.target) as store:
                back = threading.Thread(target=_copy, args=(store, client), daemon=True)
                back.start()
                _copy(client, store)
                back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def tls_before(url: str) -> Iterator[tuple[str, str]]:
    """The URL by which a store is reached over TLS, and the authority's certificate as PEM."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with _Forwarder(("127.0.0.1", 0), _Connection) as server:
        server.context = context
        server.target = ("127.0.0.1", urlsplit(url).port or 80)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            port = server.server_address[1]
            yield f"https://127.0.0.1:{port}", authority.cert_pem.bytes().decode()
        finally:
            server.shutdown()
            thread.join()
