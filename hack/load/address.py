"""Where a load goes: an address that belongs to this machine or to a network of the cluster."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """The address `HOST:PORT`. Raises ValueError for one that is not ours to put load on."""
        host, _, port = text.rpartition(":")
        literal = "127.0.0.1" if host == "localhost" else host.strip("[]")
        try:
            is_private = ipaddress.ip_address(literal).is_private
        except ValueError:
            raise ValueError(f"{text}: give HOST:PORT, with localhost or an IP address") from None
        if not is_private:
            raise ValueError(f"{text}: a load goes to loopback and private networks only")
        return cls(literal, int(port))

    @property
    def url(self) -> str:
        """Its base URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"
