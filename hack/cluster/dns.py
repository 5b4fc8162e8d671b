"""One question to the cluster's DNS, asked from inside: does it know the API server's Service?

In flows a network namespace; out flows yes or no. Format: RFC 1035 section 4.
"""

from __future__ import annotations

import socket
import struct

from hack.cluster.network import within
from hack.cluster.plan import BRIDGE_ADDRESS, DNS_PORT

NAME = "kubernetes.default.svc.cluster.local"
_SECONDS = 1.0
_QUERY, _RECURSION, _A, _INTERNET = 0x5253, 0x0100, 1, 1
_RCODE = 0x000F


def question(name: str) -> bytes:
    """A query for the address of `name`."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    header = struct.pack(">HHHHHH", _QUERY, _RECURSION, 1, 0, 0, 0)

    return header + labels + b"\0" + struct.pack(">HH", _A, _INTERNET)


def is_answer(message: bytes) -> bool:
    """Whether `message` answers our query with at least one record and no error."""
    if len(message) < 12:
        return False

    identity, flags, _questions, records, _authorities, _more = struct.unpack(
        ">HHHHHH", message[:12]
    )

    return bool(identity == _QUERY and not flags & _RCODE and records)


def answers(namespace: str) -> bool:
    """Whether the DNS server in `namespace` knows the API server's Service."""

    def ask() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(_SECONDS)
            client.connect((BRIDGE_ADDRESS, DNS_PORT))
            try:
                client.send(question(NAME))
                return is_answer(client.recv(512))
            except OSError:
                return False

    return within(namespace, ask)
