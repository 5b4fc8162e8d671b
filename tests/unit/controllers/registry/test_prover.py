"""Pods are tried before anybody relies on them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from controllers.kinds import DEPLOYMENT, POD
from controllers.registry import child
from controllers.registry.pod_template import PREFIX_ANNOTATION
from controllers.registry.proof import Proof, Trial
from controllers.registry.prover import Prover
from controllers.registry.upgrade_plan import HEALTHY
from registry_operator.api.names import LABEL_REGISTRY
from registry_operator.distribution.check import Check, Result, Verdict
from registry_operator.kube.object import Object
from registry_operator.runtime.owned import OWNER_INDEX
from registry_operator.runtime.ownership import by_owner_label
from registry_operator.runtime.store import Store
from registry_operator.testing.builders import an_object
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry.changing import (
    NEW,
    OLD,
    canary_of,
    canary_pod_of,
    deployed,
    pod_of,
    revision_of,
)

pytestmark = pytest.mark.virtual

ROLLING = {HEALTHY: revision_of(OLD)}


class Stage:
    """A prover over stores that are filled by hand; `found` is what each address gives."""

    def __init__(self, clock: VirtualClock) -> None:
        index = {OWNER_INDEX: by_owner_label(LABEL_REGISTRY)}
        self.clock = clock
        self.pods, self.deployments = Store(POD, indexes=index), Store(DEPLOYMENT, indexes=index)
        self._pods, self._deployments = self.pods.writer(), self.deployments.writer()
        self.found: dict[str, Verdict] = {}
        self.checks: list[Check] = []
        self.told: list[str] = []
        self.prover = Prover(
            self.pods,
            self.deployments,
            checker=self._check,
            clock=clock,
            changed=lambda pod: self.told.append(pod.name),
        )

    async def _check(self, what: Check, *, nonce: bytes) -> Result:
        self.checks.append(what)
        verdict = self.found.get(what.host, Verdict.PASSED)
        return Result(verdict, "push", "" if verdict is Verdict.PASSED else "it went wrong", 0.1)

    def deploy(self, body: dict[str, Any]) -> None:
        self._deployments.upsert(an_object(body))

    def pod(self, body: dict[str, Any], address: str = "10.0.0.1") -> Object:
        body["status"]["podIP"] = address
        pod = an_object(body)
        self._pods.upsert(pod)
        self.proof(pod)
        return pod

    def gone(self, pod: Object) -> None:
        self._pods.remove(pod)

    def proof(self, pod: Object) -> Proof | None:
        """What a decision about its Registry is told of a pod."""
        (owner,) = child.owner_key(pod)
        return next(iter(self.prover.of(owner, [pod])), None)

    def finding(self, pod: Object) -> Trial | None:
        proof = self.proof(pod)
        return proof.trial if proof is not None else None

    @asynccontextmanager
    async def running(self, seconds: float = 60.0) -> AsyncIterator[None]:
        task = asyncio.create_task(self.prover.run())
        await self.clock.sleep(seconds)
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
def stage(clock: VirtualClock) -> Stage:
    return Stage(clock)


async def test_at_rest_nobody_is_asked(stage: Stage) -> None:
    stage.deploy(deployed(OLD, annotations={HEALTHY: revision_of(OLD)}))
    stage.pod(pod_of(OLD, "images-1-a"))
    async with stage.running():
        assert stage.checks == []


async def test_a_canary_is_tried_once_and_the_pods_that_serve_are_not(stage: Stage) -> None:
    stage.deploy(deployed(OLD))
    stage.deploy(canary_of(NEW))
    canary = stage.pod(canary_pod_of(NEW), "10.0.0.2")
    stage.pod(pod_of(OLD, "images-1-a"))
    async with stage.running():
        assert [check.host for check in stage.checks] == ["10.0.0.2"]
        assert stage.finding(canary) is Trial.PASSED
        assert stage.told == ["images-canary-1"]


async def test_pods_that_are_not_ready_are_waited_for(stage: Stage) -> None:
    stage.deploy(deployed(NEW, annotations=ROLLING))
    stage.pod(pod_of(NEW, "images-2-a", ready=False))
    async with stage.running():
        assert stage.checks == []
        ready = stage.pod(pod_of(NEW, "images-2-a"))
        await stage.clock.sleep(10)
        assert stage.finding(ready) is Trial.PASSED


async def test_nobody_decides_so_nothing_is_tried(stage: Stage) -> None:
    stage.deploy(deployed(NEW, annotations=ROLLING))
    body = pod_of(NEW, "images-2-a")
    stage._pods.upsert(an_object(body))
    async with stage.running():
        assert stage.checks == []


async def test_one_failure_is_none_and_three_are(stage: Stage) -> None:
    stage.deploy(deployed(NEW, annotations=ROLLING))
    pod = stage.pod(pod_of(NEW, "images-2-a"))
    stage.found["10.0.0.1"] = Verdict.FAILED
    async with stage.running(1.0):
        assert stage.finding(pod) is Trial.UNDECIDED
        await stage.clock.sleep(10)
        assert stage.finding(pod) is Trial.FAILED
        known = stage.proof(pod)
        assert known is not None
        assert known.message == "it went wrong"


async def test_where_the_pods_that_serve_fail_too_the_change_is_not_to_blame(stage: Stage) -> None:
    stage.deploy(deployed(NEW, annotations=ROLLING))
    new = stage.pod(pod_of(NEW, "images-2-a"), "10.0.0.1")
    stage.pod(pod_of(OLD, "images-1-a"), "10.0.0.2")
    stage.found = dict.fromkeys(("10.0.0.1", "10.0.0.2"), Verdict.FAILED)
    async with stage.running(600.0):
        assert stage.finding(new) is Trial.UNDECIDED
        stage.found.clear()
        await stage.clock.sleep(30)
        assert stage.finding(new) is Trial.PASSED


async def test_one_that_cannot_be_reached_is_taken_at_the_kubelets_word(stage: Stage) -> None:
    stage.deploy(deployed(NEW, annotations=ROLLING))
    pod = stage.pod(pod_of(NEW, "images-2-a"))
    stage.found["10.0.0.1"] = Verdict.UNREACHABLE
    async with stage.running():
        assert stage.finding(pod) is Trial.UNREACHED
        assert len(stage.checks) == 3


async def test_what_failed_is_tried_again_calmly_and_may_heal(stage: Stage) -> None:
    stage.deploy(deployed(NEW, annotations=ROLLING))
    pod = stage.pod(pod_of(NEW, "images-2-a"))
    stage.found["10.0.0.1"] = Verdict.FAILED
    async with stage.running(600.0):
        assert len(stage.checks) < 50
        stage.found.clear()
        await stage.clock.sleep(30)
        assert stage.finding(pod) is Trial.PASSED


async def test_a_pod_that_is_gone_is_forgotten(stage: Stage) -> None:
    stage.deploy(deployed(NEW, annotations=ROLLING))
    pod = stage.pod(pod_of(NEW, "images-2-a"))
    async with stage.running():
        stage.gone(pod)
        assert stage.finding(pod) is None


async def test_a_change_that_is_over_wakes_nobody(stage: Stage) -> None:
    stage.deploy(deployed(NEW, annotations=ROLLING))
    pod = stage.pod(pod_of(NEW, "images-2-a"))
    assert stage.prover.changing(pod)
    stage.deploy(deployed(NEW, annotations={HEALTHY: revision_of(NEW)}))
    assert not stage.prover.changing(pod)


async def test_a_pod_that_only_reads_is_asked_for_no_push_and_a_prefix_is_told(
    stage: Stage,
) -> None:
    stage.deploy(deployed(NEW, annotations=ROLLING))
    body = pod_of(NEW, "images-2-a")
    body["metadata"]["annotations"][PREFIX_ANNOTATION] = "/images/"
    body["spec"]["containers"][0]["volumeMounts"] = [{"name": "data", "readOnly": True}]
    stage.pod(body)
    async with stage.running():
        (check,) = stage.checks
        assert (check.writes, check.prefix) == (False, "/images/")
