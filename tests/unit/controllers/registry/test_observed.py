"""What Deployments, slices and Services say, read as kubectl reads it."""

from typing import Any

import pytest

from controllers.registry import observed, revision
from registry_operator.kube.object import Object
from registry_operator.testing.builders import (
    a_deployment,
    a_pod,
    a_registry,
    a_service,
    an_endpoint_slice,
    an_object,
    deleting,
)
from tests.unit.controllers.registry.snapshots import objects

OWNER = a_registry()


def status(
    updated: int, available: int, total: int, *, seen: int = 1, reason: str = ""
) -> dict[str, Any]:
    return {
        "observedGeneration": seen,
        "replicas": total,
        "updatedReplicas": updated,
        "availableReplicas": available,
        "conditions": [{"type": "Progressing", "reason": reason}],
    }


@pytest.mark.parametrize(
    ("told", "complete", "deadline"),
    [
        (status(2, 2, 2), True, False),
        (status(2, 2, 2, seen=0), False, False),
        (status(1, 1, 1), False, False),
        (status(2, 1, 2), False, False),
        (status(2, 2, 3), False, False),
        (status(1, 3, 3, reason="ProgressDeadlineExceeded"), False, True),
        (status(1, 3, 3, seen=0, reason="ProgressDeadlineExceeded"), False, False),
        (status(2, 2, 2, reason="ProgressDeadlineExceeded"), True, False),
        ({}, False, False),
    ],
)
def test_a_roll_out_is_judged_as_kubectl_rollout_status_does(
    told: dict[str, Any],
    complete: bool,  # noqa: FBT001 - a parameter of the test
    deadline: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    rollout = observed.rollout(an_object(a_deployment(OWNER, replicas=2, status=told)))

    assert (rollout.complete, rollout.deadline_exceeded) == (complete, deadline)


@pytest.mark.parametrize(
    ("told", "ends", "only_new"),
    [
        (status(2, 2, 2), False, True),
        # Whether the new ones are well is not asked.
        (status(2, 0, 2), False, True),
        (status(2, 2, 2), True, False),
        (status(2, 2, 3), False, False),
        (status(2, 2, 2, seen=0), False, False),
        ({}, False, False),
    ],
)
def test_the_pods_are_all_new_when_the_last_old_one_has_ended(
    told: dict[str, Any],
    ends: bool,  # noqa: FBT001 - a parameter of the test
    only_new: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    pods = [an_object(deleting(a_pod(OWNER)) if ends else a_pod(OWNER))]
    deployment = an_object(a_deployment(OWNER, replicas=2, status=told))

    assert observed.has_only_new(deployment, pods) is only_new


@pytest.mark.parametrize(
    ("replicas", "revisions", "complete"),
    [
        (2, ["b", "b"], True),
        (1, ["b", "b"], False),
        (2, ["b", "a"], False),
        (2, ["a", "a"], False),
        (2, [], False),
    ],
)
def test_a_write_that_concerns_no_pod_is_no_roll_out_though_nobody_has_seen_it_yet(
    replicas: int,
    revisions: list[str],
    complete: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    def of(body: dict[str, Any], name: str) -> Object:
        body["metadata"].setdefault("annotations", {})[revision.ANNOTATION] = name
        return an_object(body)

    deployment = of(a_deployment(OWNER, replicas=replicas, status=status(2, 2, 2, seen=0)), "b")
    pods = [of(a_pod(OWNER), name) for name in revisions]

    assert observed.rollout(deployment, pods).complete is complete


def test_pods_of_the_revision_that_run_what_somebody_else_made_of_it_are_not_rolled_out() -> None:
    deployment = a_deployment(OWNER, replicas=2, status=status(2, 2, 2, seen=0))
    pods = [a_pod(OWNER), a_pod(OWNER)]
    for body in (deployment, *pods):
        body["metadata"].setdefault("annotations", {})[revision.ANNOTATION] = "b"
    assert observed.rollout(an_object(deployment), [*map(an_object, pods)]).complete

    pods[0]["spec"]["containers"][0]["image"] = "registry:0.0.1"

    assert not observed.rollout(an_object(deployment), [*map(an_object, pods)]).complete


def test_scaled_to_zero_is_rolled_out() -> None:
    deployment = a_deployment(OWNER, replicas=0, status={"observedGeneration": 1})

    assert observed.rollout(an_object(deployment)).complete


def test_how_far_it_is_can_be_read() -> None:
    deployment = a_deployment(OWNER, replicas=3, status=status(1, 3, 4))

    assert observed.rollout(an_object(deployment)).message == (
        "1 of 3 pods are new, 3 available, 3 old"
    )


def test_ready_endpoints_are_counted_and_a_missing_word_means_ready() -> None:
    slices = objects(an_endpoint_slice(OWNER, ready=(True, False, None)))

    assert observed.ready_endpoints(slices) == 2
    assert observed.ready_endpoints(()) == 0
    assert observed.ready_endpoints(objects({"metadata": {"name": "x"}, "endpoints": None})) == 0


def test_a_pod_with_two_address_families_counts_once() -> None:
    both = [
        {"metadata": {"name": family}, "endpoints": [{"addresses": [family], "targetRef": {"uid": "p"}}]}
        for family in ("IPv4", "IPv6")
    ]  # fmt: skip

    assert observed.ready_endpoints(objects(*both)) == 1


def test_running_pods_are_counted_unless_they_go() -> None:
    pods = [a_pod(OWNER, "a"), a_pod(OWNER, "b", phase="Pending"), deleting(a_pod(OWNER, "c"))]

    assert observed.running(objects(*pods, {"metadata": {"name": "bare"}})) == 1


def test_a_load_balancer_has_an_address_once_it_is_told() -> None:
    assert not observed.has_ingress(an_object(a_service(OWNER)))
    assert observed.has_ingress(an_object(a_service(OWNER, ingress=[{"ip": "1.2.3.4"}])))


def test_counts_are_the_deployments() -> None:
    assert observed.counts(None) == {"replicas": 0, "readyReplicas": 0}
    assert observed.counts(an_object(a_deployment(OWNER, replicas=2))) == {
        "replicas": 2,
        "readyReplicas": 2,
    }


def test_the_selector_is_written_as_kubectl_takes_it() -> None:
    assert observed.selector(an_object(OWNER)) == (
        "app.kubernetes.io/name=registry,app.kubernetes.io/instance=images,"
        "app.kubernetes.io/component=registry"
    )


@pytest.mark.parametrize(
    ("image", "version"), [("registry:2.8.3", {"version": "2.8.3"}), ("registry:latest", {})]
)
def test_what_runs_is_told_from_the_pod_template(image: str, version: dict[str, str]) -> None:
    deployment = an_object(a_deployment(OWNER, image=image, config="images-config-1"))

    assert observed.running_software(deployment) == {
        "image": image,
        "configuration": "images-config-1",
        **version,
    }
