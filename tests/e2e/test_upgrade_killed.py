"""The operator killed 30 times while Registries are upgraded, to good images and to bad ones.

The same changes are made beside it, in another namespace, under an operator that nobody kills: each
change must end alike. The next one is made when one has ended, until the last death. A bad one
makes pods that are never ready, so it fails by its deadline. Pods are simulated, and nobody can try
them: that they are ready is taken for good, after three tries.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from controllers.kinds import DEPLOYMENT, REGISTRY, SECRET
from controllers.registry import revision
from controllers.registry.upgrade_plan import HEALTHY
from hack.cluster.cluster import Cluster
from hack.e2e import installation
from hack.operator import OperatorProcess
from hack.world import Body, World, a_world, is_ready
from tests.e2e.births import Births

pytestmark = pytest.mark.e2e

_SEED = int(os.environ.get("LIFE_SEED", "20261127"))
_DEATHS = 30
_LONGEST_LIFE_SECONDS = 5.0  # a pod is tried for four, so some lives do it and some do not
_PATIENCE_SECONDS = 120
_STEP_SECONDS = 0.2
_REGISTRIES = tuple(f"images-{number}" for number in range(6))
_FIRST, _BAD = "registry:3.0.0", "registry:3.1.99"
_IMAGES = ("registry:3.1.1", _BAD, "registry:3.1.2", _BAD)  # again and again
_NEVER_READY = {"metadata": {"annotations": {"local-cluster/waiting": "ImagePullBackOff"}}}


@dataclass
class Stage:
    """A namespace, its operator, and how each change of each Registry ended."""

    world: World
    operator: OperatorProcess
    goes_on: bool = False
    changes: Counter[str] = field(default_factory=Counter)
    ends: dict[str, list[object]] = field(default_factory=dict)
    fewest: dict[str, int] = field(default_factory=dict)

    def begin(self) -> None:
        """Makes the Registries."""
        keys = {"accessKey": "a", "secretKey": "s"}
        self.world.create(SECRET, {"metadata": {"name": "s3-keys"}, "stringData": keys})
        for name in _REGISTRIES:
            self.world.create_registry(name, specification(name))
            self.ends[name] = []

    def step(self) -> None:
        """Makes the next change of each Registry whose last one has ended."""
        for body in self.world.items(REGISTRY):
            name = body["metadata"]["name"]
            if has_ended(body) and len(self.ends[name]) == self.changes[name]:
                self.ends[name].append(self._end(body))
            if self._is_next(name):
                self.world.patch(REGISTRY, name, change(self.changes[name]))
                self.changes[name] += 1
        self._count()

    def _is_next(self, name: str) -> bool:
        has_ended = len(self.ends[name]) > self.changes[name]
        return has_ended and (self.goes_on or self.changes[name] < len(_IMAGES))

    @property
    def is_done(self) -> bool:
        """Whether every change has ended, and there is none to come."""
        ended = all(len(self.ends[name]) > self.changes[name] for name in _REGISTRIES)
        return ended and not any(map(self._is_next, _REGISTRIES))

    @property
    def is_changing(self) -> bool:
        """Whether some Registry is in the middle of a change."""
        return not all(map(has_ended, self.world.items(REGISTRY)))

    def _end(self, body: Body) -> object:
        """What a user sees of the end, and whether what is remembered fits."""
        status, name = body["status"], body["metadata"]["name"]
        upgrade = status.get("upgrade", {})
        deployment = self.world.get(DEPLOYMENT, name) or {}
        told = deployment["metadata"].get("annotations", {})
        return (
            ready(body)["reason"],
            status["image"],
            image_of(deployment),
            {said: upgrade.get(said) for said in ("phase", "fromImage", "toImage")},
            told.get(HEALTHY, told[revision.ANNOTATION]) == told[revision.ANNOTATION],
        )

    def _count(self) -> None:
        """The fewest pods that were available at any moment, once all were."""
        for body in self.world.items(DEPLOYMENT):
            name = body["metadata"]["name"]
            many = body.get("status", {}).get("availableReplicas", 0)
            if self.ends.get(name):
                self.fewest[name] = min(many, self.fewest.get(name, many))


def specification(name: str) -> Body:
    """Two of three have a canary; each second one has two pods."""
    number = int(name.rpartition("-")[2])
    s3 = {
        "bucket": name,
        "region": "eu-1",
        "endpoint": "http://s3.example.com:9000",
        "secretRef": {"name": "s3-keys"},
    }
    return {
        "image": _FIRST,
        "upgrade": {"canary": has_canary(name), "progressDeadlineSeconds": 30},
        "replicas": replicas(name),
        "storage": {"s3": s3} if number % 2 else {"emptyDir": {}},
    }


def replicas(name: str) -> int:
    return 1 + int(name.rpartition("-")[2]) % 2


def has_canary(name: str) -> bool:
    return int(name.rpartition("-")[2]) % 3 > 0


def image_of_change(number: int) -> str:
    return _IMAGES[number % len(_IMAGES)]


def change(number: int) -> Body:
    image = image_of_change(number)
    return {
        "spec": {
            "image": image,
            "config": {"log": {"fields": {"change": str(number)}}},
            "podTemplate": _NEVER_READY if image == _BAD else None,
        }
    }


def ready(body: Body) -> Mapping[str, Any]:
    conditions = body.get("status", {}).get("conditions", ())
    return next((one for one in conditions if one["type"] == "Ready"), {})


def has_ended(body: Body) -> bool:
    """Whether the last change of a Registry was made, or given up and taken back."""
    status = body.get("status", {})
    seen = status.get("observedGeneration") == body["metadata"]["generation"]
    given_up = seen and ready(body).get("reason") == "UpgradeFailed"
    return is_ready(body) or given_up


def image_of(deployment: Body) -> str:
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def expected_ends(changes: int) -> list[object]:
    """How the beginning and each change have to end: a bad one on the image before."""
    ends: list[object] = []
    image = _FIRST
    for wanted in (_FIRST, *map(image_of_change, range(changes))):
        image = image if wanted == _BAD else wanted
        failed = {"phase": "RolledBack", "fromImage": image, "toImage": _BAD}
        upgrade = failed if wanted == _BAD else dict.fromkeys(failed)
        reason = "UpgradeFailed" if wanted == _BAD else "Ready"
        ends.append((reason, image, image, upgrade, True))
    return ends


@pytest.fixture(params=[_SEED], ids="seed {}".format)
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def stages(cluster: Cluster, tmp_path: Path) -> Iterator[tuple[Stage, Stage]]:
    """To be killed, and to be left in peace."""
    kubeconfig = installation.install_rights(cluster)
    with ExitStack() as stack:

        def a_stage(name: str) -> Stage:
            world = stack.enter_context(a_world(cluster, name))
            operator = OperatorProcess(
                tmp_path / name,
                kubeconfig=kubeconfig,
                arguments=["--namespace", name, "--log-level", "debug"],
            )
            stack.callback(operator.stop)
            return Stage(world, operator)

        yield a_stage("upgrades-killed"), a_stage("upgrades-in-peace")


def test_thirty_deaths_change_no_end_of_an_upgrade(stages: tuple[Stage, Stage], seed: int) -> None:
    killed, peaceful = stages
    rng = random.Random(seed)
    with Births(killed.world, (DEPLOYMENT,)) as births:
        peaceful.operator.start()
        for stage in stages:
            stage.begin()
        killed.goes_on = True
        in_a_change = [dies_in_a_change(stages, rng) for _ in range(_DEATHS)]
        killed.goes_on = False
        live_on(stages)

    assert all(in_a_change), "killed while nothing was changed"
    assert canaries(births) == {
        name: killed.changes[name] for name in filter(has_canary, _REGISTRIES)
    }
    for stage in stages:
        assert unexpected(stage) == []
        assert [one["metadata"]["name"] for one in stage.world.items(DEPLOYMENT)] == [*_REGISTRIES]
        assert stage.fewest == {name: replicas(name) for name in _REGISTRIES}


def unexpected(stage: Stage) -> list[str]:
    """The ends that are others than they have to be."""
    return [
        f"{stage.world.namespace}/{name} after change {number}: {found} and not {due}"
        for name in _REGISTRIES
        for number, (found, due) in enumerate(
            zip(stage.ends[name], expected_ends(stage.changes[name]), strict=True)
        )
        if found != due
    ]


def dies_in_a_change(stages: tuple[Stage, Stage], rng: random.Random) -> bool:
    """Starts, and dies at any moment; returns whether something was being changed then."""
    killed, _ = stages
    killed.operator.start()
    end = time.monotonic() + rng.uniform(0.5, _LONGEST_LIFE_SECONDS)
    if rng.random() < 0.8:  # else it may die before it is ready
        killed.operator.await_ready()
        end = time.monotonic() + rng.uniform(0, _LONGEST_LIFE_SECONDS)
    while time.monotonic() < end:
        step(stages)
    is_changing = killed.is_changing
    killed.operator.kill()
    step(stages)
    return is_changing


def live_on(stages: tuple[Stage, Stage]) -> None:
    """What is left of the changes, with an operator that nobody kills any more."""
    stages[0].operator.start()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not all(stage.is_done for stage in stages):
        assert time.monotonic() < deadline, [
            (ready(body), stage.ends) for stage in stages for body in stage.world.items(REGISTRY)
        ]
        step(stages)
    for stage in stages:
        stage.world.settle(installation.USER)


def step(stages: tuple[Stage, Stage]) -> None:
    for stage in stages:
        stage.step()
    time.sleep(_STEP_SECONDS)


def canaries(births: Births) -> Counter[str]:
    """How many canaries each Registry had: one for each change, whoever was killed meanwhile."""
    return Counter(
        birth.registry for birth in births.seen if birth.name == f"{birth.registry}-canary"
    )
