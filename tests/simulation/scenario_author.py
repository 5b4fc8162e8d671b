"""What the authors of the parts of a plan have in common: Registries of names of their own.

In flow dice and names; out flow steps. What a Registry of the part looks like, and how a user
changes his mind about it, is the part's to say.
"""

import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from registry_operator.testing.simulation.plan import Step

Using = dict[str, Any]
Maker = Callable[[str], tuple[str, Using]]


class Author(ABC):
    """Writes steps about some Registries; a maker makes one about a Registry of a name."""

    def __init__(self, rng: random.Random, names: tuple[str, ...], seconds: float) -> None:
        self._rng = rng
        self._names = names
        self._seconds = seconds

    @abstractmethod
    def _spec(self, name: str) -> Using:
        """What a user asks for."""

    @abstractmethod
    def _part(self, name: str) -> Using:
        """What a user wants otherwise."""

    def births(self) -> list[Step]:
        """The Registries that the part is about."""
        return [
            step(self._rng.uniform(0.5, 20), "create", name=name, spec=self._spec(name))
            for name in self._names
        ]

    def _any(self, *choices: tuple[Maker, int]) -> Step:
        makers, weights = zip(*choices, strict=True)
        (make,) = self._rng.choices(makers, weights)
        what, using = make(self._rng.choice(self._names))
        return self._late(what, **using)

    def _change(self, name: str) -> tuple[str, Using]:
        return "change", {"name": name, "spec": self._part(name)}

    def _again(self, name: str) -> tuple[str, Using]:
        return "create", {"name": name, "spec": self._spec(name)}

    def _delete(self, name: str) -> tuple[str, Using]:
        how = self._rng.choice(("Background", "Background", "Foreground", "Orphan"))
        return "delete", {"name": name, "propagation": how}

    @staticmethod
    def _destroy_pods(name: str) -> tuple[str, Using]:
        return "destroy", {"kind": "deployments", "name": name}

    def _sicken(self, name: str) -> tuple[str, Using]:
        return "sicken", {"name": name, "lasts": self._lasts(60)}

    def _lasts(self, most: float) -> float:
        return round(self._rng.uniform(0.5, most), 3)

    def _late(self, what: str, /, **using: Any) -> Step:
        return step(self._rng.uniform(5.0, self._seconds), what, **using)


def step(at: float, what: str, /, **using: Any) -> Step:
    """A step at a moment, in seconds."""
    return Step(round(at, 3), what, using)
