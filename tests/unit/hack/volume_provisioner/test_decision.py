"""What is due for claims and volumes."""

from __future__ import annotations

from typing import Any

import pytest

from hack.volume_provisioner.claim import Claim
from hack.volume_provisioner.decision import (
    Grow,
    Provision,
    Refuse,
    Remove,
    Seen,
    Step,
    decide,
)
from hack.volume_provisioner.volume import LOCAL, PROVISIONERS, SHARED
from tests.unit.hack.volume_provisioner.bodies import (
    CLASSES,
    NAME,
    a_bound_claim,
    a_claim,
    a_class,
    a_volume,
)


def due(*claims: Claim, volumes: tuple[dict[str, Any], ...] = ()) -> list[Step]:
    seen = Seen(claims=claims, volumes=volumes, classes=CLASSES, nodes={"node-1", "node-2"})

    return decide(seen)


def test_a_claim_whose_pod_has_a_node_gets_a_volume() -> None:
    claim = a_claim("local", node="node-2")

    assert due(claim) == [Provision(claim, a_class("local"))]


def test_a_claim_waits_for_its_first_consumer_where_the_class_does() -> None:
    assert due(a_claim("local", node="")) == []


def test_a_shared_claim_waits_for_nobody() -> None:
    claim = a_claim("shared", node="", accessModes=["ReadWriteMany"])

    assert due(claim) == [Provision(claim, a_class("shared"))]


def test_a_claim_whose_volume_is_made_gets_no_second_one() -> None:
    assert due(a_claim(), volumes=(a_volume(phase="Available"),)) == []


@pytest.mark.parametrize(
    "claim",
    [
        a_claim(asks=""),  # a volume that is there may do
        a_claim(asks="other.example.com"),
        a_claim("others", asks=LOCAL),
        a_claim(phase="Bound", volumeName="by-hand"),
        a_claim(phase="Lost", volumeName=NAME),
        a_claim(volumeName="by-hand"),
        a_claim(metadata={"deletionTimestamp": "2026-11-26T00:00:00Z"}),
    ],
    ids=["not-asked", "another-asked", "no-class", "bound", "lost", "names-one", "leaving"],
)
def test_a_claim_that_is_not_ours_to_serve_is_left_alone(claim: Claim) -> None:
    assert due(claim) == []


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        (a_claim("shared", volumeMode="Block"), "volumeMode must be Filesystem"),
        (a_claim("local", accessModes=["ReadWriteMany"]), "ReadWriteMany: use class shared"),
        (
            a_claim("local", accessModes=["ReadWriteOnce", "ReadOnlyMany"]),
            "ReadOnlyMany: use class shared",
        ),
        (a_claim("local", node="simulated-1"), "node simulated-1 has no folder"),
        (a_claim("local", node="../../.."), "has no folder"),
        (a_claim("local", selector={"matchLabels": {"a": "b"}}), "selector"),
        (a_claim("shared", dataSourceRef={"kind": "VolumeSnapshot"}), "no dataSource"),
    ],
)
def test_a_claim_that_can_not_be_served_is_told_why(claim: Claim, why: str) -> None:
    (step,) = due(claim)

    assert isinstance(step, Refuse)
    assert why in step.why


def test_a_class_that_does_not_wait_for_a_node_can_not_have_local_volumes() -> None:
    hasty = {"metadata": {"name": "hasty"}, "provisioner": LOCAL, "volumeBindingMode": "Immediate"}
    claim = a_claim("hasty", asks=LOCAL, node="")

    (step,) = decide(Seen(claims=[claim], volumes=[], classes=[hasty], nodes={"node-1"}))

    assert isinstance(step, Refuse)
    assert "WaitForFirstConsumer" in step.why


def test_parameters_of_a_class_are_refused_rather_than_forgotten() -> None:
    fast = {"metadata": {"name": "fast"}, "provisioner": SHARED, "parameters": {"speed": "high"}}
    claim = a_claim("fast", asks=SHARED)

    (step,) = decide(Seen(claims=[claim], volumes=[], classes=[fast], nodes=()))

    assert isinstance(step, Refuse)
    assert "class fast has parameters" in step.why


def test_a_claim_that_wants_more_grows_after_its_volume() -> None:
    claim = a_bound_claim(has="1Gi", wants="2Gi")

    assert due(claim, volumes=(a_volume(size="1Gi"),)) == [Grow(claim, NAME)]


def test_a_growth_that_was_cut_off_is_finished() -> None:
    claim = a_bound_claim(has="1Gi", wants="2Gi")

    assert due(claim, volumes=(a_volume(size="2Gi"),)) == [Grow(claim, "")]


@pytest.mark.parametrize(("has", "wants"), [("1Gi", "1024Mi"), ("2Gi", "1Gi"), ("", "2Gi")])
def test_a_claim_that_has_enough_or_nothing_yet_does_not_grow(has: str, wants: str) -> None:
    assert due(a_bound_claim(has=has, wants=wants), volumes=(a_volume(),)) == []


def test_a_volume_of_others_does_not_grow() -> None:
    claim = a_bound_claim(has="1Gi", wants="2Gi")

    assert due(claim, volumes=(a_volume(by="other.example.com"),)) == []


@pytest.mark.parametrize("by", PROVISIONERS)
def test_a_volume_that_lost_its_claim_is_removed(by: str) -> None:
    volume = a_volume(phase="Released", by=by)

    assert due(volumes=(volume,)) == [Remove(volume)]


@pytest.mark.parametrize(
    "volume",
    [
        a_volume(phase="Bound"),
        a_volume(phase="Available"),
        a_volume(phase="Released", policy="Retain"),
        a_volume(phase="Released", by="other.example.com"),
    ],
    ids=["bound", "available", "retained", "of-others"],
)
def test_every_other_volume_stays(volume: dict[str, Any]) -> None:
    assert due(volumes=(volume,)) == []
