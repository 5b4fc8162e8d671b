"""The part of a plan that is about changes of pods that fail: bad images, and who takes them back.

In flow dice of its own; out flow steps, in one of three worlds. They are about Registries of their
own, so that the others of a seed live as they would without.
"""

import random
from typing import Final

from registry_operator.testing.builders import S3
from registry_operator.testing.simulation.plan import Step
from tests.simulation.scenario_author import Author, Using

_WITH_UPGRADES = 1 / 3
_NAMES = ("barge", "ferry")
_GOOD = ("registry:3.1.2", "registry:3.1.1", "registry:3.0.0")
FAILS_CHECK: Final = "registry:3.1.97"
NEVER_READY: Final = "registry:3.1.98"
CRASHES: Final = "registry:3.1.99"
BAD: Final = (FAILS_CHECK, NEVER_READY, CRASHES)
_DEADLINE = 40
_STORAGE: Final[tuple[Using, ...]] = ({"emptyDir": {}}, dict(S3))


def steps(seed: int, *, seconds: float) -> list[Step]:
    """Return what a seed has happen to pods that are changed; nothing in most worlds."""
    rng = random.Random(f"upgrades/{seed}")
    if rng.random() > _WITH_UPGRADES:
        return []
    author = _Author(rng, _NAMES[: rng.choice((1, 1, 2))], seconds)
    return [
        *author.births(),
        *(author.wish() for _ in range(rng.randint(2, 8))),
        *(author.mischief() for _ in range(rng.randint(0, 4))),
    ]


class _Author(Author):
    def wish(self) -> Step:
        """Something that a user wants otherwise."""
        return self._any(
            (self._change, 12),
            (self._say, 4),
            (self._again, 2),
            (self._delete, 1),
        )

    def mischief(self) -> Step:
        """What others do to pods and what they are made of."""
        return self._any((self._destroy_pods, 1), (self._sicken, 2), (self._crash, 4))

    def _crash(self, _name: str) -> tuple[str, Using]:
        return "crash", {"who": self._rng.choice("ab"), "steps": self._rng.randint(0, 400)}

    def _spec(self, _name: str) -> Using:
        return {
            "image": self._rng.choice(_GOOD),
            "storage": self._rng.choice(_STORAGE),
            "upgrade": self._upgrade(),
        }

    def _upgrade(self, **rest: object) -> Using:
        return {"policy": "Any", "progressDeadlineSeconds": _DEADLINE, **rest}

    def _part(self, _name: str) -> Using:
        part: Using = self._rng.choice(
            (
                {"image": self._rng.choice(_GOOD)},
                {"image": self._rng.choice(_GOOD)},
                {"image": self._rng.choice(BAD)},
                {"image": self._rng.choice(BAD)},
                {"config": {"log": {"level": self._rng.choice(("info", "debug"))}}},
                {"upgrade": self._upgrade(paused=True)},
                {"upgrade": self._upgrade()},
                {"upgrade": self._upgrade(canary=False)},
            )
        )
        return part

    def _say(self, name: str) -> tuple[str, Using]:
        """The user's word on a change: not this one, or once more."""
        key, values = self._rng.choice(
            (("abort-upgrade", ("true", None, None)), ("retry-upgrade", ("1", "2", None)))
        )
        return "annotate", {"name": name, "key": key, "value": self._rng.choice(values)}
