"""What must hold in every simulation, and where it is written down when it does not.

In flow broken laws; out flows the first of them. Laws are judged from the outside: by what the API
server was asked to store, and by what the operator shows of itself.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Breach:
    """Which law was broken, and how."""

    law: str
    how: str

    def __str__(self) -> str:
        return f"{self.law}: {self.how}"


class Court:
    """Keeps breaches in the order in which they came."""

    def __init__(self) -> None:
        self.breaches: list[Breach] = []

    def broken(self, law: str, how: str) -> None:
        """Write down a breach."""
        self.breaches.append(Breach(law, how))

    @property
    def first(self) -> Breach | None:
        """The first breach, None while all laws hold."""
        return self.breaches[0] if self.breaches else None
