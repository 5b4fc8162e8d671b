"""What becomes of a change of the pods."""

from collections.abc import Mapping
from typing import Any

import pytest

from controllers.registry import failure, origin, revision, upgrade
from controllers.registry.comparison import Worse
from controllers.registry.failure import Failure
from controllers.registry.origin import Origin
from controllers.registry.proof import Proof, Trial
from controllers.registry.template import Template
from controllers.registry.upgrade_plan import HEALTHY, Admission, Phase, Plan
from registry_operator.api.upgrade import ABORT, RETRY
from tests.unit.controllers.registry.changing import (
    LATE,
    NEW,
    OLD,
    canary_of,
    canary_pod_of,
    changing,
    deployed,
    history,
    pod_of,
    revision_of,
)

THEN = Origin("own", "then")
CANARY_POD = "uid-images-canary-1"


def plan(to: str = NEW, **world: Any) -> Plan:
    decided = upgrade.decide(changing(to, **world))
    assert isinstance(decided, Plan), decided
    return decided


def image(template: Any) -> str:
    return str(template["spec"]["containers"][0]["image"])


def tried(trial: Trial, pod: str = CANARY_POD, message: str = "") -> dict[str, Any]:
    return {
        "canary": canary_of(NEW),
        "canary_pods": [canary_pod_of(NEW)],
        "proofs": (Proof(pod, trial, message),),
    }


def rolling(**annotations: str) -> dict[str, Any]:
    """The new image is deployed; the old one was healthy."""
    body = deployed(NEW, annotations={HEALTHY: revision_of(OLD), **annotations})
    return {"deployment": body, "replica_sets": [history(OLD), history(NEW, "images-2")]}


def remembered(retry: str = "") -> dict[str, str]:
    return {failure.ANNOTATION: Failure(revision_of(NEW), "CheckFailed", "no", retry).text()}


def test_at_rest_there_is_nothing_to_do() -> None:
    found = plan(OLD)

    assert (found.phase, found.is_held, found.healthy) == (None, False, "")


def test_a_change_is_tried_by_a_canary_while_the_pods_stay_what_they_are() -> None:
    found = plan()

    assert found.phase is Phase.CANARY
    assert image(found.template) == OLD
    assert image(found.wanted) == NEW


@pytest.mark.parametrize("trial", [Trial.PASSED, Trial.UNREACHED])
def test_what_a_canary_stood_is_deployed_and_the_way_back_noted(trial: Trial) -> None:
    found = plan(**tried(trial))

    assert found.phase is Phase.ROLLING
    assert image(found.template) == NEW
    assert found.healthy == revision_of(OLD)


@pytest.mark.parametrize("trial", [Trial.UNDECIDED])
def test_a_canary_that_is_not_done_is_waited_for(trial: Trial) -> None:
    assert plan(**tried(trial, message="half of it")).message.endswith("half of it")


def test_a_canary_of_an_earlier_wish_proves_nothing() -> None:
    world = tried(Trial.PASSED) | {"canary_pods": [canary_pod_of("registry:3.1.1")]}

    assert plan(**world).phase is Phase.CANARY


def test_what_a_canary_fails_is_not_made_and_remembered() -> None:
    found = plan(**tried(Trial.FAILED, message="a push failed"))

    assert found.phase is Phase.ROLLED_BACK
    assert image(found.template) == OLD
    assert found.failure is not None
    assert found.failure.revision == revision_of(NEW)
    assert "a push failed" in found.message


def test_a_canary_that_makes_no_progress_in_time_has_failed() -> None:
    world = tried(Trial.UNDECIDED) | {
        "canary": canary_of(NEW, conditions=[LATE], observedGeneration=1),
        "canary_pods": [canary_pod_of(NEW, ready=False)],
    }

    assert plan(**world).phase is Phase.ROLLED_BACK


def test_what_failed_is_not_tried_again() -> None:
    found = plan(deployment=deployed(OLD, annotations=remembered()))

    assert (found.phase, found.tries) == (Phase.ROLLED_BACK, False)
    assert found.failure is not None


def test_the_user_has_it_tried_again_by_another_word() -> None:
    failed = deployed(OLD, annotations=remembered(retry="1"))

    assert plan(deployment=failed, annotations={RETRY: "1"}).phase is Phase.ROLLED_BACK
    assert plan(deployment=failed, annotations={RETRY: "2"}).phase is Phase.CANARY


def test_another_change_is_tried_and_the_old_failure_forgotten() -> None:
    found = plan("registry:3.1.1", deployment=deployed(OLD, annotations=remembered()))

    assert (found.phase, found.failure) == (Phase.CANARY, None)


def test_a_word_of_somebody_else_in_our_annotation_is_no_failure() -> None:
    for text in ("x", "[]", '{"revision": 1}', "{}"):
        found = plan(deployment=deployed(OLD, annotations={failure.ANNOTATION: text}))
        assert found.phase is Phase.CANARY


def test_while_pods_are_replaced_the_way_back_stays_noted() -> None:
    found = plan(**rolling())

    assert (found.phase, found.healthy) == (Phase.ROLLING, revision_of(OLD))


def test_a_change_is_complete_when_every_new_pod_stood_its_check() -> None:
    pods = [pod_of(NEW, "images-2-a")]
    assert plan(**rolling(), pods=pods).phase is Phase.ROLLING

    stood = (Proof("uid-images-2-a", Trial.PASSED),)
    found = plan(**rolling(), pods=pods, proofs=stood)
    assert (found.phase, found.healthy) == (None, revision_of(NEW))


def test_new_pods_that_fail_are_taken_back() -> None:
    failed = (Proof("uid-images-2-a", Trial.FAILED, "a pull failed"),)
    found = plan(**rolling(), pods=[pod_of(NEW, "images-2-a")], proofs=failed)

    assert found.phase is Phase.ROLLING_BACK
    assert image(found.template) == OLD
    assert found.healthy == revision_of(OLD)
    assert found.failure is not None


WORSE = Worse(("manifest", "get"), 40, 30, 0.0, "were answered with 5xx")


def test_new_pods_whose_clients_are_served_worse_are_taken_back() -> None:
    found = plan(**rolling(), pods=[pod_of(NEW, "images-2-a")], worse=WORSE)

    assert (found.phase, image(found.template)) == (Phase.ROLLING_BACK, OLD)
    assert found.failure is not None
    assert found.failure.reason == "ClientsServedWorse"
    assert WORSE.message in found.message


def test_all_pods_are_new_and_stood_their_check_and_yet_clients_are_served_worse() -> None:
    stood = (Proof("uid-images-2-a", Trial.PASSED),)
    world = rolling() | {"pods": [pod_of(NEW, "images-2-a")], "proofs": stood}
    assert plan(**world, worse=WORSE).phase is Phase.ROLLING_BACK

    left = plan(**world, worse=WORSE, upgrade={"rollback": False})
    assert (left.phase, left.healthy) == (Phase.ROLLING, revision_of(OLD))
    assert "spec.upgrade.rollback is false" in left.message
    assert "ClientsServedWorse" in left.message


def test_a_canary_serves_no_clients_that_could_be_compared() -> None:
    assert plan(**tried(Trial.PASSED), worse=WORSE).phase is Phase.ROLLING


def test_without_rollback_they_are_left_and_it_is_told() -> None:
    failed = (Proof("uid-images-2-a", Trial.FAILED, "a pull failed"),)
    world = rolling() | {"pods": [pod_of(NEW, "images-2-a")], "proofs": failed}
    found = plan(**world, upgrade={"rollback": False})

    assert image(found.template) == NEW
    assert "a pull failed" in found.message


def test_nobody_goes_back_to_what_nobody_has() -> None:
    failed = (Proof("uid-images-2-a", Trial.FAILED, "a pull failed"),)
    world = rolling() | {"replica_sets": [history(NEW, "images-2")], "proofs": failed}
    found = plan(**world, pods=[pod_of(NEW, "images-2-a")])

    assert image(found.template) == NEW
    assert "nobody has the ReplicaSet" in found.message


def test_a_wish_that_changes_meanwhile_leaves_what_is_half_made() -> None:
    found = plan("registry:3.1.1", **rolling())

    assert found.phase is Phase.CANARY
    assert image(found.template) == OLD


def test_a_pause_holds_back_what_was_not_begun_and_stops_what_was() -> None:
    before = plan(upgrade={"paused": True})
    assert (before.phase, image(before.template), before.stops) == (Phase.PAUSED, OLD, False)

    meanwhile = plan(**rolling(), upgrade={"paused": True})
    assert (meanwhile.phase, image(meanwhile.template), meanwhile.stops) == (
        Phase.PAUSED,
        NEW,
        True,
    )


def test_an_abort_goes_back_from_anywhere() -> None:
    for world in ({}, rolling(), tried(Trial.PASSED)):
        found = plan(**world, annotations={ABORT: "true"})
        assert (found.phase, image(found.template)) == (Phase.ABORTED, OLD)


def test_a_move_that_breaks_something_is_refused_unless_any_is_allowed() -> None:
    world: dict[str, Any] = {"deployment": deployed(NEW), "replica_sets": [history(NEW)]}
    refused = plan(OLD, **world)
    assert refused.phase is Phase.REFUSED
    assert "DowngradeRefused" in refused.message
    assert image(refused.template) == NEW

    assert plan(OLD, **world, upgrade={"policy": "Any"}).phase is Phase.CANARY


def test_without_a_canary_it_is_deployed_at_once() -> None:
    found = plan(upgrade={"canary": False})

    assert (found.phase, image(found.template)) == (Phase.ROLLING, NEW)


@pytest.mark.parametrize("why", ["never healthy", "no pods"])
def test_where_there_is_nothing_to_protect_it_is_deployed_at_once(why: str) -> None:
    body = deployed(OLD)
    crashing = {"lastState": {"terminated": {"exitCode": 2}}, "restartCount": 1}
    pods = [pod_of(OLD, "images-1-a", ready=False, container=crashing)]
    if why == "no pods":
        body["spec"]["replicas"] = 0
    else:
        body["status"]["conditions"] = []
    found = plan(deployment=body, pods=pods)

    assert (found.phase, image(found.template), found.healthy) == (None, NEW, "")


def test_a_deployment_without_a_revision_is_of_an_older_operator_and_is_written_at_once() -> None:
    body = deployed(OLD)
    del body["metadata"]["annotations"][revision.ANNOTATION]

    assert plan(deployment=body).phase is None


def shared(
    *, is_given: bool, made_of: Origin = THEN, marks: Mapping[str, str] = {}
) -> dict[str, Any]:
    """The template says something else than when the Deployment was made."""
    return {
        "template": Template("base"),
        "origin": Origin("own", "now"),
        "admission": Admission(is_given=is_given, bound="25%"),
        "deployment": deployed(OLD, annotations={origin.ANNOTATION: made_of.text(), **marks}),
    }


def test_a_change_of_the_template_waits_for_its_turn_and_says_for_what() -> None:
    found = plan(**shared(is_given=False))

    assert (found.phase, found.is_held, found.tries) == (Phase.WAITING, True, False)
    assert image(found.template) == OLD
    assert "25% may change or have failed at a time" in found.message
    assert found.counts_for == ""


def test_whose_turn_it_is_counts_from_his_canary_on() -> None:
    found = plan(**shared(is_given=True))

    assert (found.phase, found.counts_for) == (Phase.CANARY, "base")


def test_a_change_of_its_own_needs_no_turn_and_counts_for_nobody() -> None:
    found = plan(**shared(is_given=False, made_of=Origin("other", "then")))

    assert (found.phase, found.counts_for) == (Phase.CANARY, "")


def test_what_failed_for_the_template_counts_for_it_until_something_else_is_wanted() -> None:
    found = plan(**shared(is_given=True, marks=remembered()))
    assert (found.phase, found.counts_for) == (Phase.ROLLED_BACK, "base")
    assert plan(OLD, **shared(is_given=True, marks=remembered())).counts_for == ""


@pytest.mark.parametrize("held", [{"upgrade": {"paused": True}}, {"annotations": {ABORT: "true"}}])
def test_who_is_held_back_by_his_user_takes_no_turn(held: dict[str, Any]) -> None:
    assert plan(**shared(is_given=True), **held).counts_for == ""


def test_a_roll_out_for_the_template_that_is_paused_on_its_way_counts_on() -> None:
    marks = {origin.ANNOTATION: Origin("own", "now").text(), origin.CHANGES: "base"}
    world = shared(is_given=True) | rolling(**marks)
    found = plan(**world, upgrade={"paused": True})

    assert (found.phase, found.counts_for) == (Phase.PAUSED, "base")
