"""How long a deleted child is gone, and a changed field is wrong, while many Registries exist.

On an API server without controllers, so that what is measured is the operator and not what a
machine of two cores does with pods. Each try is of another Registry. Times are the API server's:
from the receipt of the disturbance to the answer to the repair, which is two round trips when the
operator takes no time at all. A round trip is the repairing write by a client that does nothing
else, on the same server among as many objects.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from controllers.kinds import DEPLOYMENT, SERVICE, SERVICE_ACCOUNT
from hack.bench.bare import BareClient, a_client
from hack.bench.contender import OURS, Contender
from hack.bench.figure import KOPF, Baseline, Figure, Target
from hack.bench.plan import Plan
from hack.bench.quantile import quantile
from hack.bench.recording import Recording, record
from hack.bench.stage import (
    AUTHOR,
    Stage,
    a_stage,
    create_registries,
    remove_registries,
)
from hack.bench.written import audited, latencies
from hack.cluster.report import to_stderr
from registry_operator.kube.resource import Resource

_TRIES = 100
_PAUSE_SECONDS = 0.1
_FLOOR = "a round trip"
_ALLOWED_TRIPS, _ALLOWED_MILLISECONDS = 2, 10
_CHANGED: dict[str, Any] = {"spec": {"revisionHistoryLimit": 7}}


@dataclass(frozen=True, slots=True)
class Disturbance:
    """Something done to a child: its deletion, or a `patch` of it."""

    name: str
    resource: Resource
    patch: dict[str, Any] | None = None


DISTURBANCES = (
    Disturbance("a deleted Deployment", DEPLOYMENT),
    Disturbance("a deleted Service", SERVICE),
    Disturbance("a deleted ServiceAccount", SERVICE_ACCOUNT),
    Disturbance("a changed field of a Deployment", DEPLOYMENT, _CHANGED),
)


def figures(plan: Plan) -> Iterator[Figure]:
    """Latencies in ms: median and 99th percentile of a hundred tries of each disturbance."""
    with a_stage("repair", plan) as stage:
        taken: dict[str, dict[str, list[float]]] = {}
        for operator in stage.operators:
            to_stderr(f"repair among {plan.registries}: {operator.name}")
            taken[operator.name] = asyncio.run(_repairs(stage, operator, plan.registries))
        trips = asyncio.run(_round_trips(stage, record(), plan.registries))

    for disturbance in DISTURBANCES:
        yield from _told(plan, disturbance.name, trips, taken)


def _told(
    plan: Plan, what: str, trips: dict[str, list[float]], taken: dict[str, dict[str, list[float]]]
) -> Iterator[Figure]:
    trip = median(trips[what])
    bound = _ALLOWED_TRIPS * trip + _ALLOWED_MILLISECONDS
    for name, share, targets in (
        ("median", 0.5, ()),
        ("99th percentile", 0.99, (Target(bound=round(bound, 2)),)),
    ):
        values = {who: quantile(each[what], share) for who, each in taken.items()}
        baselines = [Baseline(_FLOOR, trip)]
        if KOPF in values:
            baselines.append(Baseline(KOPF, values[KOPF]))
        yield Figure(
            name=f"repair of {what}: {name}",
            registries=plan.registries,
            value=values[OURS],
            unit="ms",
            baselines=baselines,
            targets=targets,
            samples={
                _FLOOR: trips[what],
                **{who: each[what] for who, each in taken.items()},
            },
        )


async def _repairs(stage: Stage, operator: Contender, count: int) -> dict[str, list[float]]:
    namespace = f"repair-{operator.name}"
    operator.start()
    operator.await_ready()
    taken = {}
    async with a_client(stage.user(AUTHOR)) as author:
        names = list(await create_registries(author, namespace, count))
        for disturbance in DISTURBANCES:
            mark = stage.rest(operator.user)
            await _disturb(author, namespace, names[:_TRIES], disturbance)
            stage.rest(operator.user)
            taken[disturbance.name] = _latencies(stage, mark, operator.user, disturbance)
        operator.stop()
        await remove_registries(author, namespace)

    return taken


async def _disturb(
    author: BareClient, namespace: str, names: Sequence[str], disturbance: Disturbance
) -> None:
    for name in names:
        path = disturbance.resource.path(namespace, name)
        if disturbance.patch is None:
            await author.delete(path)
        else:
            await author.merge(path, disturbance.patch)
        await asyncio.sleep(_PAUSE_SECONDS)


def _latencies(stage: Stage, mark: int, operator: str, disturbance: Disturbance) -> list[float]:
    resource = audited(disturbance.resource)
    by_author = stage.writes(since=mark, user=AUTHOR)
    disturbed = [one for one in by_author if one.resource == resource]
    repairs = stage.writes(since=mark, user=operator)

    return [1000 * one for one in latencies(disturbed, repairs, resource=resource)]


async def _round_trips(stage: Stage, recording: Recording, count: int) -> dict[str, list[float]]:
    """What the API server takes for the same writes among as many objects of the same kinds."""
    namespace = "repair-bare"
    async with a_client(stage.user(AUTHOR)) as author:
        uids = await create_registries(author, namespace, count)
        for name, uid in uids.items():
            for request in recording.retold(namespace=namespace, name=name, uid=uid):
                await author.send(request)
        taken = {}
        for disturbance in DISTURBANCES:
            taken[disturbance.name] = await _trips(
                author, recording, (namespace, uids), disturbance
            )
        await remove_registries(author, namespace)

    return taken


async def _trips(
    author: BareClient,
    recording: Recording,
    where: tuple[str, dict[str, str]],
    disturbance: Disturbance,
) -> list[float]:
    namespace, uids = where
    loop = asyncio.get_running_loop()
    taken = []
    for name in list(uids)[:_TRIES]:
        await _disturb(author, namespace, [name], disturbance)
        path = disturbance.resource.path(namespace, name)
        again = recording.retold(namespace=namespace, name=name, uid=uids[name])
        request = next(one for one in again if one.path == path)
        began = loop.time()
        await author.send(replace(request, query=(*request.query, ("force", "true"))))
        taken.append(1000 * (loop.time() - began))

    return taken
