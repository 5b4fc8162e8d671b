"""What is wrong with pods, as the kubelet, the scheduler and the registry itself say it."""

from typing import Any

import pytest

from controllers.registry.health import PodHealth
from controllers.registry.pods import Trouble, find_trouble
from registry_operator.testing.builders import (
    a_deployment,
    a_pod,
    a_registry,
    an_object,
    deleting,
    waiting,
)
from tests.unit.controllers.registry.snapshots import objects

OWNER = a_registry()


def trouble(*pods: dict[str, Any], deployment: dict[str, Any] | None = None) -> Trouble | None:
    return find_trouble(objects(*pods), an_object(deployment) if deployment else None, ())


def ended(state: str = "lastState", **told: Any) -> dict[str, Any]:
    return {state: {"terminated": {"exitCode": 1, "reason": "Error", **told}}, "restartCount": 4}


@pytest.mark.parametrize(
    ("container", "reason", "word"),
    [
        (waiting("ErrImagePull"), "ImagePullFailed", "correct spec.image or spec.imagePullSecrets"),
        (waiting("ImagePullBackOff"), "ImagePullFailed", "image registry:3.1.2 of pod images-1-a"),
        (waiting("InvalidImageName"), "ImagePullFailed", "can't be pulled"),
        (waiting("ErrImageNeverPull"), "ImagePullFailed", "can't be pulled"),
        (waiting("ImageInspectError"), "ImagePullFailed", "can't be pulled"),
        (waiting("RegistryUnavailable"), "ImagePullFailed", "can't be pulled"),
        (waiting("CreateContainerConfigError", "no secret x"), "PodConfigError", "no secret x"),
        (waiting("CreateContainerError", "m"), "PodConfigError", "CreateContainerError"),
        (waiting("RunContainerError", "m"), "PodConfigError", "pod images-1-a"),
        (waiting("CrashLoopBackOff") | ended(), "PodCrashing", "ended 4 times"),
        (ended("state", exitCode=137, reason="OOMKilled"), "PodCrashing", "137 (OOMKilled)"),
        (ended(), "PodCrashing", "kubectl logs --previous images-1-a"),
    ],
)
def test_what_the_kubelet_says_is_told_with_the_cure(
    container: dict[str, Any], reason: str, word: str
) -> None:
    found = trouble(a_pod(OWNER, container=container))

    assert found is not None
    assert found.reason == reason
    assert word in found.message


def test_pulling_does_not_alternate_between_failure_and_back_off() -> None:
    failed, waits = (waiting(reason) for reason in ("ErrImagePull", "ImagePullBackOff"))

    assert trouble(a_pod(OWNER, container=failed)) == trouble(a_pod(OWNER, container=waits))


def test_what_the_process_said_when_it_ended_is_not_repeated() -> None:
    found = trouble(a_pod(OWNER, container=ended(message="password=do-not-tell")))

    assert found is not None
    assert "do-not-tell" not in found.message


@pytest.mark.parametrize(
    "container",
    [{}, waiting("ContainerCreating"), waiting("PodInitializing"), {"state": {"running": {}}}],
)
def test_a_start_is_no_trouble(container: dict[str, Any]) -> None:
    assert trouble(a_pod(OWNER, container=container)) is None


def test_a_pod_that_recovered_is_no_trouble() -> None:
    assert trouble(a_pod(OWNER, ready=True, container=ended())) is None


def test_what_the_scheduler_says_is_told() -> None:
    told = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}
    found = trouble(a_pod(OWNER, phase="Pending", conditions=[told]))

    assert found == Trouble(
        "PodUnschedulable", "pod images-1-a can't be scheduled: 0/3 nodes are available"
    )
    assert trouble(a_pod(OWNER, conditions=[told | {"status": "True"}])) is None


def test_the_newest_pod_speaks_first() -> None:
    old = a_pod(OWNER, "old", container=ended(), created="2026-01-01T00:00:00Z")
    new = a_pod(OWNER, "new", container=waiting("ErrImagePull"), created="2026-01-02T00:00:00Z")
    found = trouble(old, new)

    assert found is not None
    assert found.reason == "ImagePullFailed"


def test_pods_that_go_or_are_over_are_not_asked() -> None:
    crashed = a_pod(OWNER, container=ended())

    assert trouble(deleting(crashed)) is None
    assert trouble({**crashed, "status": crashed["status"] | {"phase": "Failed"}}) is None
    assert trouble({**crashed, "status": None}) is None


def test_what_an_unready_pod_answered_is_told_with_its_name() -> None:
    pod = an_object(a_pod(OWNER))
    answer = PodHealth(pod.uid, "BucketNotFound", "NoSuchBucket")

    assert find_trouble([pod], None, [answer]) == Trouble(
        "BucketNotFound", "pod images-1-a: NoSuchBucket"
    )


@pytest.mark.parametrize(
    ("message", "reason", "cure"),
    [
        ('pods "x" is forbidden: exceeded quota: q', "QuotaExceeded", "raise the quota"),
        ('pods "x" is forbidden: violates PodSecurity', "PodsRejected", "change the policy"),
    ],
)
def test_pods_that_cannot_even_be_made_are_explained_by_the_deployment(
    message: str, reason: str, cure: str
) -> None:
    told = {"type": "ReplicaFailure", "status": "True", "message": message}
    found = trouble(deployment=a_deployment(OWNER, status={"conditions": [told]}))

    assert found is not None
    assert found.reason == reason
    assert message in found.message
    assert cure in found.message


def test_a_deployment_without_failure_is_no_trouble() -> None:
    other = {"type": "ReplicaFailure", "status": "False"}

    assert trouble() is None
    assert trouble(deployment=a_deployment(OWNER)) is None
    assert trouble(deployment=a_deployment(OWNER, status={"conditions": [other]})) is None
    assert trouble(deployment=a_deployment(OWNER, status={})) is None
