"""What is written while Deployments roll that nobody of ours has changed.

On a control plane with kube-controller-manager and simulated pods. All Deployments are restarted as
`kubectl rollout restart` does it: an annotation of the pod template that is not ours. So pods and
ReplicaSets come and go, the status of each Deployment changes a dozen times, and what we own stays
as it is: no child may be written, and of a Registry's status only what its users can see.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from controllers.kinds import DEPLOYMENT, REGISTRY
from hack.bench import usage
from hack.bench.bare import a_client, side_by_side
from hack.bench.contender import OURS, Contender
from hack.bench.figure import KOPF, Baseline, Figure, Target
from hack.bench.plan import Plan
from hack.bench.stage import AUTHOR, Stage, a_stage, create_registries, remove_registries
from hack.bench.written import is_child, status_patches
from hack.cluster.audit import Request
from hack.cluster.report import to_stderr
from hack.world import Body, World, is_ready

_RESTARTED = "kubectl.kubernetes.io/restartedAt"
_PATIENCE = 600.0


@dataclass(frozen=True, slots=True)
class Roll:
    """What an operator wrote meanwhile, and its CPU seconds."""

    writes: list[Request]
    cpu: float


def figures(plan: Plan) -> Iterator[Figure]:
    """Status patches, writes of children and CPU of one roll of all Registries."""
    rolls: dict[str, Roll] = {}
    with a_stage("roll", plan, lively=True) as stage:
        for operator in stage.operators:
            to_stderr(f"roll {plan.registries}: {operator.name}")
            rolls[operator.name] = asyncio.run(_roll(stage, operator, plan.registries))

    patches = {
        name: [float(many) for many in status_patches(roll.writes).values()] or [0.0]
        for name, roll in rolls.items()
    }
    yield _figure(
        plan,
        "status patches, most for one Registry",
        {name: max(many) for name, many in patches.items()},
        Target(bound=3),
    )
    yield _figure(
        plan,
        "status patches, mean",
        {name: sum(many) / plan.registries for name, many in patches.items()},
    )
    yield _figure(
        plan,
        "children written",
        {name: float(sum(map(is_child, roll.writes))) for name, roll in rolls.items()},
        Target(bound=0),
    )
    yield _figure(
        plan,
        "CPU per Registry",
        {name: roll.cpu / plan.registries * 1000 for name, roll in rolls.items()},
        unit="ms",
    )


def _figure(
    plan: Plan, what: str, values: dict[str, float], *targets: Target, unit: str = "writes"
) -> Figure:
    return Figure(
        name=f"while all Deployments roll: {what}",
        registries=plan.registries,
        value=values[OURS],
        unit=unit,
        baselines=[Baseline(KOPF, values[KOPF])] if KOPF in values else [],
        targets=targets,
    )


async def _roll(stage: Stage, operator: Contender, count: int) -> Roll:
    namespace = f"roll-{operator.name}"
    world = World(stage.cluster, namespace)
    operator.start()
    operator.await_ready()
    async with a_client(stage.user(AUTHOR)) as author:
        uids = await create_registries(author, namespace, count)
        _await_ready(world, count)
        mark = stage.rest(operator.user)
        before = usage.of(operator.pid).cpu

        async def restart(name: str) -> None:
            template = {"metadata": {"annotations": {_RESTARTED: "2026-01-01T00:00:00Z"}}}
            path = DEPLOYMENT.path(namespace, name)
            await author.merge(path, {"spec": {"template": template}})

        await side_by_side(restart, uids)
        _await_rolled(world, count)
        _await_ready(world, count)
        stage.rest(operator.user)
        roll = Roll(
            stage.writes(since=mark, user=operator.user), usage.of(operator.pid).cpu - before
        )
        operator.stop()
        await remove_registries(author, namespace)

    return roll


def _await_ready(world: World, count: int) -> None:
    world.until(
        lambda: sum(map(is_ready, world.items(REGISTRY))) == count,
        seconds=_PATIENCE,
        about=f"{count} Registries are ready",
    )


def _await_rolled(world: World, count: int) -> None:
    world.until(
        lambda: sum(map(is_rolled, world.items(DEPLOYMENT))) == count,
        seconds=_PATIENCE,
        about=f"{count} Deployments are rolled out",
    )


def is_rolled(deployment: Body) -> bool:
    """Whether it was restarted, and every pod is of the newest revision and available."""
    status, template = deployment.get("status", {}), deployment["spec"]["template"]
    wanted = deployment["spec"]["replicas"]
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]

    return (
        _RESTARTED in template["metadata"].get("annotations", {})
        and status.get("observedGeneration") == deployment["metadata"]["generation"]
        and counts == [wanted] * 3
    )
