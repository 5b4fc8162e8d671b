"""The part of a plan that is about buckets of users: who names their claims, and what becomes of them.

In flow dice of its own; out flow steps, in one of four worlds. They are about Registries of their
own, so that the others of a seed live as they would without.
"""

import random

from registry_operator.testing.builders import CLAIMED, COSI
from registry_operator.testing.simulation.plan import Step
from tests.simulation.scenario_author import Author, Using, step

_WITH_CLAIMS = 1 / 4
_IMAGES = ("registry:3.1.2", "registry:3.0.0", "registry:2.8.3")
_NAMES = ("vault", "chest")
_SHARED = "pool"


def steps(seed: int, *, seconds: float) -> list[Step]:
    """Return what a seed has happen to claims of users; nothing in most worlds."""
    rng = random.Random(f"buckets/{seed}")
    if rng.random() > _WITH_CLAIMS:
        return []
    author = _Author(rng, _NAMES[: rng.choice((1, 2, 2))], seconds)
    return [
        *author.births(),
        *author.claims(),
        *(author.wish() for _ in range(rng.randint(2, 8))),
        *(author.mischief() for _ in range(rng.randint(0, 4))),
    ]


class _Author(Author):
    def __init__(self, rng: random.Random, names: tuple[str, ...], seconds: float) -> None:
        super().__init__(rng, names, seconds)
        # Which claim each names: one for him, one for both, or what another one claims himself.
        self._claims = {
            name: rng.choice((f"{name}-theirs", f"{name}-theirs", _SHARED, _NAMES[0]))
            for name in names
        }

    def claims(self) -> list[Step]:
        """Claims that come, before or after who names them, and may go, and come again."""
        found = []
        for name in sorted({one for one in self._claims.values() if one not in _NAMES}):
            for _ in range(self._rng.choice((1, 1, 2, 3))):
                at = self._rng.uniform(0.1, 60)
                found.append(step(at, "bucket-claim", name=name, is_there=True))
            if self._rng.random() < 0.3:
                found.append(self._late("bucket-claim", name=name, is_there=False))
        return found

    def wish(self) -> Step:
        """Something that a user wants otherwise."""
        return self._any(
            (self._change, 10),
            (self._again, 3),
            (self._delete, 2),
            (self._claim, 2),
        )

    def mischief(self) -> Step:
        """What others do to the bucket's keys and to pods, and what befalls those who make them."""
        return self._any(
            (self._destroy_pods, 2),
            (self._squat, 1),
            (self._sicken, 1),
            (self._down, 2),
            (self._lag, 3),
        )

    def _claim(self, name: str) -> tuple[str, Using]:
        claim = self._claims[name]
        is_there = claim in _NAMES or self._rng.random() < 0.7
        return "bucket-claim", {"name": claim, "is_there": is_there}

    def _squat(self, name: str) -> tuple[str, Using]:
        return "squat", {"kind": "secrets", "name": f"{name}-bucket", "lasts": self._lasts(60)}

    def _down(self, _name: str) -> tuple[str, Using]:
        return "cosi-down", {"lasts": self._lasts(60)}

    def _lag(self, _name: str) -> tuple[str, Using]:
        seconds = round(self._rng.uniform(0.5, 15.0), 3)
        kind = self._rng.choice(("bucketclaims", "bucketaccesses"))
        return "lag", {"kind": kind, "seconds": seconds, "lasts": self._lasts(60)}

    def _spec(self, name: str) -> Using:
        spec: Using = {
            "image": self._rng.choice(_IMAGES),
            "replicas": self._rng.choice((1, 1, 2)),
            "storage": self._storage(name),
        }
        if self._rng.random() < 0.4:
            spec["deletionPolicy"] = "Delete"
        if self._rng.random() < 0.3:
            spec["config"] = self._folder(name)
        return spec

    def _part(self, name: str) -> Using:
        part: Using = self._rng.choice(
            (
                {"storage": self._storage(name)},
                {"storage": self._storage(name)},
                {"config": self._folder(name)},
                {"config": {}},
                {"image": self._rng.choice(_IMAGES)},
                {"replicas": self._rng.choice((0, 1, 2))},
                {"deletionPolicy": self._rng.choice(("Retain", "Delete"))},
                {"paused": True},
                {"paused": False},
                {"paused": False},
            )
        )
        return part

    def _storage(self, name: str) -> Using:
        if self._rng.random() < 0.2:
            return dict(COSI)
        return {**CLAIMED, "bucketClaimName": self._claims[name]}

    @staticmethod
    def _folder(name: str) -> Using:
        return {"storage": {"s3": {"rootdirectory": name}}}
