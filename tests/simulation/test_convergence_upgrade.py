"""The whole operator while pods are changed: a canary tries, all follow, or none does."""

from typing import Any

import pytest

from controllers.kinds import DEPLOYMENT, POD, REGISTRY, REPLICA_SET, SECRET, SERVICE
from registry_operator.api.upgrade import ABORT, RETRY
from registry_operator.distribution.check import Result, Verdict
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.recorder import EVENTS
from registry_operator.testing.builders import NAMESPACE, S3, a_secret
from registry_operator.testing.virtual_loop import VirtualClock
from tests.unit.controllers.registry_stage import PASSED, UNREACHABLE, RegistryStage

pytestmark = pytest.mark.virtual

FAILED = Result(Verdict.FAILED, "pull", "GET /v2/: 500 instead of 200", 0.1)
KEYS = {"accessKey": "a", "secretKey": "s"}
OLD, NEW = "registry:3.0.0", "registry:3.1.2"


@pytest.fixture
def stage(clock: VirtualClock) -> RegistryStage:
    return RegistryStage(clock)


async def started(stage: RegistryStage, **spec: Any) -> None:
    stage.create(image=OLD, **spec)
    await stage.settle()
    assert stage.told() == ("True", "Ready")
    stage.new_writes()


def to(stage: RegistryStage, image: str) -> None:
    stage.change(lambda spec: spec.update(image=image))


def image_of(stage: RegistryStage) -> str:
    return running(stage.one(DEPLOYMENT))


def running(body: dict[str, Any]) -> str:
    pod = body["spec"].get("template", body)["spec"]
    return str(pod["containers"][0]["image"])


def phase(stage: RegistryStage) -> str | None:
    phase: str | None = stage.status().get("upgrade", {}).get("phase")
    return phase


def annotate(stage: RegistryStage, name: str, value: str | None) -> None:
    def set_it(body: dict[str, Any]) -> None:
        annotations = body["metadata"].setdefault("annotations", {})
        annotations.pop(name, None) if value is None else annotations.update({name: value})

    stage.api.change(REGISTRY, ObjectKey(NAMESPACE, "images"), set_it)


def ill(stage: RegistryStage, image: str) -> None:
    """Pods of an image do not become ready."""
    stage.cluster.is_well = lambda pod: running(pod) != image


def fails(stage: RegistryStage, *images: str) -> None:
    """Pods of an image are ready, and fail when they are tried."""
    stage.check = lambda pod: FAILED if running(pod) in images else PASSED


async def half_made(stage: RegistryStage, **upgrade: Any) -> None:
    """A change is rolled out without a canary, and its pods do not become ready."""
    await started(stage, upgrade={"canary": False, "progressDeadlineSeconds": 60, **upgrade})
    ill(stage, NEW)
    to(stage, NEW)
    await stage.settle(30)


async def assert_made(stage: RegistryStage) -> None:
    """What is wanted comes to all pods."""
    await stage.settle(60)
    assert stage.told() == ("True", "Ready")
    assert image_of(stage) == NEW


async def test_a_canary_tries_a_change_that_all_pods_make_then(stage: RegistryStage) -> None:
    async with stage.running():
        await started(stage)
        to(stage, NEW)
        await stage.settle(1)
        assert stage.names(DEPLOYMENT) == ["images", "images-canary"]
        assert image_of(stage) == OLD
        assert running(stage.get(DEPLOYMENT, NAMESPACE, "images-canary")) == NEW
        await stage.settle(30)

        assert stage.told() == ("True", "Ready")
        assert stage.names(DEPLOYMENT) == ["images"]
        assert image_of(stage) == stage.status()["image"] == NEW
        assert phase(stage) is None
        assert len(stage.checked) == 2


async def test_the_service_sends_nobody_to_a_canary(stage: RegistryStage) -> None:
    async with stage.running():
        await started(stage)
        to(stage, NEW)
        await stage.settle(1)
        canary = next(pod for pod in stage.api.objects(POD) if running(pod) == NEW)
        selector = stage.one(SERVICE)["spec"]["selector"]
        assert not selector.items() <= canary["metadata"]["labels"].items()


async def test_a_change_costs_four_writes_besides_the_status(stage: RegistryStage) -> None:
    async with stage.running():
        await started(stage)
        to(stage, NEW)
        await stage.settle(60)
        writes = [one for one in stage.new_writes() if "deployments" in one.path]

        assert len(writes) == 4
        await stage.settle(3600)
        assert stage.new_writes() == []


@pytest.mark.parametrize("how", ["a failed check", "a crash", "a deadline"])
async def test_a_change_that_fails_before_a_client_met_it_is_not_made(
    stage: RegistryStage, how: str
) -> None:
    async with stage.running():
        await started(stage, upgrade={"progressDeadlineSeconds": 30})
        if how == "a failed check":
            fails(stage, NEW)
        elif how == "a crash":
            ill(stage, NEW)
            stage.cluster.deployments.ends = lambda pod: 3 if running(pod) == NEW else 0
        else:
            ill(stage, NEW)
        before = image_of(stage)
        to(stage, NEW)
        await stage.settle(60)

        assert image_of(stage) == before
        assert stage.names(DEPLOYMENT) == ["images"]
        assert phase(stage) == "RolledBack"
        assert stage.told() == ("False", "UpgradeFailed")
        assert stage.told("Stalled") == ("True", "UpgradeFailed")
        assert stage.told("Available") == ("True", "Serving")
        assert stage.status()["image"] == OLD
        assert {request.path for request in stage.new_writes()} != set()
        await stage.settle(3600)
        assert stage.new_writes() == []


async def test_what_failed_is_tried_again_once_the_user_says_so(stage: RegistryStage) -> None:
    async with stage.running():
        await started(stage)
        fails(stage, NEW)
        to(stage, NEW)
        await stage.settle(60)
        fails(stage, "none")
        await stage.settle(600)
        assert phase(stage) == "RolledBack"

        annotate(stage, RETRY, "now")
        await assert_made(stage)


async def test_what_failed_is_not_tried_again_by_another_process(stage: RegistryStage) -> None:
    async with stage.running():
        await started(stage)
        fails(stage, NEW)
        to(stage, NEW)
        await stage.settle(60)
    fails(stage, "none")
    stage.new_writes()
    async with stage.running():
        await stage.settle(600)

        assert phase(stage) == "RolledBack"
        assert stage.new_writes() == []


async def test_another_change_is_tried_and_what_failed_forgotten(stage: RegistryStage) -> None:
    async with stage.running():
        await started(stage)
        fails(stage, NEW)
        to(stage, NEW)
        await stage.settle(60)
        to(stage, OLD)
        await stage.settle(60)
        assert stage.told() == ("True", "Ready")
        assert "upgrade" not in stage.status()

        fails(stage, "none")
        to(stage, NEW)
        await assert_made(stage)


async def test_pods_that_fail_while_they_are_replaced_are_taken_back(stage: RegistryStage) -> None:
    async with stage.running():
        await half_made(stage)
        assert image_of(stage) == NEW
        assert phase(stage) == "Rolling"
        await stage.settle(90)

        assert image_of(stage) == OLD
        assert phase(stage) == "RolledBack"
        assert [running(pod) for pod in stage.api.objects(POD)] == [OLD]
        assert len(stage.names(REPLICA_SET)) == 2


async def test_without_rollback_they_are_left_and_it_is_told(stage: RegistryStage) -> None:
    async with stage.running():
        await half_made(stage, rollback=False)
        await stage.settle(90)

        assert image_of(stage) == NEW
        assert "rollback is false" in stage.message("Progressing")
        assert stage.told("Available") == ("True", "Serving")


class Clients:
    """They pull ten times in a second, and half of it from pods of either kind.

    `failed` is how many of ten such pulls pods of an image answer with 500.
    """

    def __init__(self, stage: RegistryStage, *, failed: dict[str, int]) -> None:
        self._stage, self._failed = stage, failed
        self._came: dict[str, float] = {}
        stage.counters_of = self._counters

    def _counters(self, pod: dict[str, Any]) -> bytes:
        now = self._stage.clock.monotonic()
        pulls = 5 * int(now - self._came.setdefault(pod["metadata"]["uid"], now))
        failed = pulls * self._failed.get(running(pod), 0) // 10
        name = 'registry_http_requests_total{code="%d",handler="manifest",method="get"} %d\n'
        told = name % (200, pulls - failed) + name % (500, failed)
        return ("# HELP\n" + told).encode()


def with_pods_of_both(stage: RegistryStage) -> None:
    """Only one of the new pods becomes ready, so that old ones serve beside it."""

    def is_well(pod: dict[str, Any]) -> bool:
        number = pod["metadata"]["name"].rpartition("-")[2]
        return running(pod) != NEW or number == "0"

    stage.cluster.is_well = is_well


async def rolled_among(stage: RegistryStage, failed: dict[str, int], **upgrade: Any) -> None:
    """A change is made while clients are served, by pods of both kinds for a minute."""
    stage.api.put(SECRET, a_secret("s3-keys", KEYS))
    await started(stage, storage=S3, replicas=4, upgrade=upgrade)
    Clients(stage, failed=failed)
    with_pods_of_both(stage)
    to(stage, NEW)
    await stage.settle(60)


async def goes_on(stage: RegistryStage) -> None:
    """All new pods become ready."""
    stage.cluster.is_well = lambda _pod: True
    stage.cluster.look_again()
    await stage.settle(60)


async def test_pods_that_stand_their_check_and_fail_their_clients_are_taken_back(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        await rolled_among(stage, {NEW: 5})

        assert image_of(stage) == OLD
        assert phase(stage) == "RolledBack"
        assert stage.told() == ("False", "UpgradeFailed")
        assert "ClientsServedWorse: of " in stage.message()
        assert RETRY in stage.message()
        assert {running(pod) for pod in stage.api.objects(POD)} == {OLD}
        stage.new_writes()
        stage.counted.clear()
        await stage.settle(3600)
        assert (stage.new_writes(), stage.counted) == ([], [])


async def test_what_failed_its_clients_is_not_tried_again_by_another_process(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        await rolled_among(stage, {NEW: 5})
    Clients(stage, failed={})
    stage.new_writes()
    async with stage.running():
        await stage.settle(600)
        assert phase(stage) == "RolledBack"
        assert stage.new_writes() == []

        annotate(stage, RETRY, "now")
        await goes_on(stage)
        assert image_of(stage) == NEW
        assert stage.told() == ("True", "Ready")


@pytest.mark.parametrize("failed", [{}, {OLD: 5}, {OLD: 9, NEW: 9}], ids=str)
async def test_a_change_is_made_that_serves_clients_no_worse(
    stage: RegistryStage, failed: dict[str, int]
) -> None:
    async with stage.running():
        await rolled_among(stage, failed)
        assert phase(stage) == "Rolling"
        assert stage.counted != []
        await goes_on(stage)

        assert image_of(stage) == NEW
        assert stage.told() == ("True", "Ready")
        stage.counted.clear()
        await stage.settle(3600)
        assert stage.counted == []


async def test_a_user_may_have_nothing_compared(stage: RegistryStage) -> None:
    async with stage.running():
        await rolled_among(stage, {NEW: 10}, compareTraffic=False)
        await goes_on(stage)

        assert image_of(stage) == NEW
        assert stage.told() == ("True", "Ready")
        assert stage.counted == []


async def test_without_rollback_worse_service_is_told_until_the_user_says_it_is_meant(
    stage: RegistryStage,
) -> None:
    async with stage.running():
        await rolled_among(stage, {NEW: 10}, rollback=False)
        await goes_on(stage)
        assert image_of(stage) == NEW
        assert phase(stage) == "Rolling"
        assert "ClientsServedWorse" in stage.message("Progressing")

        stage.change(lambda spec: spec["upgrade"].update(compareTraffic=False))
        await assert_made(stage)


async def test_an_operator_that_cannot_reach_pods_takes_the_kubelets_word(
    stage: RegistryStage,
) -> None:
    stage.check = lambda _pod: UNREACHABLE
    async with stage.running():
        await started(stage)
        to(stage, NEW)
        await assert_made(stage)


async def test_a_change_is_not_blamed_for_a_store_that_is_down(stage: RegistryStage) -> None:
    async with stage.running():
        await started(stage)
        fails(stage, OLD, NEW)
        to(stage, NEW)
        await stage.settle(600)
        assert phase(stage) == "Canary"
        assert "the pods that serve fail the same check" in stage.message("Progressing")

        fails(stage, "none")
        await assert_made(stage)


async def test_a_pause_holds_the_change_back_and_a_scale_goes_through(
    stage: RegistryStage,
) -> None:
    stage.api.put(SECRET, a_secret("s3-keys", KEYS))
    async with stage.running():
        await started(stage, storage=S3, upgrade={"paused": True})
        to(stage, NEW)
        stage.change(lambda spec: spec.update(replicas=3))
        await stage.settle(60)
        assert image_of(stage) == OLD
        assert stage.told() == ("False", "UpgradePaused")
        assert stage.status()["readyReplicas"] == 3

        stage.change(lambda spec: spec["upgrade"].update(paused=False))
        await assert_made(stage)


async def test_a_pause_stops_a_roll_out_where_it_is(stage: RegistryStage) -> None:
    async with stage.running():
        await half_made(stage)
        stage.change(lambda spec: spec["upgrade"].update(paused=True))
        await stage.settle(30)
        assert stage.one(DEPLOYMENT)["spec"]["paused"] is True
        assert phase(stage) == "Paused"

        stage.cluster.is_well = lambda _pod: True
        stage.change(lambda spec: spec["upgrade"].update(paused=False))
        await stage.settle(60)
        assert "paused" not in stage.one(DEPLOYMENT)["spec"]
        assert stage.told() == ("True", "Ready")


async def test_an_aborted_change_goes_back_and_on_again(stage: RegistryStage) -> None:
    async with stage.running():
        await half_made(stage)
        annotate(stage, ABORT, "true")
        await stage.settle(30)
        assert image_of(stage) == OLD
        assert phase(stage) == "Aborted"

        stage.cluster.is_well = lambda _pod: True
        annotate(stage, ABORT, None)
        await assert_made(stage)


def story(stage: RegistryStage) -> list[tuple[str, str]]:
    """Reason and note of every Event of a change; none has happened more than once."""
    told = [one for one in stage.api.objects(EVENTS) if ": from " in one["note"]]
    assert all("series" not in one for one in told)
    told.sort(key=lambda one: str(one["eventTime"]))
    return [(one["reason"], one["note"]) for one in told]


async def test_events_tell_each_turn_of_a_change_with_from_and_to(stage: RegistryStage) -> None:
    stage.api.put(SECRET, a_secret("s3-keys", KEYS))
    async with stage.running():
        await started(stage, replicas=3, storage=S3)
        to(stage, NEW)
        await stage.settle(120)
        told = story(stage)

        assert [reason for reason, _ in told] == ["CanaryRunning", "RollingOut", "Upgraded"]
        assert all(f"from {OLD} to {NEW} (" in note for _, note in told)
        assert not any(reason == "Ready" for _, reason, _ in stage.events()[2:])


async def test_events_tell_that_a_change_failed_why_and_what_to_do(stage: RegistryStage) -> None:
    async with stage.running():
        await half_made(stage)
        await stage.settle(90)
        to(stage, OLD)
        await stage.settle(30)
        told = story(stage)

        assert [reason for reason, _ in told] == [
            *("RollingOut", "RollingBack", "UpgradeFailed", "UpgradeWithdrawn")
        ]
        assert f"from {OLD} to {NEW}" in told[2][1]
        assert "correct the specification" in told[2][1]


async def test_other_processes_go_on_with_the_story_and_tell_nothing_twice(
    stage: RegistryStage,
) -> None:
    stage.api.put(SECRET, a_secret("s3-keys", KEYS))
    async with stage.running():
        await started(stage, replicas=3, storage=S3)
        fails(stage, OLD, NEW)
        to(stage, NEW)
        await stage.settle(1)
        assert [reason for reason, _ in story(stage)] == ["CanaryRunning"]
    async with stage.running():
        fails(stage, "none")
        for _ in range(60):
            await stage.settle(1)
            if phase(stage) != "Canary":
                break
        assert phase(stage) == "Rolling"
    async with stage.running():
        await stage.settle(120)
        assert stage.told() == ("True", "Ready")
        assert [reason for reason, _ in story(stage)] == ["CanaryRunning", "RollingOut", "Upgraded"]
