"""What one benchmark is asked for: how large, against whom, with a profile or without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hack.bench.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`registries` is how many; `rounds` how often what is repeated is repeated.

    `kopf` says whether the operator on kopf is measured too, `profile` in which folder the
    profiles of ours are left (none without it: they cost CPU that would be counted).
    """

    registries: int
    rounds: int = 3
    kopf: bool = True
    profile: Path | None = None

    def profile_of(self, name: str) -> Path | None:
        """The file for one benchmark's profile."""
        return self.profile / f"{name}.txt" if self.profile else None


Bench = Callable[[Plan], Iterator[Figure]]
