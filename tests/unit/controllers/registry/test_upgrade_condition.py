"""What is told of a change of the pods."""

from dataclasses import replace
from datetime import UTC, datetime

from controllers.registry.inputs import RegistryInputs
from controllers.registry.proof import Proof, Trial
from controllers.registry.upgrade_condition import applied, keeps_configuration, told
from controllers.registry.upgrade_plan import HEALTHY
from registry_operator.testing.builders import an_object
from tests.unit.controllers.registry.changing import (
    NEW,
    OLD,
    changing,
    deployed,
    pod_of,
    revision_of,
)

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_at_rest_nothing_is_told() -> None:
    assert told(changing(OLD)) is None
    assert applied(changing(OLD), now=NOW) == {}


def test_a_change_is_told_with_from_and_to_and_since_when() -> None:
    assert told(changing()) is not None
    found = applied(changing(), now=NOW)["upgrade"]

    assert (found["phase"], found["fromImage"], found["toImage"]) == ("Canary", OLD, NEW)
    assert (found["revision"], found["since"]) == (revision_of(NEW), "2026-01-01T12:00:00Z")


def test_a_phase_that_lasts_keeps_its_beginning() -> None:
    inputs = changing()
    body = inputs.owner.body() | {
        "status": {"upgrade": {"phase": "Canary", "since": "2025-01-01T00:00:00Z"}}
    }
    found = applied(replace(inputs, owner=an_object(body)), now=NOW)["upgrade"]
    assert found["since"] == "2025-01-01T00:00:00Z"

    body["status"]["upgrade"]["phase"] = "Rolling"
    found = applied(replace(inputs, owner=an_object(body)), now=NOW)["upgrade"]
    assert found["since"] == "2026-01-01T12:00:00Z"


def test_a_change_is_made_once_the_way_back_to_it_is_noted() -> None:
    def world(healthy: str) -> RegistryInputs:
        return changing(
            NEW,
            deployment=deployed(NEW, annotations={HEALTHY: revision_of(healthy)}),
            pods=[pod_of(NEW, "images-1")],
            proofs=(Proof("uid-images-1", Trial.PASSED),),
        )

    noted_now = told(world(OLD))
    assert noted_now is not None
    assert (noted_now.reason, "noted" in noted_now.message) == ("RollingOut", True)
    assert told(world(NEW)) is None


def test_of_a_registry_that_is_paused_nothing_is_told_as_nothing_is_done() -> None:
    inputs = changing()
    paused = inputs.wanted.model_copy(update={"paused": True})

    assert told(replace(inputs, spec=paused)) is None


def test_pods_that_are_kept_as_they_are_keep_their_configuration() -> None:
    before = deployed(OLD, config={"log": {"level": "debug"}})
    assert keeps_configuration(changing(OLD, deployment=before))
    assert not keeps_configuration(changing(OLD))
