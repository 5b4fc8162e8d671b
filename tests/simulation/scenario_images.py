"""The part of a plan that is about images whose tags tell no release, and are asked for it.

In flow dice of its own; out flow steps, in one of four worlds, about a Registry of their own.
"""

import random

from registry_operator.testing.builders import EMPTY_DIR
from registry_operator.testing.simulation.plan import Step
from tests.simulation.scenario_author import Author, Using

_WITH_UNTOLD = 1 / 4
_SILENT = "registry:nothing"
# Not `latest`: whether it is always pulled depends on whether the Deployment is made with it.
_IMAGES = ("registry:stable", "registry:edge", _SILENT, "registry:3.1.2")
_NAMES = ("riddle",)


def steps(seed: int, *, seconds: float) -> list[Step]:
    """Return what a seed has happen to images that have to be asked; nothing in most worlds."""
    rng = random.Random(f"images/{seed}")
    if rng.random() > _WITH_UNTOLD:
        return []
    author = _Author(rng, _NAMES, seconds)
    return [*author.births(), *(author.wish() for _ in range(rng.randint(1, 6)))]


def version_of(image: str) -> str:
    """What such an image says of itself; one says nothing."""
    return "" if image == _SILENT else "v3.1.2"


class _Author(Author):
    def wish(self) -> Step:
        """Another image, another place for it; an end, and a new beginning."""
        return self._any((self._change, 8), (self._delete, 1), (self._again, 2))

    def _spec(self, name: str) -> Using:
        return {"image": self._rng.choice(_IMAGES), "storage": dict(EMPTY_DIR)}

    def _part(self, name: str) -> Using:
        part: Using = self._rng.choice(
            (
                {"image": self._rng.choice(_IMAGES)},
                {"image": self._rng.choice(_IMAGES)},
                {"nodeSelector": {"disk": self._rng.choice(("fast", "slow"))}},
                {"config": {"log": {"level": self._rng.choice(("info", "debug"))}}},
            )
        )
        return part
