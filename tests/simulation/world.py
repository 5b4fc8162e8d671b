"""A cluster in memory with operators in it, and everybody who watches them.

In flow a plan; out flow breaches of the laws, or none. `live` plays the plan, ends all trouble,
waits for rest, and asks then what a world without trouble would look like.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from controllers.kinds import (
    BUCKET_CLAIM,
    DEPLOYMENT,
    PERSISTENT_VOLUME_CLAIM,
    REGISTRY,
    REGISTRY_TEMPLATE,
)
from controllers.registry.revision import ANNOTATION as REVISION
from controllers.registry.upgrade_plan import HEALTHY
from controllers.registry.volume_claim import SPECIFIED
from registry_operator.api.names import LABEL_MANAGED_BY
from registry_operator.distribution.check import Check, Result, Verdict
from registry_operator.kube.exchange import Request, Response
from registry_operator.kube.resource import ObjectKey, Resource
from registry_operator.runtime.lease import LEASES
from registry_operator.runtime.recorder import EVENTS
from registry_operator.testing.builders import NAMESPACE
from registry_operator.testing.cluster_model import ClusterModel, CosiModel, VolumeModel
from registry_operator.testing.fake_api import Change, FakeApi
from registry_operator.testing.fake_api.kinds.claims import CLASSES
from registry_operator.testing.simulation.journal import Journal
from registry_operator.testing.simulation.network import Network
from registry_operator.testing.simulation.plan import Plan
from registry_operator.testing.simulation.weather import Weather
from registry_operator.testing.virtual_loop import VirtualClock
from tests.simulation.actors import Actors
from tests.simulation.candidate import Candidate
from tests.simulation.laws.defects import Defects
from tests.simulation.laws.fencing import Fencing
from tests.simulation.laws.keeping import Keeping
from tests.simulation.laws.law import Court
from tests.simulation.laws.secrecy import Secrecy
from tests.simulation.laws.tenancy import Tenancy
from tests.simulation.laws.thrift import Thrift
from tests.simulation.laws.truth import Truth
from tests.simulation.laws.turns import Turns
from tests.simulation.laws.upgrades import Upgrades
from tests.simulation.scenario_images import version_of
from tests.simulation.scenario_upgrades import CRASHES, FAILS_CHECK, NEVER_READY
from tests.unit.controllers.registry_stage import COSI_KINDS, KINDS, OURS

_HISTORY = 400
_PAGE = "3"
_NOBODY_GETS_THERE = 0.1


class SmallPages(FakeApi):
    """A server that gives a few objects at a time, however many were asked for."""

    def answer(self, request: Request) -> Response:
        query = tuple((n, _PAGE if n == "limit" else value) for n, value in request.query)
        return super().answer(replace(request, query=query))


class World:
    """Made inside of a running loop. `operators` is how many may lead, one at a time."""

    def __init__(self, seed: int, *, operators: int) -> None:
        self.journal = Journal()
        self.court = Court()
        self.secrecy = Secrecy(self.court)
        self.defects = Defects(self.court)
        self.api = SmallPages(
            (*OURS, *KINDS[1:], CLASSES, *COSI_KINDS, LEASES, EVENTS),
            clock=VirtualClock(),
            history=_HISTORY,
            recording=False,
        )
        self.weather = Weather(random.Random(f"weather/{seed}"))
        self._truth = Truth(self.court)
        self._thrift = Thrift(self.api, self.court)
        self.network = Network(self.api, self.weather, on_failure=self._failed)
        self.cluster = ClusterModel(self.api)
        self.cosi = CosiModel(self.api, random.Random(f"cosi/{seed}"))
        self.volumes = VolumeModel(self.api, random.Random(f"volume model/{seed}"))
        self.actors = Actors(self)
        self.cluster.is_well = self._is_well
        self.cluster.deployments.ends = lambda pod: 3 if _image(pod) == CRASHES else 0
        self._dice = random.Random(f"checks/{seed}")
        self.cluster.version_of = version_of
        self.api.admit(self.actors.admit)
        self.api.admit(self._admit)
        turns = Turns(self.court)
        self.candidates = [
            Candidate(
                role,
                self.network,
                seed=seed,
                turns=turns,
                note=self.journal.note,
                checker=self._check,
            )
            for role in ("a", "b")[:operators]
        ]
        self._fencing = Fencing(self.api, self.court)
        self._keeping = Keeping(self.api, self.court)
        self._tenancy = Tenancy(self.api, self.court)
        self._upgrades = Upgrades(self.court)
        self.last_write = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self.api.subscribe(self._see)

    def candidate(self, role: str) -> Candidate | None:
        """Return the place of that role, if there is one."""
        return next((one for one in self.candidates if one.role == role), None)

    def leader(self) -> Candidate | None:
        """Return whoever leads now."""
        return next((one for one in self.candidates if one.leads()), None)

    def holder(self) -> str:
        """Return the name of the process whose the Lease is; "" while it is nobody's."""
        return self._fencing.holder()

    def is_operators_turn(self) -> bool:
        """Whether the API server acts on a request of an operator right now."""
        return self.network.sender is not None

    def start(self) -> None:
        """Let the cluster and its operators run."""
        works = [self.cluster.run(), self.cosi.run(), self.volumes.run()]
        works += [one.run() for one in self.candidates]
        self._tasks = [asyncio.create_task(work) for work in works]

    async def play(self, plan: Plan) -> None:
        """Carry out a plan, until its end or the first breach."""
        for step in plan.steps:
            await self.until(step.at)
            if self.court.first is not None:
                return
            self.journal.note(str(step))
            self.actors.do(step)
        await asyncio.sleep(1.0)

    async def until(self, moment: float) -> None:
        """Let time pass."""
        await asyncio.sleep(max(0.0, moment - _now()))

    async def rest(self, *, at_most: float = 3600.0) -> bool:
        """Wait until nobody writes any more; whether that was so in time."""
        began = silent = _now()
        while _now() - began < at_most and self.court.first is None:
            for error in self.failures():
                self.defects.met(error)
            await asyncio.sleep(5.0)
            if self.network.is_waited_for:
                # What that keeps back comes to pass before a silence is rest (seeds 2398, 4819).
                silent = _now()
            if _now() - max(self.last_write, silent) > self._patience():
                return True
        return False

    async def end(self) -> None:
        """Take everything down."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.weather.cut.update(one.role for one in self.candidates)
        for candidate in self.candidates:
            await candidate.bury()
        await self.network.close()

    def failures(self) -> Sequence[BaseException]:
        """What ended a part of the world that must not end."""
        done = [task for task in self._tasks if task.done() and not task.cancelled()]
        return [error for task in done if (error := task.exception()) is not None]

    def learn_refusal(self, reason: str) -> None:
        """The API server refuses a write of an operator."""
        self._truth.learn_refusal(reason)

    def _failed(self, request: Request, status: int) -> None:
        self._truth.learn_refusal("WriteFailed")
        self._thrift.failed(request, status)

    def _admit(self, verb: str, resource: Resource, body: dict[str, Any]) -> None:
        if self.is_operators_turn():
            self._thrift.admit(verb, resource, body)

    def _patience(self) -> float:
        """How long a silence is rest: longer while somebody waits for a time to come."""
        leader = self.leader()
        if leader is None or leader.operator is None or not self.network.is_flowing:
            return float("inf")
        if any(kind.store.error for kind in leader.operator.cache.stats().values()):
            return float("inf")
        if self.cluster.deployments.is_awaited():
            return float("inf")
        queues = [one.stats().queue for one in leader.operator.controllers]
        waits = any(q.delayed or q.ready or q.held or q.processing for q in queues)
        if waits:
            return 330.0
        # Pods are being tried, which writes nothing.
        return 60.0 if self._are_pods_changed() else 12.0

    def _are_pods_changed(self) -> bool:
        metadata = [body["metadata"] for body in self.api.objects(DEPLOYMENT)]
        told = [one.get("annotations", {}) for one in metadata]
        return any(one["name"].endswith("-canary") for one in metadata) or any(
            one.get(HEALTHY, "") not in {"", one.get(REVISION)} for one in told
        )

    def _is_well(self, pod: dict[str, Any]) -> bool:
        labels = pod["metadata"]["labels"]
        if _image(pod) in {NEVER_READY, CRASHES}:
            return False
        return labels.get("app.kubernetes.io/instance") not in self.actors.unwell

    async def _check(self, what: Check, *, nonce: bytes) -> Result:
        """What comes of trying the pod at an address; at times nobody gets there."""
        await asyncio.sleep(self._dice.uniform(0.05, 3.0))
        deployments = self.cluster.deployments
        pods = (pod for key in deployments.known() for pod in deployments.pods(key))
        found = next((pod for pod in pods if pod["status"].get("podIP") == what.host), None)
        if found is None or self._dice.random() < _NOBODY_GETS_THERE:
            return Result(Verdict.UNREACHABLE, "/", "no route to host", 0.1)
        fails = _image(found) == FAILS_CHECK
        return Result(Verdict.FAILED if fails else Verdict.PASSED, "push", "500", 0.1)

    def _see(self, change: Change) -> None:
        self._truth.learn(change)
        self._keeping.learn(change)
        self._tenancy.see(change)
        self._upgrades.learn(change)
        sender = self.network.sender if change.request is not None else None
        who = sender.name if sender is not None else "-"
        metadata = change.new["metadata"]
        what = f"{change.resource.plural}/{metadata['name']}"
        self.journal.note(f"{who} {change.kind} {what} {metadata['resourceVersion']}")
        if sender is None:
            return
        if change.resource not in {LEASES, EVENTS}:
            self.last_write = _now()
        self._fencing.see(change, sender)
        self._upgrades.see(change)
        self._keeping.see(change)
        self._thrift.see(change, sender)
        self.secrecy.see(change)
        self._truth.judge(change)

    def wishes(self) -> list[tuple[Resource, dict[str, Any]]]:
        """What users have written by now, as they would write it anew.

        Claims are there whoever made them: what is behind them can't be wished for.
        """
        return [
            (resource, _anew(body))
            for resource in (*KINDS, BUCKET_CLAIM)
            for body in self.api.objects(resource, NAMESPACE)
            if resource == REGISTRY or _is_users(body) or _is_kept(resource, body)
        ] + [
            (resource, _anew(body))
            for resource in (REGISTRY_TEMPLATE, CLASSES)
            for body in self.api.objects(resource)
        ]

    def wish(self, resource: Resource, body: dict[str, Any]) -> None:
        """Begin with what was wished in another world."""
        stored = self.api.put(resource, body)
        if _is_kept(resource, stored) and not _is_users(stored):
            self._keeping.inherit(stored)

    def key(self, name: str) -> ObjectKey:
        """Return the key of an object of this world."""
        return ObjectKey(NAMESPACE, name)


def _is_users(body: dict[str, Any]) -> bool:
    """Whether a user made it and wants it: not an operator, the cluster or COSI."""
    metadata = body["metadata"]
    is_made_by_others = metadata.get("ownerReferences") or "BucketInfo" in body.get("data", {})
    is_wanted = "deletionTimestamp" not in metadata and not is_made_by_others
    return is_wanted and LABEL_MANAGED_BY not in metadata.get("labels", {})


def _is_kept(resource: Resource, body: dict[str, Any]) -> bool:
    is_claim = resource in {PERSISTENT_VOLUME_CLAIM, BUCKET_CLAIM}
    return is_claim and "deletionTimestamp" not in body["metadata"]


def _anew(body: dict[str, Any]) -> dict[str, Any]:
    metadata = {
        name: value
        for name, value in body["metadata"].items()
        if name in {"name", "namespace", "labels"}
    }
    annotations = body["metadata"].get("annotations", {})
    if SPECIFIED in annotations:  # what was said of a claim is by what happened, too
        metadata["annotations"] = {SPECIFIED: annotations[SPECIFIED]}
    return {name: value for name, value in body.items() if name != "status"} | {
        "metadata": metadata
    }


def _now() -> float:
    return asyncio.get_running_loop().time()


def _image(pod: dict[str, Any]) -> str:
    image: str = pod["spec"]["containers"][0]["image"]
    return image
