"""Plans of a busy day: what users, vandals, the cluster and trouble do to some Registries.

In flows a seed; out flows a `Plan` of two virtual minutes. Nothing here is judged: whatever comes,
the laws must hold.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any

from registry_operator.testing.builders import COSI, EMPTY_DIR, S3
from registry_operator.testing.simulation.plan import Plan, Step
from tests.simulation import (
    scenario_buckets,
    scenario_images,
    scenario_upgrades,
    scenario_volumes,
)
from tests.simulation.actors import KEYS
from tests.simulation.damage import DAMAGES

Using = dict[str, Any]

SECONDS = 120.0
_WITH_TEMPLATES = 1 / 3
_NAMES = ("red", "green", "blue")
_IMAGES = ("registry:3.1.2", "registry:3.1.1", "registry:3.0.0", "registry:2.8.3")
_CHILDREN = ("deployments", "services", "serviceaccounts", "secrets")
_WATCHED = (*_CHILDREN, "registries", "pods", "replicasets", "endpointslices", "bucketclaims")


def plan(seed: int) -> Plan:
    """Return the plan of a seed."""
    rng = random.Random(f"scenario/{seed}")
    names = _NAMES[: rng.choice((1, 2, 2, 3))]
    operators = rng.choice((1, 2, 2))
    author = _Author(rng, names, operators)
    steps = [Step(0.0, "secret", {"name": "s3-keys", "data": KEYS})]
    steps += [author.birth(name, at=rng.uniform(0, 30)) for name in names]
    steps += [author.wish() for _ in range(rng.randint(4, 14))]
    steps += [author.mischief() for _ in range(rng.randint(0, 8))]
    steps += [author.trouble() for _ in range(rng.randint(0, 10))]
    steps += _Author(random.Random(f"second thoughts/{seed}"), names, operators).doubts(steps)
    # Of dice of their own, so that a seed without them is what it was before there were any.
    steps += _Author(random.Random(f"templates/{seed}"), names, operators).templates()
    steps += scenario_volumes.steps(seed, seconds=SECONDS)
    steps += scenario_buckets.steps(seed, seconds=SECONDS)
    steps += scenario_upgrades.steps(seed, seconds=SECONDS)
    steps += scenario_images.steps(seed, seconds=SECONDS)
    steps.sort(key=lambda step: step.at)
    return Plan(seed, tuple(steps), {"operators": operators})


class _Author:
    def __init__(self, rng: random.Random, names: tuple[str, ...], operators: int) -> None:
        self._rng = rng
        self._names = names
        self._roles = ("a", "b")[:operators]

    def birth(self, name: str, *, at: float) -> Step:
        return self._step(at, "create", {"name": name, "spec": self._spec()})

    def wish(self) -> Step:
        """Something that a user does."""
        return self._any(
            (self._change, 10),
            (self._delete, 2),
            (self._again, 3),
            (self._touch, 1),
            (self._secret, 2),
        )

    def doubts(self, steps: Sequence[Step]) -> list[Step]:
        """Users who think again at once: what they change while the operator acts on it."""
        return [
            self._step(
                step.at + self._rng.uniform(0.005, 0.06),
                "change",
                {"name": step.using["name"], "spec": self._part_of_spec()},
            )
            for step in steps
            if step.do in {"change", "create"} and self._rng.random() < 0.3
        ]

    def templates(self) -> list[Step]:
        """In one of three worlds: a template, what becomes of it, and who takes it up or not."""
        if self._rng.random() > _WITH_TEMPLATES:
            return []
        steps = [self._step(self._rng.uniform(0, 20), "template", {"spec": self._shared_spec()})]
        for _ in range(self._rng.randint(1, 5)):
            spec = self._rng.choice((self._shared_part(), self._shared_part(), None))
            steps.append(self._step(self._rng.uniform(5, SECONDS), "template", {"spec": spec}))
        for _ in range(self._rng.randint(1, 6)):
            using = {"name": self._name(), "template": self._rng.choice(("base", "base", None))}
            steps.append(self._step(self._rng.uniform(1, SECONDS), "use", using))
        return steps

    def mischief(self) -> Step:
        """Something that somebody else does, whom nobody asked."""
        return self._any(
            (self._damage, 4),
            (self._rival, 1),
            (self._destroy, 4),
            (self._squat, 1),
            (self._sicken, 2),
            (self._refuse, 2),
            (self._cosi_down, 1),
        )

    def trouble(self) -> Step:
        """Something that happens to machines."""
        return self._any(
            (self._trouble, 6),
            (self._lag, 3),
            (self._watches, 3),
            (self._cut, 2),
            (self._crash, 4),
            (self._pause, 2),
            (self._roll, 1),
            (self._clock, 1),
            (self._compact, 2),
        )

    def _any(self, *choices: tuple[Callable[[], tuple[str, Using]], int]) -> Step:
        makers, weights = zip(*choices, strict=True)
        (make,) = self._rng.choices(makers, weights)
        what, using = make()
        return self._step(self._rng.uniform(1.0, SECONDS), what, using)

    @staticmethod
    def _step(at: float, what: str, using: Using) -> Step:
        return Step(round(at, 3), what, using)

    def _spec(self) -> Using:
        kind = self._rng.choices(("emptyDir", "s3", "bucket", "none"), (4, 4, 4, 1))[0]
        replicas = 1 if kind == "emptyDir" else self._rng.choice((0, 1, 1, 2, 3))
        spec: Using = {"image": self._rng.choice(_IMAGES), "replicas": replicas}
        storage = {"emptyDir": EMPTY_DIR, "s3": S3, "bucket": COSI, "none": None}[kind]
        if storage is not None:
            spec["storage"] = dict(storage)
        if self._rng.random() < 0.3:
            spec["deletionPolicy"] = "Delete"
        return spec

    def _shared_spec(self) -> Using:
        storage = self._rng.choice((EMPTY_DIR, S3, COSI))
        return {"image": self._rng.choice(_IMAGES), "storage": dict(storage)}

    def _shared_part(self) -> Using:
        part: Using = self._rng.choice(
            (
                {"replicas": self._rng.choice((0, 1, 2))},
                {"image": self._rng.choice(_IMAGES)},
                {"service": {"port": self._rng.choice((5000, 5001, 80))}},
                {"service": {"loadBalancerClass": "any"}},
                {"config": {"log": {"level": self._rng.choice(("info", "debug"))}}},
                {"config": {"no": "key"}},
                {"nodeSelector": {"disk": self._rng.choice(("fast", "slow"))}},
                {"storage": dict(self._rng.choice((EMPTY_DIR, S3, COSI)))},
            )
        )
        return part

    def _change(self) -> tuple[str, Using]:
        change = self._part_of_spec()
        return "change", {"name": self._name(), "spec": change}

    def _part_of_spec(self) -> Using:
        part: Using = self._rng.choice(
            (
                {"replicas": self._rng.choice((0, 1, 2, 3))},
                {"image": self._rng.choice(_IMAGES)},
                {"image": "registry:1.0.0"},
                {"service": {"port": self._rng.choice((5000, 5001, 80))}},
                {"config": {"log": {"level": self._rng.choice(("info", "debug"))}}},
                {"config": {"http": {"addr": ":80"}}},
                {"config": {}},
                {"paused": True},
                {"paused": False},
                {"paused": False},
                {"deletionPolicy": self._rng.choice(("Retain", "Delete"))},
                {"storage": dict(self._rng.choice((EMPTY_DIR, S3, COSI)))},
            )
        )
        return part

    def _delete(self) -> tuple[str, Using]:
        how = self._rng.choice(("Background", "Background", "Foreground", "Orphan"))
        return "delete", {"name": self._name(), "propagation": how}

    def _again(self) -> tuple[str, Using]:
        return "create", {"name": self._name(), "spec": self._spec()}

    def _touch(self) -> tuple[str, Using]:
        return "touch", {"name": self._name(), "value": str(self._rng.randint(1, 9))}

    def _secret(self) -> tuple[str, Using]:
        number = self._rng.randint(1, 9)
        data: Using | None = self._rng.choice(
            (KEYS, KEYS, KEYS | {"secretKey": f"do-not-tell-s3-{number}"}, {"accessKey": "A"}, None)
        )
        return "secret", {"name": "s3-keys", "data": data}

    def _damage(self) -> tuple[str, Using]:
        return "damage", {"name": self._name(), "what": self._rng.choice(tuple(DAMAGES))}

    def _rival(self) -> tuple[str, Using]:
        what = self._rng.choice(tuple(DAMAGES))
        return "rival", {"name": self._name(), "what": what, "lasts": self._lasts(60)}

    def _destroy(self) -> tuple[str, Using]:
        kind = self._rng.choice(_CHILDREN)
        suffix = "-http-secret" if kind == "secrets" else ""
        return "destroy", {"kind": kind, "name": self._name() + suffix}

    def _squat(self) -> tuple[str, Using]:
        kind = self._rng.choice(_CHILDREN)
        suffix = self._rng.choice(("-http-secret", "-bucket")) if kind == "secrets" else ""
        return "squat", {"kind": kind, "name": self._name() + suffix, "lasts": self._lasts(60)}

    def _sicken(self) -> tuple[str, Using]:
        return "sicken", {"name": self._name(), "lasts": self._lasts(60)}

    def _refuse(self) -> tuple[str, Using]:
        why = self._rng.choice(("quota", "webhook", "down", "quoting"))
        kind = self._rng.choice((*_CHILDREN, "bucketclaims"))
        return "refuse", {"kind": kind, "why": why, "lasts": self._lasts(40)}

    def _cosi_down(self) -> tuple[str, Using]:
        return "cosi-down", {"lasts": self._lasts(60)}

    def _trouble(self) -> tuple[str, Using]:
        what = self._rng.choice(
            (
                *("conflict", "gone", "throttled", "error", "error-after"),
                *("unavailable", "lost", "lost-after", "slow", "slow"),
            )
        )
        on = self._rng.choice(("all", "writes", "writes", "reads", "lists", "watches", "leases"))
        share = self._rng.choice((0.1, 0.3, 0.6, 1.0))
        return "trouble", {
            "what": what,
            "on": on,
            "share": share,
            "who": self._role(anyone=True),
            "lasts": self._lasts(30),
        }

    def _lag(self) -> tuple[str, Using]:
        seconds = round(self._rng.uniform(0.5, 15.0), 3)
        kind = self._rng.choice(_WATCHED)
        return "lag", {"kind": kind, "seconds": seconds, "lasts": self._lasts(60)}

    def _watches(self) -> tuple[str, Using]:
        how = self._rng.choice(("end", "cut", "stall"))
        kind = self._rng.choice((*_WATCHED, ""))
        return "watches", {"how": how, "kind": kind, "who": self._role(anyone=True)}

    def _cut(self) -> tuple[str, Using]:
        return "cut", {"who": self._role(), "lasts": self._lasts(40)}

    def _crash(self) -> tuple[str, Using]:
        return "crash", {"who": self._role(), "steps": self._rng.randint(0, 400)}

    def _pause(self) -> tuple[str, Using]:
        steps = self._rng.choice((0, self._rng.randint(1, 400)))
        return "pause", {"who": self._role(), "lasts": self._lasts(40), "steps": steps}

    def _roll(self) -> tuple[str, Using]:
        return "roll", {"who": self._role()}

    def _clock(self) -> tuple[str, Using]:
        seconds = round(self._rng.uniform(-7200, 7200))
        return "clock", {"who": self._role(), "seconds": seconds}

    @staticmethod
    def _compact() -> tuple[str, Using]:
        return "compact", {}

    def _name(self) -> str:
        return self._rng.choice(self._names)

    def _role(self, *, anyone: bool = False) -> str:
        return self._rng.choice((*self._roles, "") if anyone else self._roles)

    def _lasts(self, most: float) -> float:
        return round(self._rng.uniform(0.5, most), 3)
