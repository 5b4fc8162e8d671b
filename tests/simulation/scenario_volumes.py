"""The part of a plan that is about volumes: who keeps images on them, and what becomes of claims.

In flow dice of its own; out flow steps, in one of three worlds. They are about Registries of their
own, so that the others of a seed live as they would without. Each has one kind of volume that its
users mostly stay with: a change of the kind is refused, and says no more the second time.
"""

import random

from registry_operator.testing.simulation.plan import Step
from tests.simulation.scenario_author import Author, Using, step

_WITH_VOLUMES = 1 / 3
_SIZES = ("5Gi", "10Gi", "20Gi")
_CLASSES = ("fast", "fast", "slow")
_IMAGES = ("registry:3.1.2", "registry:3.0.0", "registry:2.8.3")
_DAMAGES = ("replicas", "image", "owner", "labels", "intent")
_NAMES = ("disk", "shelf")
_PLURAL = "persistentvolumeclaims"
_SHARED = "files"


def steps(seed: int, *, seconds: float) -> list[Step]:
    """Return what a seed has happen to volumes; nothing in most worlds."""
    rng = random.Random(f"volumes/{seed}")
    if rng.random() > _WITH_VOLUMES:
        return []
    author = _Author(rng, _NAMES[: rng.choice((1, 2, 2))], seconds)
    return [
        *author.classes(),
        *author.births(),
        *author.claims(),
        *(author.wish() for _ in range(rng.randint(3, 10))),
        *(author.mischief() for _ in range(rng.randint(0, 5))),
    ]


class _Author(Author):
    def __init__(self, rng: random.Random, names: tuple[str, ...], seconds: float) -> None:
        super().__init__(rng, names, seconds)
        kinds = ("made", "made", "made", "named", "named", "shared", "ephemeral")
        self._kinds = {name: rng.choice(kinds) for name in names}
        # Which claim each names; mostly one of his own.
        self._claims = {
            name: rng.choice((f"{name}-files", f"{name}-files", _SHARED, f"{_NAMES[0]}-data"))
            for name in names
        }

    def classes(self) -> list[Step]:
        """Two classes; with luck the one that lets nothing grow does so later."""
        found = [step(0.0, "storage-class", name="fast", grows=True)]
        found.append(step(0.0, "storage-class", name="slow", grows=False))
        if self._rng.random() < 0.3:
            found.append(self._late("storage-class", name="slow", grows=True))
        return found

    def claims(self) -> list[Step]:
        """Claims of users, that come, go, and come again."""
        found = []
        for name in sorted({one for one in self._claims.values() if not one.endswith("-data")}):
            for _ in range(self._rng.choice((1, 1, 2, 3))):
                at = self._rng.uniform(0.1, 60)
                found.append(step(at, "claim", name=name, spec=self._claim()))
            if self._rng.random() < 0.3:
                found.append(self._late("claim", name=name, spec=None))
        return found

    def wish(self) -> Step:
        """Something that a user wants otherwise."""
        return self._any(
            (self._change, 10),
            (self._again, 3),
            (self._delete, 2),
            (self._grow, 1),
            (self._claim_or_none, 2),
            (self._class, 1),
        )

    def mischief(self) -> Step:
        """What others do to claims and pods, and what befalls those who look after them."""
        return self._any(
            (self._destroy, 4),
            (self._destroy_pods, 2),
            (self._damage, 2),
            (self._squat, 1),
            (self._sicken, 1),
            (self._down, 2),
            (self._refuse, 2),
            (self._lag, 3),
        )

    def _grow(self, name: str) -> tuple[str, Using]:
        return "grow", {"name": self._any_claim(name), "size": self._rng.choice(_SIZES)}

    def _claim_or_none(self, name: str) -> tuple[str, Using]:
        spec = self._rng.choice((self._claim(), self._claim(), None))
        return "claim", {"name": self._claims[name], "spec": spec}

    def _class(self, _name: str) -> tuple[str, Using]:
        return "storage-class", {"name": "slow", "grows": self._rng.random() < 0.5}

    def _destroy(self, name: str) -> tuple[str, Using]:
        return "destroy", {"kind": _PLURAL, "name": self._any_claim(name)}

    def _damage(self, name: str) -> tuple[str, Using]:
        return "damage", {"name": name, "what": self._rng.choice(_DAMAGES)}

    def _squat(self, name: str) -> tuple[str, Using]:
        return "squat", {"kind": _PLURAL, "name": f"{name}-data", "lasts": self._lasts(60)}

    def _down(self, _name: str) -> tuple[str, Using]:
        return "volumes-down", {"lasts": self._lasts(60)}

    def _refuse(self, _name: str) -> tuple[str, Using]:
        why = self._rng.choice(("quota", "webhook", "down"))
        return "refuse", {"kind": _PLURAL, "why": why, "lasts": self._lasts(40)}

    def _lag(self, _name: str) -> tuple[str, Using]:
        seconds = round(self._rng.uniform(0.5, 15.0), 3)
        return "lag", {"kind": _PLURAL, "seconds": seconds, "lasts": self._lasts(60)}

    def _spec(self, name: str) -> Using:
        spec: Using = {
            "image": self._rng.choice(_IMAGES),
            "replicas": 1,
            "storage": self._storage(name, self._kinds[name]),
        }
        if self._rng.random() < 0.4:
            spec["deletionPolicy"] = "Delete"
        return spec

    def _part(self, name: str) -> Using:
        kinds = ("made", "named", "ephemeral")
        part: Using = self._rng.choice(
            (
                {"storage": self._storage(name, self._kinds[name])},
                {"storage": self._storage(name, self._kinds[name])},
                {"storage": self._storage(name, self._kinds[name])},
                {"storage": self._storage(name, self._rng.choice(kinds))},
                {"image": self._rng.choice(_IMAGES)},
                {"image": self._rng.choice(_IMAGES)},
                {"replicas": self._rng.choice((0, 1, 1, 2))},
                {"deletionPolicy": self._rng.choice(("Retain", "Delete"))},
                {"paused": True},
                {"paused": False},
                {"paused": False},
            )
        )
        return part

    def _storage(self, name: str, kind: str) -> Using:
        if kind == "ephemeral":
            return {"ephemeral": {"volumeClaimTemplate": {"spec": self._template("fast")}}}
        if kind == "named":
            reads = {"readOnly": True} if self._rng.random() < 0.2 else {}
            return {"persistentVolumeClaim": {"claimName": self._claims[name], **reads}}
        made = self._template(self._rng.choice(_CLASSES) if self._rng.random() < 0.3 else "fast")
        if kind == "shared":
            made["accessModes"] = ["ReadWriteMany"]
            return {"persistentVolumeClaimTemplate": made, "shareVolume": True}
        return {"persistentVolumeClaimTemplate": made}

    def _template(self, class_name: str) -> Using:
        size = {"requests": {"storage": self._rng.choice(_SIZES)}}
        return {"storageClassName": class_name, "resources": size}

    def _claim(self) -> Using:
        return {"size": self._rng.choice(_SIZES), "storageClassName": self._rng.choice(_CLASSES)}

    def _any_claim(self, name: str) -> str:
        return self._rng.choice((f"{name}-data", f"{name}-data", self._claims[name]))
