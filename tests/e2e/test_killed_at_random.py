"""The operator killed 50 times, at any moment, during the life of 20 Registries.

The same script is lived through beside it, in another namespace, under an operator that nobody
kills: both must end alike. A killed process leaves a Lease that its successor must wait out, which
would make fifty deaths last fifteen minutes; so there is no election here, and each operator looks
at its own namespace only.
"""

import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from controllers.kinds import POD_DISRUPTION_BUDGET, REGISTRY
from hack.cluster.cluster import Cluster
from hack.cluster.cosi_module import crds
from hack.cluster.tools import Toolbox
from hack.e2e import installation
from hack.operator import OperatorProcess
from hack.world import World, a_world, is_ready
from tests.e2e.births import Births
from tests.e2e.cosi import Cosi
from tests.e2e.end_state import CHILDREN, DATA, end_state, orphans, unused_configurations
from tests.e2e.life import Users, keeps_bucket, script

pytestmark = pytest.mark.e2e

_SEED = int(os.environ.get("LIFE_SEED", "20261123"))
_DEATHS = 50
_LIVES_WITH_WRITES = 20  # at least, or the test proves nothing
_STEP_SECONDS = 0.02
_MOMENT_SECONDS = 0.8
_GONE_FOR_GOOD = {"images-0", "images-4"}


@dataclass(frozen=True)
class Stage:
    """A namespace, its users, its COSI and its operator."""

    world: World
    users: Users
    cosi: Cosi
    operator: OperatorProcess


@pytest.fixture(params=[_SEED], ids="seed {}".format)
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def stages(cluster: Cluster, tmp_path: Path, seed: int) -> Iterator[tuple[Stage, Stage]]:
    """To be killed, and to be left in peace."""
    kubeconfig = installation.install_rights(cluster)
    cluster.kubectl("apply", "--server-side", "-f", "-", stdin=crds(Toolbox()))
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
    with ExitStack() as stack:

        def a_stage(name: str) -> Stage:
            world = stack.enter_context(a_world(cluster, name))
            operator = OperatorProcess(
                tmp_path / name,
                kubeconfig=kubeconfig,
                arguments=["--namespace", name, "--log-level", "debug"],
            )
            stack.callback(operator.stop)
            return Stage(world, Users(world, script(seed)), Cosi(world), operator)

        yield a_stage("life-killed"), a_stage("life-in-peace")


def test_fifty_deaths_change_nothing_of_the_end(stages: tuple[Stage, Stage], seed: int) -> None:
    killed, peaceful = stages
    rng = random.Random(seed)
    begun = killed.world.cluster.audit.mark()
    with Births(killed.world, (REGISTRY, *CHILDREN, *DATA)) as births:
        boot = first_start(peaceful)
        busy = sum(writes_of_a_life(stages, rng, boot=boot) > 0 for _ in range(_DEATHS))
        live_on(stages)

    assert busy >= _LIVES_WITH_WRITES, f"killed before it did anything, {boot:.1f} s a start"
    assert end_state(killed.world) == end_state(peaceful.world)
    assert unused_configurations(killed.world) == []
    assert made_twice(births, seed) == []
    assert_audit_knows_all(killed.world, births, since=begun)


def first_start(stage: Stage) -> float:
    """How many seconds a start takes on this machine today."""
    began = time.monotonic()
    stage.operator.start()
    stage.operator.await_ready()
    return time.monotonic() - began


def writes_of_a_life(stages: tuple[Stage, Stage], rng: random.Random, *, boot: float) -> int:
    """Starts, while users go on; dies while starting, soon after, or right after some write."""
    killed, _ = stages
    world, operator = killed.world, killed.operator
    mark = world.cluster.audit.mark()
    fate = rng.choice(["starting", "ready", "writing", "writing"])
    pause, last_write = rng.uniform(0, 0.6), rng.randint(1, 12)
    for _ in range(rng.randint(1, 4)):
        step(stages)
    operator.start()
    if fate == "starting":
        time.sleep(rng.uniform(0, boot))
    else:
        operator.await_ready()
        step(stages)
    if fate == "ready":
        time.sleep(pause)
    elif fate == "writing":
        await_write(world, last_write, since=mark)
    operator.kill()
    return written(world, since=mark)


def await_write(world: World, number: int, *, since: int) -> None:
    """Waits until the operator has written so often, or for a moment in which it does not."""
    deadline = time.monotonic() + _MOMENT_SECONDS
    while written(world, since=since) < number and time.monotonic() < deadline:
        time.sleep(_STEP_SECONDS)


def live_on(stages: tuple[Stage, Stage]) -> None:
    """The rest of the script, with an operator that nobody kills any more, until all is at rest."""
    stages[0].operator.start()
    deadline = time.monotonic() + 420
    while not all(map(is_settled, stages)):
        assert time.monotonic() < deadline, [troubles(stage.world) for stage in stages]
        step(stages)
        time.sleep(_STEP_SECONDS)
    for stage in stages:
        stage.world.settle(installation.USER)


def is_settled(stage: Stage) -> bool:
    return stage.users.is_done and not troubles(stage.world)


def troubles(world: World) -> list[str]:
    """What is not as it shall be in the end: Registries that are not Ready, or should be gone."""
    registries = {body["metadata"]["name"]: body for body in world.items(REGISTRY)}
    waiting = [name for name, body in registries.items() if not is_ready(body)]
    return [*waiting, *(_GONE_FOR_GOOD & registries.keys()), *orphans(world)]


def step(stages: tuple[Stage, Stage]) -> None:
    """The users' next step, and what COSI has to do."""
    for stage in stages:
        stage.users.step()
        stage.cosi.tick()


def written(world: World, *, since: int) -> int:
    return len(world.writes_by(installation.USER, since=since))


def made_twice(births: Births, seed: int) -> list[str]:
    """Children of which one Registry (by its uid) had more than one, though nobody deletes any.

    A canary goes by itself, and so does a budget where one pod is left; there is one of them for
    each change at most.
    """
    born: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
    changes = Counter(one.registry for one in script(seed) if one.verb != "create")
    lives = Counter(birth.name for birth in births.seen if birth.kind == REGISTRY.kind)
    data = {resource.kind for resource in DATA}
    for birth in births.seen:
        born[birth.kind, birth.name, birth.owner].append(birth.version)
    told = []
    for (kind, name, owner), versions in born.items():
        allowed = lives[name] if kind in data and not keeps_bucket(name) else 1
        if name.endswith("-canary") or kind == POD_DISRUPTION_BUDGET.kind:
            allowed = changes[name.removesuffix("-canary")]
        if (owner or kind in data) and len(versions) > allowed:
            end = births.deaths.get(owner, "to come")
            told.append(f"{kind}/{name} born at {sorted(versions)}, its owner's end at {end}")
    return told


def assert_audit_knows_all(world: World, births: Births, *, since: int) -> None:
    """The watches missed nothing that the operator made, and nothing was made by anybody else.

    A request whose client was killed is recorded as 504, and may have made its object or not.
    """
    writes = world.writes_by(installation.USER, since=since)
    made = Counter(request.name for request in writes if request.code == 201)
    cut_off = Counter(request.name for request in writes if request.code == 504)
    seen = Counter(birth.name for birth in births.seen if birth.registry)

    assert made - seen == Counter()
    assert (seen - made) - cut_off == Counter()
