"""The scripted life of Registries: what users do to them, decided by a seed before it begins.

Out flow `Step`s; a `Users` does them in one namespace, those of one Registry in their order. A step
that can't be done yet (a Registry of the same name is still being deleted) is tried again later, so
that the end of the script does not depend on how fast the operator is.
"""

import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from controllers.kinds import REGISTRY, SECRET
from hack.world import World

REGISTRIES = 20
CHANGES = 100
_IMAGES = ("registry:2", "registry:3.0.0", "registry:3.1.2")
_KINDS = ("emptyDir", "s3", "s3", "emptyDir", "bucket")

Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """`verb` is one of create, patch, rotate, delete; `body` is what it takes."""

    registry: str
    verb: str
    body: Mapping[str, Any] = field(default_factory=dict)


def storage_of(registry: str) -> str:
    """The kind of storage of a Registry, by its number."""
    return _KINDS[int(registry.rpartition("-")[2]) % len(_KINDS)]


def keeps_bucket(registry: str) -> bool:
    """Whether its deletionPolicy is Retain."""
    return int(registry.rpartition("-")[2]) % 2 == 0


def script(seed: int) -> list[Step]:
    """20 Registries come, are changed 100 times, go and come again; two go for good.

    No configuration ever comes back: one that does may rightly be made a second time.
    """
    rng = random.Random(seed)
    names = [f"images-{number}" for number in range(REGISTRIES)]
    steps = [step for name in names for step in _creation(name, number=0)]
    for number in range(1, CHANGES + 1):
        steps += _change(rng, rng.choice(names), number)

    # One whose bucket is retained, one that leaves nothing.
    return [*steps, Step("images-4", "delete"), Step("images-0", "delete")]


def _change(rng: random.Random, name: str, number: int) -> list[Step]:
    storage = storage_of(name)
    config = {"log": {"fields": {"step": str(number)}}}
    changes: list[Callable[[], list[Step]]] = [
        lambda: [_patch(name, {"image": rng.choice(_IMAGES), "config": config})],
        lambda: [_patch(name, {"config": config})],
        lambda: [_patch(name, {"service": {"port": 5000 + number}})],
        lambda: [Step(name, "delete"), *_creation(name, number)],
    ]
    if storage != "emptyDir":
        changes.append(lambda: [_patch(name, {"replicas": rng.randint(1, 3)})])
    if storage == "s3":
        changes.append(lambda: [Step(name, "rotate", _keys(name, number))])

    return rng.choice(changes)()


def _creation(name: str, number: int) -> list[Step]:
    storage = storage_of(name)
    # Images come in any order, older ones after newer ones.
    spec: Spec = {
        "image": _IMAGES[0],
        "deletionPolicy": "Retain",
        "upgrade": {"policy": "Any"},
    }
    if storage == "emptyDir":
        return [Step(name, "create", {**spec, "storage": {"emptyDir": {}}})]
    if storage == "bucket":
        classes = {"bucketClassName": "fast", "bucketAccessClass": "fast-keys"}
        policy = "Retain" if keeps_bucket(name) else "Delete"
        return [Step(name, "create", {**spec, "deletionPolicy": policy, "storage": classes})]
    s3 = {
        "bucket": name,
        "region": "eu-1",
        "endpoint": "http://s3.example.com:9000",
        "secretRef": {"name": f"{name}-keys"},
    }
    secret = Step(name, "rotate", _keys(name, number))
    return [secret, Step(name, "create", {**spec, "storage": {"s3": s3}})]


def _patch(name: str, spec: Spec) -> Step:
    return Step(name, "patch", {"spec": spec})


def _keys(name: str, number: int) -> Spec:
    return {
        "metadata": {"name": f"{name}-keys"},
        "stringData": {"accessKey": f"key-{number}", "secretKey": f"secret-{number}"},
    }


class Users:
    """Everybody who does something to the Registries of one namespace."""

    def __init__(self, world: World, steps: Sequence[Step]) -> None:
        self.world = world
        self._ahead = deque(steps)
        self._waiting: dict[str, deque[Step]] = {}

    @property
    def is_done(self) -> bool:
        """Whether every step has been done."""
        return not self._ahead and not self._waiting

    def step(self) -> None:
        """The next step of the script."""
        if self._ahead:
            step = self._ahead.popleft()
            self._waiting.setdefault(step.registry, deque()).append(step)
        self.retry()

    def retry(self) -> None:
        """Does what waits and can be done now."""
        for name, steps in list(self._waiting.items()):
            while steps and self._do(steps[0]):
                steps.popleft()
            if not steps:
                del self._waiting[name]

    def _do(self, step: Step) -> bool:
        """Returns whether it could be done."""
        world = self.world
        if step.verb == "create":
            if world.get(REGISTRY, step.registry) is not None:
                return False
            world.create_registry(step.registry, step.body)
        elif step.verb == "patch":
            world.patch(REGISTRY, step.registry, step.body)
        elif step.verb == "rotate":
            _apply_secret(world, step.body)
        else:
            world.delete(REGISTRY, step.registry)

        return True


def _apply_secret(world: World, body: Mapping[str, Any]) -> None:
    path = SECRET.path(world.namespace, body["metadata"]["name"])
    world.cluster.api.apply(path, {"apiVersion": "v1", "kind": "Secret", **body})
